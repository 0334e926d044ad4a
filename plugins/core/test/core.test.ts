import { NO_SERVICES } from '@millrace/testing/tasks';
import { checkProperties, TaskFailure, type InlineResult, type TaskContext } from '@millrace/plugin-api';
import type { PlainObject } from '@millrace/model';
import { plugin } from '../src/index.js';

const taskOf = (type: string) => {
  const task = plugin.tasks.find((one) => one.type === type);
  if (!task) throw new Error(`no task type ${type}`);
  return task;
};

const convert = (type: string, properties: PlainObject): PlainObject => {
  const checked = checkProperties(taskOf(type), properties);
  if (!checked.ok) throw new Error(checked.errors.join('. '));
  return checked.properties;
};

/** What an inline task decides. */
function decide(type: string, properties: PlainObject): InlineResult {
  const context = { executionId: 'e', taskRunId: 'r', taskId: 't', flowId: 'f', namespace: 'n' };
  const { inline } = taskOf(type);
  if (!inline) throw new Error(`${type} is not inline`);
  return inline({ ...convert(type, properties), id: 't', type }, context);
}

describe('Inline tasks', () => {
  it.each([
    ['core.log.Log', { message: 'x' }, { logs: [{ level: 'INFO', message: 'x' }] }],
    [
      'core.log.Log',
      { message: ['x', 2], level: 'error' },
      {
        logs: [
          { level: 'ERROR', message: 'x' },
          { level: 'ERROR', message: '2' },
        ],
      },
    ],
    ['core.log.Log', { message: { a: 1 } }, { logs: [{ level: 'INFO', message: '{"a":1}' }] }],
    ['core.debug.Return', {}, {}],
    [
      'core.debug.Return',
      { format: 5 },
      {
        outputs: { value: '5' },
        metrics: [
          { type: 'counter', name: 'length', value: 1 },
          { type: 'timer', name: 'duration', value: 0 },
        ],
      },
    ],
    ['core.debug.Echo', { format: 'x', level: 'WARN' }, { logs: [{ level: 'WARN', message: 'x' }] }],
    ['core.debug.Echo', {}, {}],
    ['core.output.OutputValues', { values: { a: 1, b: [true] } }, { outputs: { values: { a: 1, b: [true] } } }],
    ['core.output.OutputValues', {}, { outputs: { values: {} } }],
    ['core.execution.Fail', {}, { state: 'FAILED', error: 'Task failure' }],
    ['core.execution.Fail', { errorMessage: 'no' }, { state: 'FAILED', error: 'no' }],
    ['core.execution.Fail', { condition: 'false' }, {}],
    ['core.execution.Fail', { condition: false }, {}],
    ['core.execution.Fail', { condition: null }, {}],
    ['core.execution.Fail', { condition: 1 }, { state: 'FAILED', error: 'Task failure' }],
    [
      'core.execution.Assert',
      { conditions: [true, 'yes', 1] },
      {
        metrics: [
          { type: 'counter', name: 'success', value: 3 },
          { type: 'counter', name: 'failed', value: 0 },
        ],
      },
    ],
  ])('%s with %j', (type, properties, expected) => {
    expect(decide(type, properties)).toEqual(expected);
  });

  it('Assert fails and says which conditions do not hold', () => {
    expect(decide('core.execution.Assert', { conditions: [true, '0', null], errorMessage: 'not so' })).toEqual({
      state: 'FAILED',
      error: 'not so',
      logs: [
        { level: 'ERROR', message: "Condition 2 does not hold: it is '0'" },
        { level: 'ERROR', message: "Condition 3 does not hold: it is ''" },
      ],
      metrics: [
        { type: 'counter', name: 'success', value: 1 },
        { type: 'counter', name: 'failed', value: 2 },
      ],
    });
  });
});

function aContext(stored: Map<string, unknown> = new Map(), signal = new AbortController().signal): TaskContext {
  return {
    tenant: 'main',
    namespace: 'n',
    flowId: 'f',
    executionId: 'e',
    taskId: 't',
    taskRunId: 'r',
    attempt: 1,
    signal,
    log: { write: () => undefined, ready: () => Promise.resolve() },
    files: {
      workingDirectory: () => Promise.reject(new Error('none')),
      temporaryDirectory: () => Promise.reject(new Error('none')),
      read: () => Promise.reject(new Error('none')),
      size: () => Promise.reject(new Error('none')),
      remove: () => Promise.reject(new Error('none')),
      store: (name, content) => {
        stored.set(name, content);
        return Promise.resolve(`kestra:///stored/${name}`);
      },
    },
    services: NO_SERVICES,
    render: (text) => Promise.resolve(text),
    metric: () => undefined,
    namespaceFiles: {
      list: () => Promise.resolve([]),
      read: () => Promise.reject(new Error('none')),
    },
    runTask: () => Promise.reject(new Error('no other task')),
    encrypt: () => Promise.reject(new Error('no key')),
  };
}

const run = (type: string, properties: PlainObject, context: TaskContext) => {
  const task = taskOf(type);
  if (!task.run) throw new Error(`${type} is inline`);
  return task.run({ ...convert(type, properties), id: 't', type }, context);
};

describe('Tasks for workers', () => {
  it('Sleep waits', async () => {
    expect(await run('core.flow.Sleep', { duration: 'PT0.001S' }, aContext())).toEqual({});
  });

  it('Sleep ends at once when the attempt is stopped', async () => {
    const controller = new AbortController();
    const sleeping = run('core.flow.Sleep', { duration: 'P365D' }, aContext(new Map(), controller.signal));
    controller.abort(new Error('stopped'));
    await expect(sleeping).rejects.toThrow('aborted');
  });

  it('Sleep refuses to go back in time', async () => {
    await expect(run('core.flow.Sleep', { duration: '-PT1S' }, aContext())).rejects.toThrow(TaskFailure);
  });

  it.each([
    [undefined, 'content'],
    ['.csv', 'content.csv'],
    ['csv', 'content.csv'],
  ])('Write stores a file with the extension %s', async (extension, name) => {
    const stored = new Map<string, unknown>();
    const result = await run(
      'core.storage.Write',
      { content: 'a,b', ...(extension && { extension }) },
      aContext(stored),
    );
    expect(result).toEqual({ outputs: { uri: `kestra:///stored/${name}` } });
    expect(stored.get(name)).toBe('a,b');
  });

  it.each(['/../x', '../x', 'a/b', '.'])('Write refuses the extension %j', (extension) => {
    expect(() => convert('core.storage.Write', { content: 'x', extension })).toThrow(
      "Property 'extension' must be text that matches",
    );
  });
});
