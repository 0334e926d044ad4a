import { ENDED_ITEMS_PAGE, itemUri, type Job, type JobOutcome, type PlainObject } from '@millrace/model';
import { claimOf, fails, resultOf, returns, works } from './harness.js';
import { World } from './world.js';

const SPLITS = 'kestra:///test/parent/executions/E/tasks/batch-split/x/splits.txt';

const batch = (more: PlainObject = {}): PlainObject => ({
  id: 'batch',
  type: 'core.flow.ForEachItem',
  items: 'kestra:///file.txt',
  namespace: 'test',
  flowId: 'child',
  inputs: { uri: '{{ taskrun.items }}', at: '{{ taskrun.iteration }}' },
  ...more,
});
const inputs = [
  { id: 'uri', type: 'STRING' as const },
  { id: 'at', type: 'INT' as const },
];
const child = { inputs, tasks: [works('job')] };

/** What the worker's own tasks answer; the executions' are given. */
const answers =
  (count: number, own: (job: Job) => JobOutcome = () => ({ state: 'SUCCESS' })) =>
  (job: Job): JobOutcome => {
    if (job.task.type.endsWith('ItemSplit')) {
      return { state: 'SUCCESS', outputs: { splits: SPLITS, numberOfBatches: count } };
    }
    if (job.task.type.endsWith('ItemOutputs')) return { state: 'SUCCESS', outputs: { page: job.task['page'] } };
    if (job.task.type.endsWith('MergeOutputs')) return { state: 'SUCCESS', outputs: { subflowOutputs: 'merged' } };
    return own(job);
  };

