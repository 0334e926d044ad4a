import { isPlainObject } from '@millrace/model';
import { parseFlow } from '@millrace/flow';
import { catalog, flowWith, HELLO, parse } from './catalog.js';

const P = 'io.kestra.plugin.core';

/** The worked examples of the specification that need no more than the types of the test's catalog. */
const EXAMPLES: readonly (readonly [string, string])[] = [
  [
    'sequence',
    `inputs: [{id: who, type: STRING, defaults: world}]
tasks:
  - {id: hello, type: ${P}.debug.Return, format: "hi {{ inputs.who }}"}
  - {id: shout, type: ${P}.debug.Return, format: "{{ outputs.hello.value | upper }}"}`,
  ],
  [
    'parallel with a limit',
    `tasks:
  - id: both
    type: ${P}.flow.Parallel
    concurrent: 2
    tasks:
      - {id: a, type: ${P}.flow.Sleep, duration: PT1S}
      - {id: b, type: ${P}.flow.Sleep, duration: PT1S}
  - {id: end, type: ${P}.log.Log, message: done}`,
  ],
  [
    'failing branch with errors',
    `tasks:
  - {id: boom, type: ${P}.execution.Fail}
  - {id: never, type: ${P}.log.Log, message: x}
errors:
  - {id: caught, type: ${P}.log.Log, message: "{{ tasksWithState('failed')[0].taskId }}"}`,
  ],
  [
    'finally and afterExecution',
    `tasks: [{id: boom, type: ${P}.execution.Fail}]
errors: [{id: err, type: ${P}.log.Log, message: err}]
finally: [{id: clean, type: ${P}.log.Log, message: "{{ execution.state }}"}]
afterExecution: [{id: report, type: ${P}.debug.Return, format: "{{ execution.state }}"}]`,
  ],
  [
    'allowFailure',
    `tasks:
  - {id: soft, type: ${P}.execution.Fail, allowFailure: true, allowWarning: true}
  - {id: next, type: ${P}.log.Log, message: go}`,
  ],
  [
    'AllowFailure block',
    `tasks:
  - id: try
    type: ${P}.flow.AllowFailure
    tasks:
      - {id: bad, type: ${P}.execution.Fail}
    errors: [{id: fix, type: ${P}.log.Log, message: fix}]`,
  ],
  [
    'runIf',
    `inputs: [{id: go, type: BOOL, defaults: false}]
tasks:
  - {id: maybe, type: ${P}.log.Log, message: x, runIf: "{{ inputs.go }}"}`,
  ],
  [
    'If',
    `tasks:
  - id: test
    type: ${P}.flow.If
    condition: "{{ 2 > 1 }}"
    then: [{id: yes_branch, type: ${P}.log.Log, message: y}]
    else: [{id: no_branch, type: ${P}.log.Log, message: n}]`,
  ],
  [
    'Switch',
    `inputs: [{id: city, type: STRING}]
tasks:
  - id: pick
    type: ${P}.flow.Switch
    value: "{{ inputs.city }}"
    cases:
      paris: [{id: p, type: ${P}.log.Log, message: p}]
      rome: [{id: r, type: ${P}.log.Log, message: r}]
    defaults: [{id: d, type: ${P}.log.Log, message: d}]`,
  ],
  [
    'nested ForEach',
    `tasks:
  - id: outer
    type: ${P}.flow.ForEach
    values: ["a", "b"]
    tasks:
      - id: inner
        type: ${P}.flow.ForEach
        values: ["1", "2"]
        tasks:
          - {id: show, type: ${P}.debug.Return, format: "{{ parent.taskrun.value }}{{ taskrun.value }}"}
  - {id: read, type: ${P}.debug.Return, format: "{{ outputs.show['b']['2'].value }}"}`,
  ],
  [
    'ForEach with a limit',
    `tasks:
  - id: each
    type: ${P}.flow.ForEach
    values: "{{ range(1, 6) }}"
    concurrencyLimit: 2
    tasks:
      - {id: one, type: ${P}.debug.Return, format: "{{ taskrun.value }}/{{ taskrun.iteration }}"}
      - {id: two, type: ${P}.debug.Return, format: "{{ currentEachOutput(outputs.one).value }}"}`,
  ],
  [
    'task retry',
    `tasks: [{id: flaky, type: ${P}.execution.Fail, retry: {type: constant, interval: PT0.5S, maxAttempts: 3}}]`,
  ],
  ['timeout', `tasks: [{id: sleep, type: ${P}.flow.Sleep, duration: PT1M, timeout: PT1S}]`],
  [
    'outputs of a flow',
    `tasks: [{id: v, type: ${P}.output.OutputValues, values: {n: 3, list: [1, 2]}}]
outputs:
  - {id: n, type: INT, value: "{{ outputs.v.values.n }}"}
  - {id: l, type: JSON, value: "{{ outputs.v.values.list }}"}`,
  ],
  [
    'inputs of many types',
    `inputs:
  - {id: n, type: INT, min: 1, max: 10, defaults: 5}
  - {id: env, type: SELECT, values: [dev, prod], defaults: dev}
  - {id: ticket, type: STRING, validator: "[A-Z]+-[0-9]+", dependsOn: {inputs: [env], condition: "{{ inputs.env == 'prod' }}"}}
  - {id: day, type: DATE, required: false}
  - {id: tags, type: ARRAY, itemType: STRING, defaults: [x]}
tasks: [{id: t, type: ${P}.debug.Return, format: "{{ inputs.env }}"}]`,
  ],
];

