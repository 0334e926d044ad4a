import type { Environment } from '@millrace/expression';
import { examineInputs, failedChecks, strongestBehavior } from '@millrace/flow';
import type { FlowSource } from '@millrace/model';
import { flowWith, HELLO, parse } from './catalog.js';

const environment: Environment = { now: Date.UTC(2026, 10, 22), random: () => 0.5, timeZone: 'UTC' };

function definitionOf(yaml: string): FlowSource {
  const { definition, faults } = parse(flowWith(`${yaml}\n${HELLO}`));
  if (!definition) throw new Error(faults.map(({ message }) => message).join(' '));
  return definition;
}

describe('checks before an execution', () => {
  const flow = definitionOf(`inputs: [{id: n, type: INT}]
checks:
  - {condition: "{{ inputs.n < 10 }}", message: at most ten, style: ERROR, behavior: BLOCK_EXECUTION}
  - {condition: "{{ inputs.n < 5 }}", message: rather small, style: WARNING, behavior: FAIL_EXECUTION}
  - {condition: "{{ inputs.n < 2 }}", behavior: CREATE_EXECUTION}
  - {condition: true}`);
  const check = (n: number) => failedChecks(flow, { inputs: { n } }, environment);

  it('all hold', () => {
    expect(check(1)).toEqual([]);
    expect(strongestBehavior([])).toBeUndefined();
  });

  it.each([
    [3, 'CREATE_EXECUTION'],
    [7, 'FAIL_EXECUTION'],
    [20, 'BLOCK_EXECUTION'],
  ])('decide by the strongest that does not hold: n = %d', (n, behavior) => {
    expect(strongestBehavior(check(n))).toBe(behavior);
  });

  it('tell what they say, with their style', () => {
    expect(check(20)).toEqual([
      { index: 0, message: 'at most ten', style: 'ERROR', behavior: 'BLOCK_EXECUTION' },
      { index: 1, message: 'rather small', style: 'WARNING', behavior: 'FAIL_EXECUTION' },
      { index: 2, message: 'Check 3 does not hold.', style: 'INFO', behavior: 'CREATE_EXECUTION' },
    ]);
  });

  it('block by default, and whatever they say when they cannot be rendered', () => {
    expect(failedChecks(definitionOf('checks: [{condition: "{{ 1 }}"}]'), {}, environment)).toMatchObject([
      { style: 'INFO', behavior: 'BLOCK_EXECUTION' },
    ]);
    const broken = definitionOf(
      'checks: [{condition: "{{ nothing.there }}", style: INFO, behavior: CREATE_EXECUTION}]',
    );
    expect(failedChecks(broken, {}, environment)).toMatchObject([{ style: 'ERROR', behavior: 'BLOCK_EXECUTION' }]);
  });

  it('take the text true in any case', () => {
    expect(failedChecks(definitionOf('checks: [{condition: " TRUE "}]'), {}, environment)).toEqual([]);
  });
});

describe('examineInputs', () => {
  const flow = definitionOf(`inputs:
  - {id: kind, type: SELECT, values: [file, text]}
  - {id: lines, type: INT, min: 1, dependsOn: {inputs: [kind], condition: "{{ inputs.kind == 'file' }}"}}
  - {id: name, type: STRING, defaults: "{{ inputs.kind }}-x"}
  - {id: token, type: SECRET, required: false}
  - {id: first, type: SELECT, values: [a, b], autoSelectFirst: true}
  - {id: must, type: STRING}`);
  const examine = (given: Record<string, unknown>) =>
    Object.fromEntries(
      examineInputs(flow, given, environment).inputs.map(({ input, ...rest }) => [input.id, rest] as const),
    );

  it('tells of values, defaults and what is left out', () => {
    expect(examine({ kind: 'text', must: 'here' })).toEqual({
      kind: { value: 'text', enabled: true, isDefault: false, errors: [] },
      lines: { value: null, enabled: false, isDefault: false, errors: [] },
      name: { value: 'text-x', enabled: true, isDefault: true, errors: [] },
      token: { value: null, enabled: true, isDefault: false, errors: [] },
      first: { value: 'a', enabled: true, isDefault: true, errors: [] },
      must: { value: 'here', enabled: true, isDefault: false, errors: [] },
    });
  });

  it('tells each fault at its input', () => {
    const { kind, lines, must } = examine({ kind: 'file', lines: 0 });
    expect(kind?.errors).toEqual([]);
    expect(lines?.errors).toEqual(["The input 'lines' is the number 0 but must be 1 or more."]);
    expect(must?.errors).toEqual(["The input 'must' is missing: give it a value."]);
  });
});
