import { itemUri, type Job, type JobOutcome, type PlainObject } from '@millrace/model';
import { block, works } from './harness.js';
import { World } from './world.js';

const call = (more: PlainObject = {}): PlainObject => ({
  id: 'call',
  type: 'core.flow.Subflow',
  namespace: 'test',
  flowId: 'child',
  ...more,
});
const child = { tasks: [works('job')], outputs: [{ id: 'o', value: 'x' }] };
const failing: JobOutcome = { state: 'FAILED' };
const childrenOf = (world: World): string[] => world.children().map(({ head }) => head.state);

describe('a restart of a parent', () => {
  it('restarts the execution that failed, and waits for it', () => {
    const world = new World({ parent: { tasks: [call()] }, child });
    const parent = world.start('parent');
    world.answer(failing);
    expect(parent.head.state).toBe('FAILED');
    world.operate('E', { kind: 'restart' });
    expect([parent.head.state, parent.run('call').state, ...childrenOf(world)]).toEqual([
      'RUNNING',
      'RUNNING',
      'RUNNING',
    ]);
    world.finish();
    expect([parent.head.state, ...childrenOf(world)]).toEqual(['SUCCESS', 'SUCCESS']);
    expect(parent.run('call').attempts.map(({ state }) => state)).toEqual(['FAILED', 'SUCCESS']);
    expect(parent.run('call').outputs).toMatchObject({ state: 'SUCCESS', outputs: { o: 'x' } });
  });

  it('starts another one with NEW_EXECUTION', () => {
    const world = new World({ parent: { tasks: [call({ restartBehavior: 'NEW_EXECUTION' })] }, child });
    const parent = world.start('parent');
    world.answer(failing);
    world.operate('E', { kind: 'restart' }).finish();
    expect([parent.head.state, ...childrenOf(world)]).toEqual(['SUCCESS', 'FAILED', 'SUCCESS']);
  });

  it('takes the state of one that somebody has restarted already', () => {
    const world = new World({ parent: { tasks: [call()] }, child });
    const parent = world.start('parent');
    world.answer(failing);
    const [started] = world.children();
    world.operate(started?.head.executionId ?? '', { kind: 'restart' });
    // It runs when the parent asks, and has ended when the parent asks again.
    world.operate('E', { kind: 'restart' });
    expect(parent.run('call').state).toBe('RUNNING');
    world.finish();
    expect(parent.head.state).toBe('SUCCESS');
    const other = world.start('parent', 'F');
    world.answer(failing);
    const [second] = world.children('F');
    world.operate(second?.head.executionId ?? '', { kind: 'restart' }).finish();
    world.operate('F', { kind: 'restart' });
    expect([other.head.state, second?.head.state]).toEqual(['SUCCESS', 'SUCCESS']);
  });

  it('fails with a sentence when the execution is gone', () => {
    const world = new World({ parent: { tasks: [call()] }, child });
    const parent = world.start('parent');
    world.answer(failing);
    world.executions.delete(world.children()[0]?.head.executionId ?? '');
    world.operate('E', { kind: 'restart' });
    expect(parent.head.state).toBe('FAILED');
    expect(parent.logs.map(({ message }) => message).join()).toMatch(/is gone and cannot be restarted/);
  });

  it('restarts one that was killed with its parent', () => {
    const world = new World({ parent: { tasks: [call()] }, child });
    const parent = world.start('parent');
    world.send('E', { kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    expect([parent.head.state, ...childrenOf(world)]).toEqual(['KILLED', 'KILLED']);
    world.operate('E', { kind: 'restart' }).finish();
    expect([parent.head.state, ...childrenOf(world)]).toEqual(['SUCCESS', 'SUCCESS']);
  });
});

const SPLITS = 'kestra:///test/parent/executions/E/tasks/batch-split/x/splits.txt';
const batch = (more: PlainObject = {}): PlainObject => ({
  id: 'batch',
  type: 'core.flow.ForEachItem',
  items: 'kestra:///file.txt',
  namespace: 'test',
  flowId: 'child',
  inputs: { uri: '{{ taskrun.items }}' },
  ...more,
});
const itemChild = { ...child, inputs: [{ id: 'uri', type: 'STRING' as const }] };

/** Items of which some fail; `outputs` collects what is stored. */
const answers =
  (world: World, fails: readonly number[], outputs: string[] = []) =>
  (job: Job): JobOutcome => {
    if (job.task.type.endsWith('ItemSplit')) {
      return { state: 'SUCCESS', outputs: { splits: SPLITS, numberOfBatches: 6 } };
    }
    if (job.task.type.endsWith('ItemOutputs')) {
      outputs.push(...(job.variables['lines'] as string[]));
      return { state: 'SUCCESS', outputs: { page: job.task['page'] } };
    }
    const uri = world.executions.get(job.executionId)?.state.created.inputs['uri'];
    return fails.some((at) => itemUri(SPLITS, at) === uri) ? failing : { state: 'SUCCESS' };
  };

describe('a restart of a ForEachItem', () => {
  it('restarts what failed and starts what was never started', () => {
    const world = new World({ parent: { tasks: [batch()] }, child: itemChild }, { itemsAtATime: 2 });
    const parent = world.start('parent');
    const outputs: string[] = [];
    world.finish(answers(world, [1, 4], outputs));
    expect(parent.run('batch_items')).toMatchObject({
      state: 'FAILED',
      outputs: { iterations: { FAILED: 2, SUCCESS: 4 } },
    });
    const before = world.sent.length;
    world.operate('E', { kind: 'restart' }).finish(answers(world, [], outputs));
    expect(parent.head.state).toBe('SUCCESS');
    expect(parent.run('batch_items').outputs).toMatchObject({
      iterations: { CREATED: 0, RUNNING: 0, FAILED: 0, SUCCESS: 6 },
    });
    expect(childrenOf(world)).toEqual(Array(6).fill('SUCCESS'));
    expect(world.sent.slice(before).filter(({ kind }) => kind === 'operation-requested')).toHaveLength(2);
    expect(outputs).toHaveLength(6);
    expect(parent.run('batch_merge').state).toBe('SUCCESS');
  });

  it('begins with the first item again with NEW_EXECUTION', () => {
    const world = new World(
      { parent: { tasks: [batch({ restartBehavior: 'NEW_EXECUTION' })] }, child: itemChild },
      { itemsAtATime: 2 },
    );
    const parent = world.start('parent');
    world.finish(answers(world, [1]));
    world.operate('E', { kind: 'restart' }).finish(answers(world, []));
    expect(parent.run('batch_items')).toMatchObject({
      state: 'SUCCESS',
      outputs: { iterations: { SUCCESS: 6 }, subflowOutputsBaseUri: expect.stringMatching(/outputs-2$/) as unknown },
    });
    expect(world.children()).toHaveLength(12);
  });

  it('goes on after a kill, with those that were killed and those that were never started', () => {
    const world = new World({ parent: { tasks: [batch()] }, child: itemChild }, { itemsAtATime: 3 });
    const parent = world.start('parent');
    world.answer(answers(world, []));
    world.answer(answers(world, []));
    world.send('E', { kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    expect(parent.head.state).toBe('KILLED');
    expect(childrenOf(world).sort()).toEqual(['KILLED', 'KILLED', 'KILLED', 'SUCCESS']);
    world.operate('E', { kind: 'restart' }).finish(answers(world, []));
    expect(parent.head.state).toBe('SUCCESS');
    expect(childrenOf(world)).toEqual(Array(6).fill('SUCCESS'));
    expect(parent.run('batch_items').outputs).toMatchObject({ iterations: { RUNNING: 0, SUCCESS: 6 } });
  });

  it('restarts what failed also for a retry of the block', () => {
    const retry = { type: 'constant', interval: 'PT1S', maxAttempts: 2 };
    const world = new World({ parent: { tasks: [batch({ retry })] }, child: itemChild });
    const parent = world.start('parent');
    let fails: readonly number[] = [2];
    world.finish((job) => {
      const outcome = answers(world, fails)(job);
      if (outcome.state === 'FAILED') fails = [];
      return outcome;
    });
    expect(parent.head.state).toBe('SUCCESS');
    expect(world.children()).toHaveLength(6);
  });
});

describe('operations and the slots of a flow', () => {
  const flow = { tasks: [works('job')], concurrency: { limit: 1 } };
  const states = (world: World): string[] => [...world.executions.values()].map(({ head }) => head.state);

  it.each([
    [{ kind: 'force-run' } as const, 'RUNNING'],
    [{ kind: 'unqueue', state: 'RUNNING' } as const, 'RUNNING'],
    [{ kind: 'unqueue', state: 'CANCELLED' } as const, 'CANCELLED'],
  ])('%j takes an execution out of the queue; it is counted when it runs', (operation, state) => {
    const world = new World({ flow });
    for (const id of ['A', 'B', 'C']) world.start('flow', id);
    world.operate('B', operation);
    expect(states(world)).toEqual(['RUNNING', state, 'QUEUED']);
    expect(world.slotsOf('flow')).toMatchObject({ holders: state === 'RUNNING' ? 2 : 1, waiters: 1 });
    world.answer();
    // With two holders the end of one makes no room.
    expect(states(world)[2]).toBe(state === 'RUNNING' ? 'QUEUED' : 'RUNNING');
    world.finish();
    expect(world.slotsOf('flow')).toMatchObject({ holders: 0, waiters: 0 });
  });

  it('a restart is counted, a deletion gives the slot back', () => {
    const world = new World({ flow });
    world.start('flow', 'A');
    world.answer(failing);
    expect(world.slotsOf('flow')).toMatchObject({ holders: 0 });
    world.operate('A', { kind: 'restart' });
    expect(world.slotsOf('flow')).toMatchObject({ holders: 1 });
    expect(world.start('flow', 'B').head.state).toBe('QUEUED');
    world.operate('A', { kind: 'delete' });
    expect(states(world)).toEqual(['KILLED', 'RUNNING']);
    world.operate('B', { kind: 'pause' });
    // A paused execution keeps its slot.
    expect(world.start('flow', 'C').head.state).toBe('QUEUED');
  });
});

it('an execution that takes the place of a child is the one that its parent waits for', () => {
  const retry = { type: 'constant', interval: 'PT1S', maxAttempts: 2, behavior: 'CREATE_NEW_EXECUTION' } as const;
  const world = new World({
    parent: { tasks: [block('Sequential', 'block', [call()])] },
    child: { ...child, retry },
  });
  const parent = world.start('parent');
  world.answer(failing);
  expect(parent.run('call').state).toBe('RUNNING');
  world.finish();
  expect(parent.head.state).toBe('SUCCESS');
  expect(childrenOf(world)).toEqual(['RETRIED', 'SUCCESS']);
});
