import { ENCRYPTED_TYPE } from '@millrace/expression';
import { evaluateExpression } from '../src/index.js';
import { aFlow, Harness, type WrittenFlow } from './harness.js';

const SEALED = { type: ENCRYPTED_TYPE, value: 'AAAA' };
const INPUTS = { token: SEALED, plain: 'p' };

const started = (tasks: WrittenFlow['tasks']) => new Harness(aFlow({ tasks }), INPUTS).start();

describe('an encrypted value', () => {
  it.each([
    ['a task that the executor runs', { type: 'core.log.Log', message: '{{ inputs.token }}' }],
    ['all of the inputs', { type: 'core.debug.Return', format: '{{ inputs | toJson }}' }],
    ['runIf', { type: 'core.debug.Return', format: 'x', runIf: "{{ inputs.token == 'a' }}" }],
  ])('read by %s makes a job of it, whose variables are still encrypted', (_, task) => {
    const { jobs } = started([{ id: 't', ...task }]);
    expect(jobs).toHaveLength(1);
    expect(jobs[0]).toMatchObject({ kind: 'run', variables: { inputs: { token: SEALED } } });
    expect(jobs[0]?.task).toMatchObject('runIf' in task ? { runIf: task.runIf } : { id: 't' });
  });

  it('read by a condition is evaluated on a worker', () => {
    const then = [{ id: 'a', type: 'core.debug.Return', format: 'x' }];
    const { jobs } = started([{ id: 't', type: 'core.flow.If', condition: "{{ inputs.token == 'a' }}", then }]);
    expect(jobs).toEqual([expect.objectContaining({ kind: 'evaluate', variables: expect.anything() })]);
    expect(jobs[0]?.variables['inputs']).toEqual({ token: SEALED });
  });

  it('does not concern who does not read it', () => {
    const harness = started([
      { id: 't', type: 'core.debug.Return', format: '{{ inputs.plain }} {{ inputs.token is defined }}' },
    ]);
    const reading = started([{ id: 't', type: 'core.debug.Return', format: '{{ inputs.plain }}' }]);
    expect(reading.jobs).toHaveLength(0);
    expect(harness.jobs).toHaveLength(1);
  });
});

describe('evaluateExpression', () => {
  const harness = started([
    { id: 'one', type: 'core.debug.Return', format: 'x' },
    { id: 'two', type: 'core.debug.Return', format: '{{ inputs.token }}' },
  ]);
  const context = { now: 0, serverVariables: { envs: { a: 'b' } }, timeZone: 'UTC' };
  const taskRuns = harness.state.allRuns();
  const records = [harness.state.head, harness.state.created, harness.state.variables];
  const of = (expression: string, taskRunId = taskRuns[1]?.id ?? '') =>
    evaluateExpression({ records, taskRuns, flow: harness.plan, taskRunId }, expression, context);

  it.each([
    ['{{ inputs.token }} {{ inputs.plain }}', '****** p'],
    ['{{ task.id }} {{ outputs.one.value }} {{ envs.a }}', 'two x b'],
    ["{{ tasksWithState('success') | length }}", '1'],
  ])('%s gives %s', (expression, expected) => {
    expect(of(expression)).toBe(expected);
  });

  it('fails as any rendering does, and knows only task runs of the execution', () => {
    expect(() => of('{{ nothing }}')).toThrow(/unable to find 'nothing'/);
    expect(() => of("{{ secret('A') }}")).toThrow(/needs a worker/);
    expect(of('x', 'unknown')).toBeUndefined();
  });
});