describe('a valid flow', () => {
  it.each(EXAMPLES)('of the specification is accepted without a word: %s', (_, yaml) => {
    const { definition, faults, warnings, infos, deprecations } = parse(flowWith(yaml));
    expect({ faults, warnings, infos, deprecations }).toEqual({
      faults: [],
      warnings: [],
      infos: [],
      deprecations: [],
    });
    expect(definition).toMatchObject({ id: 'demo', namespace: 'team' });
  });

  const ACCEPTED: readonly (readonly [string, string])[] = [
    [
      'templates in place of typed values',
      'tasks: [{id: t, type: test.Typed, counts: "{{ inputs }}", limits: "{{ vars.l }}", options: "{% if true %}{}{% endif %}"}]',
    ],
    [
      'templates inside lists and maps',
      'tasks: [{id: t, type: test.Typed, counts: [1, "{{ 2 }}"], limits: {a: "{{ 1 }}", b: 2}, options: {wait: "{{ vars.w }}"}}]',
    ],
    [
      'a duration that is rendered',
      'tasks: [{id: t, type: core.flow.Sleep, duration: "PT{{ vars.s }}S", timeout: "{{ vars.t }}"}]',
    ],
    ['texts with braces that are no templates', 'tasks: [{id: t, type: core.log.Log, message: "{a} }} {"}]'],
    ['an expression in a description', `description: "write {{ here"\n${HELLO}`],
    [
      'an expression in a raw tag',
      'tasks: [{id: t, type: core.log.Log, message: "{% raw %}{{ nothing + {% endraw %}"}]',
    ],
    [
      'names that YAML would read as something else',
      'tasks: [{id: t, type: core.flow.Switch, value: "{{ true }}", cases: {on: [{id: a, type: core.debug.Return}], 1: [], true: []}}]',
    ],
    ['labels as a list', `labels: [{key: team, value: a}, {key: n, value: 1}]\n${HELLO}`],
    ['the read-only label', `labels: {system.readOnly: "true"}\n${HELLO}`],
    [
      'an input id with dots',
      'inputs: [{id: a.b, type: STRING}]\ntasks: [{id: t, type: core.log.Log, message: "{{ inputs.a.b }}{{ inputs.a }}"}]',
    ],
    [
      'dashes in brackets',
      'inputs: [{id: my-in, type: STRING}]\ntasks: [{id: my-task, type: core.debug.Return, format: "{{ inputs[\'my-in\'] }}"}]\noutputs: [{id: o, value: "{{ outputs[\'my-task\'].value }}"}]',
    ],
    [
      'a subtraction',
      'inputs: [{id: a, type: INT}, {id: b, type: INT}]\ntasks: [{id: t, type: core.debug.Return, format: "{{ inputs.a-1 }}{{ inputs.a - inputs.b }}"}]',
    ],
    ['a default worker group', 'tasks: [{id: t, type: core.debug.Return, workerGroup: {key: default}}]'],
    ['a cache', 'tasks: [{id: t, type: core.debug.Return, taskCache: {enabled: true, ttl: PT1H}}]'],
    ['a log that goes to a file', 'tasks: [{id: t, type: core.debug.Return, logToFile: true}]'],
    [
      'a required property from plugin defaults',
      'pluginDefaults: [{type: core.log, values: {message: hi}}]\ntasks: [{id: t, type: core.log.Log}]',
    ],
    [
      'defaults for an old name of a type',
      'pluginDefaults: [{type: io.kestra.core.tasks.log.Log, values: {message: hi}}]\ntasks: [{id: t, type: core.log.Log}]',
    ],
    [
      'tasks one level deeper',
      'tasks: [{id: g, type: test.Graph, tasks: [{task: {id: a, type: core.debug.Return}, dependsOn: []}]}]',
    ],
  ];

  it.each(ACCEPTED)('may have %s', (_, yaml) => {
    const { faults, warnings } = parse(flowWith(yaml));
    expect({ faults, warnings }).toEqual({ faults: [], warnings: [] });
  });

  it('copies the values of anchors and merges maps, the own value winning', () => {
    const { definition, faults } = parse(
      flowWith(`variables:
  base: &base {level: INFO, logLevel: WARN}
tasks:
  - &first {<<: *base, id: a, type: core.log.Log, message: hi}
  - {<<: [*first, {disabled: true}], id: b, level: ERROR}
`),
    );
    expect(faults).toEqual([]);
    expect(definition?.tasks).toEqual([
      { level: 'INFO', logLevel: 'WARN', id: 'a', type: 'core.log.Log', message: 'hi' },
      { id: 'b', level: 'ERROR', logLevel: 'WARN', type: 'core.log.Log', message: 'hi', disabled: true },
    ]);
  });

  it.each([
    ['on', true],
    ['Yes', true],
    ['OFF', false],
    ['no', false],
    ['y', 'y'],
    ['n', 'n'],
    ['"on"', 'on'],
    ['2026-01-01', '2026-01-01'],
    ['12:30', '12:30'],
    ['012', 10],
    ['-010', -8],
    ['089', '089'],
    ['0b101', 5],
    ['0', 0],
    ['+7', 7],
    ['.5', 0.5],
    ['1_0.5', 10.5],
    ['0x1F', 31],
    ['1e3', 1000],
    ['~', null],
    ['1_000', 1000],
    ['!!str 5', '5'],
  ])('reads the scalar %s', (written, expected) => {
    expect(parse(flowWith(`variables: {it: ${written}}\n${HELLO}`)).definition?.variables).toEqual({ it: expected });
  });

  it('begins with a byte order mark if it likes, and may use Windows line ends', () => {
    expect(parse(`\uFEFF${flowWith(HELLO)}`).faults).toEqual([]);
    expect(parse(flowWith(HELLO).replaceAll('\n', '\r\n')).faults).toEqual([]);
  });

  it('gets current names for old ones', () => {
    const parsed = parse(
      flowWith(`inputs: [{name: a, type: MULTISELECT, options: [x]}]
taskDefaults: [{type: core.log, values: {level: WARN}}]
tasks: [{id: t, type: core.log.Log, message: hi, retry: {type: constant, interval: PT1S, maxAttempt: 2}}]
`),
    );
    expect(parsed.faults).toEqual([]);
    expect(parsed.definition).toMatchObject({
      inputs: [{ id: 'a', type: 'MULTISELECT', values: ['x'] }],
      pluginDefaults: [{ type: 'core.log', values: { level: 'WARN' } }],
      tasks: [{ retry: { maxAttempts: 2 } }],
    });
    expect(parsed.deprecations).toEqual([
      'inputs[0].name',
      'inputs[0].options',
      'taskDefaults',
      'tasks[0].retry.maxAttempt',
    ]);
  });

  it('leaves plugin defaults out of the stored definition', () => {
    const { definition } = parse(
      flowWith('pluginDefaults: [{type: core.log, values: {message: hi}}]\ntasks: [{id: t, type: core.log.Log}]'),
    );
    expect(definition?.tasks).toEqual([{ id: 't', type: 'core.log.Log' }]);
  });

  it('is checked with the defaults of the installation too', () => {
    const source = flowWith('tasks: [{id: t, type: core.log.Log}]');
    const defaults = [[{ type: 'core.log.Log', values: { message: 'hi' } }]];
    expect(parseFlow(source, { catalog, pluginDefaults: defaults }).faults).toEqual([]);
  });
});