describe('a ForEachItem', () => {
  it('splits, starts an execution for each item, and merges', () => {
    const world = new World({ parent: { tasks: [batch()] }, child });
    const parent = world.start('parent');
    expect(parent.story).toBe('batch:RUNNING batch_split:SUBMITTED');
    expect(world.jobs[0]?.task).toEqual({
      id: 'batch_split',
      type: 'core.flow.ForEachItem$ForEachItemSplit',
      items: 'kestra:///file.txt',
    });
    world.answer(answers(3));
    expect(parent.run('batch_items').outputs).toMatchObject({ iterations: { CREATED: 0, RUNNING: 3 } });
    expect(world.children().map(({ state }) => state.created.inputs)).toEqual(
      [0, 1, 2].map((at) => ({ uri: itemUri(SPLITS, at), at })),
    );
    expect(world.children()[1]?.state.created.trigger).toMatchObject({
      id: 'batch_items',
      variables: { executionId: 'E', taskRunIteration: 1 },
    });
    world.finish(answers(3));
    expect(parent.story).toBe('batch:SUCCESS batch_split:SUCCESS batch_items:SUCCESS batch_merge:SUCCESS');
    const { id } = parent.run('batch_items');
    expect(parent.run('batch_items').outputs).toEqual({
      numberOfBatches: 3,
      iterations: { CREATED: 0, RUNNING: 0, SUCCESS: 3 },
      subflowOutputsBaseUri: `/test/parent/executions/E/tasks/batch-items/${id}/outputs-1`,
    });
    expect(parent.head.state).toBe('SUCCESS');
  });

  it('of an empty file starts nothing', () => {
    const world = new World({ parent: { tasks: [batch()] }, child });
    const parent = world.start('parent');
    world.finish(answers(0));
    expect(parent.head.state).toBe('SUCCESS');
    expect(parent.run('batch_items').outputs).toMatchObject({ numberOfBatches: 0, iterations: {} });
    expect(world.children()).toEqual([]);
  });

  it('runs a bounded number of executions at a time, each once', () => {
    const world = new World({ parent: { tasks: [batch()] }, child }, { itemsAtATime: 60 });
    const parent = world.start('parent');
    world.answer(answers(200));
    let most = 0;
    world.finish(
      answers(200, () => {
        most = Math.max(most, world.children().filter(({ head }) => head.state === 'RUNNING').length);
        return { state: 'SUCCESS' };
      }),
    );
    expect(most).toBe(60);
    expect(world.children()).toHaveLength(200);
    expect(parent.run('batch_items').outputs).toMatchObject({ iterations: { RUNNING: 0, SUCCESS: 200 } });
  });

  it('counts a repeated end once', () => {
    const world = new World({ parent: { tasks: [batch()] }, child });
    const parent = world.start('parent');
    world.answer(answers(2));
    world.answer(answers(2));
    const end = world.sent.findLast(({ kind }) => kind === 'child-execution-ended');
    if (!end) throw new Error('No execution has ended');
    const before = JSON.stringify(parent.run('batch_items'));
    world.send('E', end).send('E', end);
    expect(JSON.stringify(parent.run('batch_items'))).toBe(before);
    world.finish(answers(2));
    world.send('E', end);
    expect(parent.head.state).toBe('SUCCESS');
  });

  it.each([
    [
      'FAILED before KILLED',
      { 0: 'KILLED', 1: 'FAILED', 2: 'WARNING' },
      {},
      'FAILED',
      { KILLED: 1, FAILED: 1, WARNING: 1 },
    ],
    ['KILLED before WARNING', { 0: 'KILLED', 2: 'WARNING' }, {}, 'KILLED', { KILLED: 1, SUCCESS: 1, WARNING: 1 }],
    ['WARNING before SUCCESS', { 2: 'WARNING' }, {}, 'WARNING', { SUCCESS: 2, WARNING: 1 }],
    ['nothing without transmitFailed', { 1: 'FAILED' }, { transmitFailed: false }, 'SUCCESS', { SUCCESS: 3 }],
  ])(
    'has the state of its executions: %s',
    (_name, states: Readonly<Record<number, string>>, more, state, iterations) => {
      const world = new World({ parent: { tasks: [batch(more)] }, child });
      const parent = world.start('parent');
      world.answer(answers(3));
      for (const { head, state: own } of world.children()) {
        const wanted = states[Number(own.created.inputs['at'])];
        const { executionId } = head;
        if (wanted === 'KILLED') world.send(executionId, { kind: 'kill-requested', tenant: 'main', executionId });
      }
      world.finish(
        answers(3, ({ executionId }) => {
          const at = Number(world.execution(executionId).state.created.inputs['at']);
          return { state: (states[at] ?? 'SUCCESS') as 'SUCCESS' };
        }),
      );
      expect(parent.run('batch_items').state).toBe(state);
      expect(parent.run('batch').state).toBe(state);
      expect(parent.run('batch_items').outputs?.['iterations']).toEqual({ CREATED: 0, RUNNING: 0, ...iterations });
    },
  );

  it('has allowFailure, errors and finally of a block; after a failure nothing is merged', () => {
    const world = new World({
      parent: {
        tasks: [batch({ allowFailure: true, errors: [returns('caught', 'x')], finally: [returns('last', 'x')] })],
      },
      child: { inputs, tasks: [fails('job')] },
    });
    const parent = world.start('parent');
    world.finish(answers(1));
    expect(parent.story).toBe('batch:WARNING batch_split:SUCCESS batch_items:FAILED caught:SUCCESS last:SUCCESS');
  });

  it('without waiting ends when the executions exist', () => {
    const world = new World({ parent: { tasks: [batch({ wait: false })] }, child });
    const parent = world.start('parent');
    world.answer(answers(2));
    expect(parent.run('batch_items')).toMatchObject({ state: 'SUCCESS', outputs: { iterations: { SUCCESS: 2 } } });
    expect(world.children().map(({ head }) => head.state)).toEqual(['RUNNING', 'RUNNING']);
  });

  it('is told of executions that were refused, and logs the first of them', () => {
    const world = new World({ parent: { tasks: [batch({ flowId: 'nowhere' })] } });
    const parent = world.start('parent');
    world.finish(answers(30));
    expect(parent.run('batch_items')).toMatchObject({ state: 'FAILED', outputs: { iterations: { FAILED: 30 } } });
    expect(parent.logs.filter(({ message }) => message.includes("There is no flow 'test.nowhere'"))).toHaveLength(10);
  });

  it.each([
    [{ inputs: { x: "{{ secret('x') }}" } }, 'cannot use functions that only a worker has'],
    [{ inputs: { x: '{{ nothing.at.all }}' } }, 'nothing'],
  ])('with %j fails with a sentence', (more, message) => {
    const world = new World({ parent: { tasks: [batch(more)] }, child });
    const parent = world.start('parent');
    world.finish(answers(2));
    expect(parent.run('batch_items').state).toBe('FAILED');
    expect(parent.logs.map((entry) => entry.message).join()).toContain(message);
  });

  it('has a worker store outputs by pages while the executions run', () => {
    const text = 'x'.repeat(9_000);
    const world = new World(
      {
        parent: { tasks: [batch()] },
        child: { ...child, outputs: [{ id: 'o', value: `${text}{{ inputs.at }}` }] },
      },
      { itemsAtATime: 5 },
    );
    const parent = world.start('parent');
    const pages: (readonly string[])[] = [];
    world.finish((job) => {
      if (job.task.type.endsWith('ItemOutputs')) pages[Number(job.task['page'])] = job.variables['lines'] as string[];
      return answers(20)(job);
    });
    expect(pages.length).toBeGreaterThan(5);
    const stored = pages.flat().map((line) => (JSON.parse(line) as { o: string }).o.slice(text.length));
    expect(stored.map(Number).sort((one, other) => one - other)).toEqual(Array.from({ length: 20 }, (_, at) => at));
    expect([...parent.records.map.keys()].filter((id) => id.startsWith('item-outputs'))).toEqual([]);
    expect(parent.run('batch_merge')).toMatchObject({ state: 'SUCCESS', outputs: { subflowOutputs: 'merged' } });
  });

  it('gives a page out again when its worker is lost, or answered for another page', () => {
    const world = new World({
      parent: { tasks: [batch()] },
      child: { ...child, outputs: [{ id: 'o', value: 'x' }] },
    });
    const parent = world.start('parent');
    world.answer(answers(1));
    world.answer(answers(1));
    world.answer({ state: 'SUCCESS', outputs: { page: 7 } });
    expect(world.jobs).toMatchObject([{ task: { page: 0 }, variables: { lines: ['{"o":"x"}'] } }]);
    world.finish(answers(1));
    expect(parent.head.state).toBe('SUCCESS');
  });

  it('kills the executions that run, and no others', () => {
    const world = new World({ parent: { tasks: [batch()] }, child }, { itemsAtATime: 300 });
    const parent = world.start('parent');
    world.answer(answers(500));
    for (let ended = 0; ended < 20; ended++) world.answer(answers(500));
    world.sent.length = 0;
    world.send('E', { kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    expect(parent.head.state).toBe('KILLED');
    const states = world.children().map(({ head }) => head.state);
    expect(states.filter((state) => state === 'SUCCESS')).toHaveLength(20);
    expect(states.filter((state) => state === 'KILLED')).toHaveLength(300);
    expect(world.sent.filter(({ kind }) => kind === 'kill-requested')).toHaveLength(300);
    world.finish(answers(500));
    expect(world.children()).toHaveLength(320);
  });

  it('is killed also when a worker stored outputs meanwhile', () => {
    const world = new World({
      parent: { tasks: [batch()] },
      child: { ...child, outputs: [{ id: 'o', value: 'x' }] },
    });
    const parent = world.start('parent');
    world.answer(answers(1));
    world.answer(answers(1));
    const [job] = world.jobs;
    if (!job) throw new Error('No page is to be stored');
    world.send('E', claimOf(job, 'token', 'worker', world.now));
    world.send('E', { kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    world.send('E', resultOf(job, 'token', 'worker', { state: 'SUCCESS', outputs: { page: 0 } }, world.now));
    expect(parent.head.state).toBe('KILLED');
  });

  it('keeps small records, however many executions have ended', () => {
    const world = new World({ parent: { tasks: [batch()] }, child: { inputs, tasks: [returns('t', 'x')] } });
    const parent = world.start('parent');
    const count = ENDED_ITEMS_PAGE + 500;
    world.answer(answers(count));
    const { written, bytesWritten } = parent.records;
    world.finish(answers(count));
    expect(parent.head.state).toBe('SUCCESS');
    expect(parent.run('batch_items').outputs).toMatchObject({ iterations: { SUCCESS: count } });
    const sizes = [...parent.records.map.values()].map((record) => JSON.stringify(record).length);
    expect(Math.max(...sizes)).toBeLessThan(5_000);
    expect((bytesWritten - 0) / written).toBeLessThan(3_000);
  }, 60_000);
});
