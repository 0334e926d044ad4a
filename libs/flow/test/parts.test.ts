import {
  effectiveTask,
  flowJsonSchema,
  labelKeyFault,
  labelsOf,
  nestLabels,
  orderInputs,
  pathText,
  taskTree,
} from '@millrace/flow';
import { Ajv } from 'ajv';
import { catalog, flowWith, HELLO, parse } from './catalog.js';

describe('pathText', () => {
  it('writes indexes in brackets and strange names in quotes', () => {
    expect(pathText(['tasks', 2, 'cases', 'new york', 0, "it's"])).toBe("tasks[2].cases['new york'][0]['it\\'s']");
  });
});

describe('labels', () => {
  it('are a list in which the last of one key wins and empty values are dropped', () => {
    const written = [
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
      { key: 'a', value: '3' },
      { key: 'c', value: '' },
      { key: 'b', value: '' },
    ];
    expect(labelsOf(written)).toEqual([{ key: 'a', value: '3' }]);
    expect(labelsOf({ n: 1, yes: true })).toEqual([
      { key: 'n', value: '1' },
      { key: 'yes', value: 'true' },
    ]);
    expect(labelsOf(undefined)).toEqual([]);
  });

  it('are nested by their dots', () => {
    const labels = [
      { key: 'a.b', value: '1' },
      { key: 'a.c', value: '2' },
      { key: 'd', value: '3' },
      { key: 'd.e', value: '4' },
    ];
    expect(nestLabels(labels)).toEqual({ a: { b: '1', c: '2' }, d: '3', 'd.e': '4' });
  });

  it('never reach the prototype', () => {
    const nested = nestLabels([
      { key: '__proto__.polluted', value: 'x' },
      { key: 'constructor.prototype.polluted', value: 'x' },
    ]);
    expect(Object.keys(nested)).toEqual(['__proto__', 'constructor']);
    expect('polluted' in {}).toBe(false);
  });

  it.each([['team'], ['équipe'], ['a.b-c_1'], ['system.readOnly']])('may be called %s', (key) =>
    expect(labelKeyFault(key)).toBeUndefined(),
  );
  it.each([['Team'], ['1a'], [''], ['a b'], ['system.from']])('may not be called %j', (key) =>
    expect(labelKeyFault(key)).toBeDefined(),
  );
});

describe('orderInputs', () => {
  it('survives a chain of thousands', () => {
    const inputs = Array.from({ length: 5_000 }, (_, index) => ({
      id: `i${index}`,
      type: 'STRING' as const,
      ...(index < 4_999 ? { dependsOn: { inputs: [`i${index + 1}`] } } : {}),
    }));
    const order = orderInputs(inputs);
    expect(order.kind === 'ordered' && order.inputs[0]?.id).toBe('i4999');
  });
});

describe('taskTree', () => {
  it('lists all tasks with path, parent and section', () => {
    const { definition } = parse(
      flowWith(`tasks:
  - id: choose
    type: core.flow.Switch
    value: a
    cases: {a: [{id: x, type: core.debug.Return}]}
    errors: [{id: y, type: core.debug.Return}]
  - {id: g, type: test.Graph, tasks: [{task: {id: z, type: core.debug.Return}}]}
finally: [{id: f, type: core.debug.Return}]
`),
    );
    expect(definition).toBeDefined();
    const nodes = definition === undefined ? [] : taskTree(definition, catalog);
    expect(
      nodes.map(({ path, task, section, parentId, description }) => [
        pathText(path),
        task.id,
        section,
        parentId,
        description?.kind,
      ]),
    ).toEqual([
      ['tasks[0]', 'choose', 'tasks', undefined, 'flowable'],
      ['tasks[0].cases.a[0]', 'x', 'tasks', 'choose', 'runnable'],
      ['tasks[0].errors[0]', 'y', 'tasks', 'choose', 'runnable'],
      ['tasks[1]', 'g', 'tasks', undefined, 'flowable'],
      ['tasks[1].tasks[0].task', 'z', 'tasks', 'g', 'runnable'],
      ['finally[0]', 'f', 'finally', undefined, 'runnable'],
    ]);
  });
});

describe('effectiveTask', () => {
  const task = {
    id: 't',
    type: 'io.kestra.plugin.core.log.Log',
    message: 'hi',
    retry: { type: 'constant' as const, interval: 'PT1S' },
  };

  it('merges deeply, the task winning over the flow and the flow over the rest', () => {
    const flow = [{ type: 'core.log', values: { message: 'no', level: 'WARN', retry: { maxAttempts: 3 } } }];
    const global = [{ type: 'core.log.Log', values: { level: 'ERROR', logLevel: 'INFO' } }];
    expect(effectiveTask(task, [flow, global], catalog)).toEqual({
      ...task,
      level: 'WARN',
      logLevel: 'INFO',
      retry: { type: 'constant', interval: 'PT1S', maxAttempts: 3 },
    });
  });

  it('lets forced values win, those of the flow over global ones, and the first listed over later ones', () => {
    const flow = [
      { type: 'core.log.Log', forced: true, values: { message: 'flow' } },
      { type: 'core', values: { level: 'A' } },
      { type: 'core', values: { level: 'B' } },
    ];
    const global = [{ type: 'core.log.Log', forced: true, values: { message: 'global', level: 'DEBUG' } }];
    expect(effectiveTask(task, [flow, global], catalog)).toMatchObject({ message: 'flow', level: 'DEBUG' });
    expect(effectiveTask(task, [flow], catalog)).toMatchObject({ message: 'flow', level: 'A' });
  });

  it('applies to maps with a type inside the task, and by old names', () => {
    const block = { id: 'b', type: 'core.flow.Sequential', tasks: [{ id: 't', type: 'core.log.Log', message: 'hi' }] };
    const defaults = [{ type: 'io.kestra.core.tasks.log.Log', values: { level: 'WARN' } }];
    expect(effectiveTask(block, [defaults], catalog)).toEqual({
      ...block,
      tasks: [{ id: 't', type: 'core.log.Log', message: 'hi', level: 'WARN' }],
    });
  });
});

describe('flowJsonSchema', () => {
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(flowJsonSchema(catalog));

  it.each([
    [`${HELLO}`, true],
    ['tasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: hi}]', true],
    ['tasks: [{id: t, type: core.flow.Parallel, tasks: [{id: u, type: core.log.Log, message: [a, b]}]}]', true],
    ['tasks: [{id: t, type: test.Typed, counts: "{{ inputs }}", limits: {a: "{{ 1 }}"}}]', true],
    ['tasks: [{id: t, type: core.flow.Switch, value: a, cases: {a: [{id: u, type: core.debug.Return}]}}]', true],
  ])('accepts what parseFlow accepts: %s', (yaml, valid) => {
    const { definition } = parse(flowWith(yaml));
    expect([definition !== undefined, validate(definition)]).toEqual([valid, valid]);
  });

  it.each([
    { id: 'demo', namespace: 'team', tasks: [{ id: 't', type: 'core.log.Log' }] },
    { id: 'demo', namespace: 'team', tasks: [{ id: 't', type: 'nothing.Known' }] },
    {
      id: 'demo',
      namespace: 'team',
      tasks: [{ id: 't', type: 'core.flow.Parallel', tasks: [{ id: 'u', type: 'core.log.Log', message: 5 }] }],
    },
    { id: 'demo', tasks: [] },
  ])('refuses %j', (flow) => {
    expect(validate(flow)).toBe(false);
  });
});
