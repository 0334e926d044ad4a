import { parseFlow, type FlowState } from '@millrace/flow';
import { catalog, flowWith, HELLO, parse } from './catalog.js';

const messages = (findings: readonly { readonly line: number; readonly message: string }[]): readonly string[] =>
  findings.map(({ line, message }) => `${line}: ${message}`);

describe('a flow that starts others', () => {
  const flows: Readonly<Record<string, FlowState>> = { 'team.there': 'enabled', 'team.off': 'disabled' };
  const findFlow = (namespace: string, id: string): FlowState => flows[`${namespace}.${id}`] ?? 'unknown';
  const source = flowWith(`tasks:
  - {id: a, type: core.flow.Subflow, namespace: team, flowId: there}
  - {id: b, type: io.kestra.core.tasks.flows.Subflow, namespace: team, flowId: "off"}
  - {id: c, type: core.flow.Subflow, namespace: team, flowId: gone}
  - {id: d, type: core.flow.Subflow, namespace: team, flowId: "{{ inputs.name }}-x"}
inputs:
  - {id: name, type: STRING}
`);

  it('is warned of those that are not there or disabled, as far as their names are written out', () => {
    expect(messages(parseFlow(source, { catalog, findFlow }).warnings)).toEqual([
      "5: The flow 'team.off' is disabled, so this task would fail: enable it.",
      "6: There is no flow 'team.gone' yet: create it before this task runs.",
    ]);
  });

  it('is not when nobody can look them up', () => {
    expect(parseFlow(source, { catalog }).warnings).toEqual([]);
  });
});

describe('a secret in clear text', () => {
  it('is warned of in inputs and in properties of tasks', () => {
    const { warnings, faults } = parse(
      flowWith(`inputs:
  - {id: token, type: SECRET, defaults: abc}
  - {id: other, type: SECRET, defaults: "{{ secret('OTHER') }}"}
tasks:
  - {id: a, type: test.Login, auth: {user: ada, password: abc}}
  - {id: b, type: test.Login, auth: {user: ada, password: "{{ secret('B') }}"}}
`),
    );
    expect(faults).toEqual([]);
    expect(warnings.map(({ path }) => path)).toEqual(['inputs[0].defaults', 'tasks[0].auth.password']);
    for (const { message } of warnings) expect(message).not.toContain('abc');
  });
});

describe('old names', () => {
  it('of types are told, of properties are listed', () => {
    const { infos, deprecations, definition, faults } = parse(
      flowWith(`taskDefaults: [{type: core.log.Log, values: {level: WARN}}]
inputs:
  - {name: who, type: ENUM, values: [a]}
retry: {type: constant, interval: PT1S, maxAttempt: 2}
tasks:
  - {id: hello, type: io.kestra.core.tasks.log.Log, message: hi}
listeners:
  - tasks: [{id: bye, type: core.debug.Echo, format: bye}]
`),
    );
    expect(faults).toEqual([]);
    expect(messages(infos)).toEqual([
      '5: The input type ENUM is an old name: write SELECT.',
      "8: The type 'io.kestra.core.tasks.log.Log' is an old name: write core.log.Log.",
    ]);
    expect(deprecations).toEqual(
      expect.arrayContaining([
        'taskDefaults',
        'inputs[0].name',
        'inputs[0].type',
        'retry.maxAttempt',
        'listeners',
        'listeners[0].tasks[0].type',
      ]),
    );
    expect(definition).toMatchObject({
      pluginDefaults: [{ type: 'core.log.Log' }],
      inputs: [{ id: 'who' }],
      retry: { maxAttempts: 2 },
    });
  });
});

describe('validators', () => {
  const withDefault = (value: string): string =>
    flowWith(
      `inputs:
  - {id: word, type: STRING, validator: '(?=.{8,})(?=.*[A-Z])(?!.*\\s).*', defaults: '${value}'}
${HELLO}`,
    );

  it('may look ahead at their beginning', () => {
    expect(parse(withDefault('LongEnough')).faults).toEqual([]);
    for (const value of ['Short', 'nocapitals', 'With a space'])
      expect(parse(withDefault(value)).faults).toHaveLength(1);
  });

  it('may not elsewhere, which is said', () => {
    const { faults } = parse(
      flowWith(`inputs:
  - {id: word, type: STRING, validator: 'a(?=b)'}
${HELLO}`),
    );
    expect(messages(faults)[0]).toMatch(/^4: The validator is not a regular expression that can be used here/);
  });
});