describe('a flow that is accepted with remarks', () => {
  const remarks = (yaml: string) => {
    const { definition, faults, warnings, infos, deprecations } = parse(flowWith(yaml));
    expect(faults).toEqual([]);
    expect(isPlainObject(definition)).toBe(true);
    return {
      warnings: warnings.map(({ line, column, message }) => `${line}:${column} ${message}`),
      infos: infos.map(({ message }) => message),
      deprecations,
    };
  };

  it.each([
    [
      'tasks: [{id: t, type: core.log.Log, message: "{{ outputs.nope.value }}"}]',
      "3:50 The flow has no task 'nope' whose outputs could be read: write the id of one of its tasks.",
    ],
    [
      'tasks: [{id: task, type: core.log.Log, message: "{{ outputs.tsak.value }}"}]',
      "3:53 The flow has no task 'tsak' whose outputs could be read: did you mean 'task'?",
    ],
    [
      'tasks: [{id: t, type: core.log.Log, message: "{{ inputs.x }}"}]',
      "3:50 The flow has no input 'x': declare it under inputs, or remove the expression.",
    ],
    [
      'inputs: [{id: city, type: STRING}]\ntasks: [{id: t, type: core.log.Log, message: "{{ inputs[\'cty\'] }}"}]',
      "4:50 The flow has no input 'cty': did you mean 'city'?",
    ],
    [
      'tasks: [{id: t, type: core.flow.Sequential, timeout: PT1S, tasks: [{id: a, type: core.debug.Return}]}]',
      "3:45 'timeout' has no effect on core.flow.Sequential, which only holds other tasks: set it on the tasks inside.",
    ],
    [`description:\n${HELLO}`, "3:1 'description' has no value and is ignored: give it one, or remove the line."],
  ])('warns: %s', (yaml, warning) => {
    expect(remarks(yaml).warnings).toEqual([warning]);
  });

  it.each([
    'taskRunner: {type: io.kestra.plugin.core.runner.Process}',
    'taskRunner: {type: "{{ inputs.runner }}"}',
    'taskRunner: {type: scripts.runner.process.Process}',
    'runner: process',
    'targetOS: auto',
    'targetOS: "{{ inputs.system }}"',
    'namespaceFiles: {enabled: false}',
    'namespaceFiles: {enabled: true, include: [a.py]}',
  ])('lets a script say %s', (property) => {
    const inputs = 'inputs: [{id: runner, type: STRING}, {id: system, type: STRING}]';
    const source = `${inputs}\ntasks: [{id: t, type: scripts.shell.Commands, commands: [ls], ${property}}]`;
    expect(remarks(source)).toEqual({ warnings: [], infos: [], deprecations: [] });
  });

  it('names old types and deprecated ones', () => {
    expect(
      remarks(
        'tasks: [{id: a, type: io.kestra.core.tasks.log.Log, message: hi}, {id: b, type: core.debug.Echo, format: x, level: INFO}]',
      ),
    ).toEqual({
      warnings: [],
      infos: ["The type 'io.kestra.core.tasks.log.Log' is an old name: write core.log.Log."],
      deprecations: ['tasks[1].type', 'tasks[1].level'],
    });
  });

  it('knows the inputs and tasks that a set tag or a loop hides', () => {
    const message = "{% set outputs = {'a': 1} %}{{ outputs.a }}{% for inputs in [1] %}{{ inputs.x }}{% endfor %}";
    expect(remarks(`tasks: [{id: t, type: core.log.Log, message: ${JSON.stringify(message)}}]`).warnings).toEqual([]);
  });

  it('reads numbers and booleans as the text that is written where a text is meant', () => {
    const { definition, faults } = parse(`id: 2024
namespace: team
description: 1.50
inputs: [{id: 7, type: STRING, defaults: 5, description: true}]
tasks:
  - {id: 1, type: core.debug.Return, format: 010, description: True}
  - {id: two, type: core.log.Log, message: [1, b]}
  - {id: three, type: test.Typed, counts: [3], limits: {a: 1}}
variables: {n: 1.50}
`);
    expect(faults).toEqual([]);
    expect(definition).toMatchObject({
      id: '2024',
      description: '1.50',
      inputs: [{ id: '7', defaults: 5, description: 'true' }],
      tasks: [
        { id: '1', format: '010', description: 'True' },
        { id: 'two', message: ['1', 'b'] },
        { counts: [3], limits: { a: 1 } },
      ],
      variables: { n: 1.5 },
    });
  });

  it('does not read words as text that YAML takes for booleans', () => {
    const { faults } = parse(flowWith('tasks: [{id: a, type: core.debug.Return, format: on}]'));
    expect(faults.map(({ message }) => message)).toEqual([
      "'format' is a boolean (YAML reads an unquoted on as true) but must be text: put it in quotes.",
    ]);
  });
});
