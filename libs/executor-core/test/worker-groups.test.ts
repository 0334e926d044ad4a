import { createTopics, isTerminal, type ExecutionEvent, type PlainObject, type WorkerGroupWish } from '@millrace/model';
import {
  evolve,
  executionProcessor,
  ExecutionState,
  type ExecutionContext,
  type WorkerGroupStatus,
} from '../src/index.js';
import { aFlow, block, fails, Harness, log, MemoryRecords, works, type WrittenFlow } from './harness.js';

/** One execution in a cluster with the groups that the test says. */
class GroupHarness extends Harness {
  readonly groups: Record<string, WorkerGroupStatus> = { default: 'live', gpu: 'live' };
  /** What namespaces and the tenant say. */
  inherited: readonly WorkerGroupWish[] = [];

  override get context(): ExecutionContext {
    return {
      ...super.context,
      workerGroup: (_tenant, key) => this.groups[key] ?? 'unknown',
      inheritedWorkerGroups: () => this.inherited,
    };
  }

  constructor(flow: WrittenFlow, groups: Readonly<Record<string, WorkerGroupStatus>> = {}, inputs: PlainObject = {}) {
    super(aFlow(flow), inputs);
    Object.assign(this.groups, groups);
  }

  changes(group: string, status: WorkerGroupStatus): this {
    this.groups[group] = status;
    return this.hears(group, status === 'live');
  }

  hears(group: string, live: boolean): this {
    return this.send({ kind: 'workers-changed', group, live, tenant: 'main', executionId: 'E' });
  }

  /** The groups to whose topics jobs went, and from which they were taken back. */
  get topics(): string[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'submit-job' ? [effect.group] : effect.kind === 'cancel-job' ? [`-${effect.group}`] : [],
    );
  }

  get end(): string {
    return `${this.executionState}: ${this.story}`;
  }

  passes(ms: number): this {
    this.now += ms;
    return this.send({ kind: 'wake' });
  }
}

const gpu = (more: PlainObject = {}): PlainObject => ({ workerGroup: { key: 'gpu', ...more } });
const WAITING =
  "Waiting for a worker of the group 'gpu': none is running. Start one with 'millrace server worker --worker-group gpu'.";
/** Its condition needs a worker. */
const asks = (more: PlainObject = {}) => ({
  id: 'i',
  type: 'core.flow.If',
  condition: "{{ secret('x') }}",
  then: [log('then')],
  ...more,
});
const KILL: ExecutionEvent = { kind: 'kill-requested', tenant: 'main', executionId: 'E' };

describe('the worker group of a job', () => {
  it.each<[string, WrittenFlow, string]>([
    ['the default one', { tasks: [works('a')] }, 'default'],
    ['that of the flow', { ...gpu(), tasks: [works('a')] }, 'gpu'],
    ['that of the task before that of the flow', { workerGroup: { key: 'x' }, tasks: [works('a', gpu())] }, 'gpu'],
    ['the default one for a blank key', { ...gpu(), tasks: [works('a', { workerGroup: { key: ' ' } })] }, 'default'],
    ['an expression', { tasks: [works('a', { workerGroup: { key: '{{ inputs.group }}' } })] }, 'gpu'],
    [
      'the key of the flow when the task says only the fallback',
      { ...gpu(), tasks: [works('a', { workerGroup: { fallback: 'FAIL' } })] },
      'gpu',
    ],
    ['that of a task that is else decided at once', { tasks: [log('a', gpu())] }, 'gpu'],
    ['that of expressions which need a worker', { tasks: [asks(gpu())] }, 'gpu'],
  ])('is %s', (_what, flow, group) => {
    const harness = new GroupHarness(flow, {}, { group: 'gpu' }).start();
    expect(harness.topics).toEqual([group]);
    harness.finish(({ kind }) => ({
      state: 'SUCCESS',
      ...(kind === 'evaluate' ? { evaluated: { condition: true } } : {}),
    }));
    expect(harness.executionState).toBe('SUCCESS');
  });

  it('is looked for again with each attempt that is given out again', () => {
    const harness = new GroupHarness({ tasks: [works('a', gpu())] }).start();
    harness.claim();
    harness.send({ kind: 'instance-lost', instance: 'worker-1', tenant: 'main', executionId: 'E' });
    expect(harness.topics).toEqual(['gpu', 'gpu']);
    expect(harness.jobs[0]?.attempt).toBe(2);
  });
});

describe('what namespaces and the tenant say of the worker group', () => {
  const started = (flow: WrittenFlow, inherited: readonly WorkerGroupWish[], gpu: WorkerGroupStatus = 'live') => {
    const harness = new GroupHarness(flow, { gpu, far: 'live' }, { group: 'gpu' });
    harness.inherited = inherited;
    return harness.start();
  };

  it.each<[string, WrittenFlow, readonly WorkerGroupWish[], string]>([
    ['holds for a flow that says nothing', { tasks: [works('a')] }, [{ key: 'gpu' }], 'gpu'],
    ['is that of the nearest', { tasks: [works('a')] }, [{ fallback: 'FAIL' }, { key: 'gpu' }, { key: 'far' }], 'gpu'],
    ['comes after the flow', { ...gpu(), tasks: [works('a')] }, [{ key: 'far' }], 'gpu'],
    ['comes after the task', { tasks: [works('a', gpu())] }, [{ key: 'far' }], 'gpu'],
    ['may be an expression', { tasks: [works('a')] }, [{ key: '{{ inputs.group }}' }], 'gpu'],
    ['may name the default one again', { tasks: [works('a')] }, [{ key: '' }, { key: 'far' }], 'default'],
    ['holds for expressions which need a worker', { tasks: [asks()] }, [{ key: 'gpu' }], 'gpu'],
  ])('%s', (_what, flow, inherited, group) => expect(started(flow, inherited).topics).toEqual([group]));

  it('gives the fallback of a task that says only its key', () => {
    const harness = started({ tasks: [works('a', gpu())] }, [{ key: 'far' }, { fallback: 'FAIL' }], 'no-worker');
    expect(harness.end).toBe('FAILED: a:FAILED');
  });

  it('does not send to a worker what the engine does itself', () =>
    expect(started({ tasks: [log('a')] }, [{ key: 'gpu' }]).topics).toEqual([]));

  it('fails when the group is not there', () =>
    expect(started({ tasks: [works('a')] }, [{ key: 'none' }]).end).toBe('FAILED: a:FAILED'));
});

describe('a worker group that is not there', () => {
  const retry = { type: 'constant', interval: 'PT1S', maxAttempts: 5 };
  const sentence = "worker group 'none' does not exist or is not available to tenant 'main'";

  it.each<[string, PlainObject]>([
    ['a task', works('a', { workerGroup: { key: 'none', fallback: 'WAIT' }, retry })],
    [
      'one whose retry is an execution',
      works('a', { workerGroup: { key: 'none' }, retry: { ...retry, behavior: 'CREATE_NEW_EXECUTION' } }),
    ],
    ['expressions', asks({ id: 'a', workerGroup: { key: 'none' } })],
  ])('fails %s at once, and it is not tried again', (_what, task) => {
    const harness = new GroupHarness({ tasks: [task] }).start();
    expect(harness.end).toBe('FAILED: a:FAILED');
    expect(harness.logs).toContainEqual(expect.objectContaining({ level: 'ERROR', message: sentence }));
    expect(harness.jobs).toEqual([]);
  });

  it('is a failure as others to the rest of the flow', () => {
    const task = works('a', { workerGroup: { key: 'none' }, allowFailure: true });
    expect(new GroupHarness({ tasks: [task, log('b')] }).start().end).toBe('WARNING: a:WARNING b:SUCCESS');
  });

  it('is told of when its key cannot be evaluated', () => {
    const harness = new GroupHarness({
      tasks: [works('a', { workerGroup: { key: '{{ secret("x") }}' }, retry })],
    }).start();
    expect(harness.end).toBe('FAILED: a:FAILED');
    expect(harness.logs[0]?.message).toMatch(/^The key of the worker group cannot be evaluated: /);
  });

  it('fails a job that waited for it when it was deleted', () => {
    const harness = new GroupHarness({ tasks: [works('a', gpu())] }, { gpu: 'no-worker' }).start();
    harness.groups['gpu'] = 'unknown';
    expect(harness.passes(30_000).end).toBe('FAILED: a:FAILED');
  });
});

describe('a worker group without a worker', () => {
  it('fails a task with the fallback FAIL, which may be tried again', () => {
    const retry = { type: 'constant', interval: 'PT1S', maxAttempts: 2 };
    const harness = new GroupHarness(
      { tasks: [works('a', { ...gpu({ fallback: 'FAIL' }), retry })] },
      { gpu: 'no-worker' },
    );
    expect(harness.start().end).toBe('RETRYING: a:RETRYING');
    expect(harness.passes(1_000).end).toBe('FAILED: a:FAILED');
    expect(harness.run('a').attempts).toHaveLength(2);
  });

  it('cancels a task with the fallback CANCEL, and with it the execution, without an error', () => {
    const flow = { workerGroup: { fallback: 'CANCEL' }, tasks: [works('a', gpu()), log('b')], errors: [log('e')] };
    const harness = new GroupHarness(flow as unknown as WrittenFlow, { gpu: 'no-worker' }).start();
    expect(harness.end).toBe('CANCELLED: a:CANCELLED');
    expect(harness.logs.map(({ level }) => level)).not.toContain('ERROR');
  });

  it.each<[string, PlainObject]>([
    ['a task', works('a', gpu({ fallback: 'CANCEL' }))],
    ['expressions', asks({ id: 'a', ...gpu({ fallback: 'CANCEL' }) })],
  ])('cancels around %s in blocks, and lets a worker finish what it runs', (_what, task) => {
    const harness = new GroupHarness({
      tasks: [block('Parallel', 'p', [works('w'), block('Sequential', 's', [works('x'), task])])],
    });
    harness.start();
    harness.groups['gpu'] = 'no-worker';
    const running = harness.claim('w');
    harness.answer(harness.claim('x'), { state: 'SUCCESS' });
    harness.answer(running, { state: 'SUCCESS' });
    expect(harness.end).toBe('CANCELLED: p:CANCELLED w:SUCCESS s:CANCELLED x:SUCCESS a:CANCELLED');
  });

  it('keeps a task that waits, says so once, and hands it over when a worker comes', () => {
    const harness = new GroupHarness({ tasks: [works('a', gpu()), works('b', gpu())] }, { gpu: 'no-worker' }).start();
    expect(harness.end).toBe('RUNNING: a:SUBMITTED');
    expect(harness.run('a')).toMatchObject({ workerGroup: 'gpu', awaitsWorker: true });
    expect(harness.state.head.warnings).toEqual([WAITING]);
    expect(harness.jobs).toEqual([]);
    harness.hears('gpu', false).passes(30_000);
    expect(harness.logs.filter(({ message }) => message === WAITING)).toHaveLength(1);
    harness.changes('gpu', 'live').hears('gpu', true).passes(30_000);
    expect(harness.jobs).toHaveLength(1);
    expect(harness.run('a').awaitsWorker).toBeUndefined();
    expect(harness.state.head.warnings).toBeUndefined();
    expect(harness.finish().end).toBe('SUCCESS: a:SUCCESS b:SUCCESS');
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('does not hand over what waits for another group', () => {
    const harness = new GroupHarness({ tasks: [works('a', gpu())] }, { gpu: 'no-worker' }).start();
    harness.hears('default', true);
    expect(harness.run('a').awaitsWorker).toBe(true);
    expect(harness.state.head.warnings).toEqual([WAITING]);
  });

  it('keeps expressions that only a worker can evaluate', () => {
    const harness = new GroupHarness({ tasks: [asks(gpu())] }, { gpu: 'no-worker' }).start();
    expect(harness.jobs).toEqual([]);
    harness.changes('gpu', 'live');
    expect(harness.jobs).toHaveLength(1);
    harness.finish(() => ({ state: 'SUCCESS', evaluated: { condition: true } }));
    expect(harness.end).toBe('SUCCESS: i:SUCCESS then:SUCCESS');
  });

  it('keeps what runs after the end of the execution', () => {
    const harness = new GroupHarness({ tasks: [log('a')], afterExecution: [works('z', gpu())] }, { gpu: 'no-worker' });
    harness.start();
    expect(harness.end).toBe('SUCCESS: a:SUCCESS z:SUBMITTED');
    expect(harness.changes('gpu', 'live').finish().end).toBe('SUCCESS: a:SUCCESS z:SUCCESS');
    expect(harness.state.head.timers).toBeUndefined();
  });
});

describe('a task run that ends because its group has no worker', () => {
  it.each(['FAIL', 'CANCEL'])('leaves no attempt open when it was its expressions that needed one: %s', (fallback) => {
    const harness = new GroupHarness({ tasks: [asks(gpu({ fallback }))] }, { gpu: 'no-worker' }).start();
    const state = fallback === 'FAIL' ? 'FAILED' : 'CANCELLED';
    expect(harness.end).toBe(`${state}: i:${state}`);
    expect(harness.run('i').attempts.map((attempt) => attempt.state)).toEqual([state]);
  });

  it('has one attempt, closed once, when a worker could not evaluate its expressions', () => {
    const harness = new GroupHarness({ tasks: [asks()] }).start();
    harness.answer(harness.claim(), { state: 'FAILED' });
    expect(harness.run('i').attempts.map(({ histories }) => histories.map(({ state }) => state))).toEqual([
      ['RUNNING', 'FAILED'],
    ]);
  });
});

describe('an execution that has ended with all that came after', () => {
  it('has no timer of what waited for a worker then', () => {
    const flow = { tasks: [log('a')], afterExecution: [works('z', gpu())] };
    const harness = new GroupHarness(flow, { gpu: 'no-worker' }).start();
    harness.changes('gpu', 'live');
    harness.answer(harness.claim('z'), { state: 'SUCCESS' });
    expect(harness.end).toBe('SUCCESS: a:SUCCESS z:SUCCESS');
    expect([harness.state.head.warnings, harness.state.head.timers, harness.state.dueAt]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('an executor that does not see yet what has changed', () => {
  it('looks again after 30 s, so that nothing waits for ever', () => {
    const harness = new GroupHarness({ tasks: [works('a', gpu())] }, { gpu: 'no-worker' }).start();
    // The event came while the view was stale; nobody sends another.
    harness.hears('gpu', true);
    expect(harness.jobs).toEqual([]);
    expect(harness.state.dueAt).toBe(harness.now + 30_000);
    harness.groups['gpu'] = 'live';
    expect(harness.passes(29_999).jobs).toEqual([]);
    expect(harness.passes(1).jobs).toHaveLength(1);
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('looks again for a job in the topic of a group whose workers are said to be gone', () => {
    const harness = new GroupHarness({ tasks: [works('a', gpu({ fallback: 'FAIL' }))] }).start();
    harness.hears('gpu', false);
    expect(harness.end).toBe('RUNNING: a:SUBMITTED');
    harness.groups['gpu'] = 'no-worker';
    expect(harness.passes(30_000).end).toBe('FAILED: a:FAILED');
  });
});

describe('a job in the topic of a group whose last worker goes', () => {
  it('waits with a warning, which goes when a worker comes', () => {
    const harness = new GroupHarness({ tasks: [works('a', gpu())] }).start();
    harness.changes('gpu', 'no-worker').hears('gpu', false);
    expect(harness.state.head.warnings).toEqual([WAITING]);
    harness.changes('gpu', 'live');
    expect(harness.state.head.warnings).toBeUndefined();
    expect(harness.topics).toEqual(['gpu']);
    expect(harness.finish().end).toBe('SUCCESS: a:SUCCESS');
  });

  it.each(['FAIL', 'CANCEL'])('is taken back with the fallback %s', (fallback) => {
    const harness = new GroupHarness({ tasks: [works('a', gpu({ fallback }))] }).start();
    harness.changes('gpu', 'no-worker');
    const state = fallback === 'FAIL' ? 'FAILED' : 'CANCELLED';
    expect(harness.end).toBe(`${state}: a:${state}`);
    expect(harness.topics).toEqual(['gpu', '-gpu']);
    expect(harness.jobs).toEqual([]);
    expect(harness.state.head.warnings).toBeUndefined();
  });

  it('is nothing to a task that a worker has', () => {
    const harness = new GroupHarness({ tasks: [works('a', gpu({ fallback: 'FAIL' }))] }).start();
    harness.claim();
    harness.changes('gpu', 'no-worker');
    expect(harness.end).toBe('RUNNING: a:RUNNING');
    expect(harness.state.head.warnings).toBeUndefined();
  });
});

describe('a wait for a worker with an end', () => {
  const MINUTES_5 = 300_000;
  const limited = (more: PlainObject = {}): PlainObject => works('a', { ...gpu({ waitAtMost: 'PT5M' }), ...more });
  const OVER = "No worker of the group 'gpu' has come for as long as 'waitAtMost' of the worker group says";

  it('fails the task run then, and not before, however often it looked', () => {
    const harness = new GroupHarness({ tasks: [limited()] }, { gpu: 'no-worker' }).start();
    harness
      .passes(30_000)
      .hears('gpu', false)
      .passes(MINUTES_5 - 30_001);
    expect(harness.end).toBe('RUNNING: a:SUBMITTED');
    expect(harness.state.dueAt).toBe(harness.now + 1);
    expect(harness.passes(1).end).toBe('FAILED: a:FAILED');
    expect(harness.logs).toContainEqual(expect.objectContaining({ level: 'ERROR', message: OVER }));
    expect(harness.topics).toEqual([]);
    expect(harness.state.head.warnings).toBeUndefined();
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('is not over when a worker came in time, and begins anew for the next job', () => {
    const harness = new GroupHarness({ tasks: [limited()] }, { gpu: 'no-worker' }).start();
    harness
      .passes(MINUTES_5 - 1)
      .changes('gpu', 'live')
      .claim();
    harness.groups['gpu'] = 'no-worker';
    harness.passes(MINUTES_5);
    harness.send({ kind: 'instance-lost', instance: 'worker-1', tenant: 'main', executionId: 'E' });
    expect(harness.passes(MINUTES_5 - 1).end).toBe('RUNNING: a:SUBMITTED');
    expect(harness.passes(1).end).toBe('FAILED: a:FAILED');
  });

  it('takes a job back that lies in the topic, counted from when the last worker went', () => {
    const harness = new GroupHarness({ tasks: [limited()] }).start();
    harness
      .passes(MINUTES_5)
      .changes('gpu', 'no-worker')
      .hears('gpu', false)
      .passes(MINUTES_5 - 1);
    expect(harness.end).toBe('RUNNING: a:SUBMITTED');
    expect(harness.passes(1).end).toBe('FAILED: a:FAILED');
    expect(harness.topics).toEqual(['gpu', '-gpu']);
  });

  it('is forgotten for a job in the topic when a worker comes', () => {
    const harness = new GroupHarness({ tasks: [limited()] }).start();
    harness
      .changes('gpu', 'no-worker')
      .passes(MINUTES_5 - 1)
      .changes('gpu', 'live')
      .passes(1);
    expect(harness.run('a').waitsUntil).toBeUndefined();
    expect(harness.finish().end).toBe('SUCCESS: a:SUCCESS');
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('is that of the flow or the namespace when the task says none, and each retry waits as long', () => {
    const retry = { type: 'constant', interval: 'PT1S', maxAttempts: 2 };
    const harness = new GroupHarness({ tasks: [works('a', { ...gpu(), retry })] }, { gpu: 'no-worker' });
    harness.inherited = [{ waitAtMost: 'PT5M' }];
    harness.start().passes(MINUTES_5);
    expect(harness.end).toBe('RETRYING: a:RETRYING');
    expect(harness.passes(1_000).passes(MINUTES_5 - 1).end).toBe('RUNNING: a:SUBMITTED');
    expect(harness.passes(1).end).toBe('FAILED: a:FAILED');
  });

  it('ends that of expressions too', () => {
    const harness = new GroupHarness({ tasks: [asks(gpu({ waitAtMost: 'PT5M' }))] }, { gpu: 'no-worker' }).start();
    expect(harness.passes(MINUTES_5).end).toBe('FAILED: i:FAILED');
  });

  it('ends the shortest of several first', () => {
    const tasks = [limited(), works('b', gpu({ waitAtMost: 'PT10S', fallback: 'WAIT' })), works('c', gpu())];
    const harness = new GroupHarness({ tasks: [block('Parallel', 'p', tasks, {})] }, { gpu: 'no-worker' }).start();
    expect(harness.state.dueAt).toBe(harness.now + 10_000);
    expect(harness.passes(10_000).run('b').state).toBe('FAILED');
  });

  it('has no effect with another fallback', () =>
    expect(
      new GroupHarness(
        { tasks: [limited({ workerGroup: { key: 'gpu', fallback: 'CANCEL', waitAtMost: 'PT5M' } })] },
        {
          gpu: 'no-worker',
        },
      ).start().end,
    ).toBe('CANCELLED: a:CANCELLED'));
});

describe('an execution with a job that waits for a worker', () => {
  const waiting = (): GroupHarness => new GroupHarness({ tasks: [works('a', gpu())] }, { gpu: 'no-worker' }).start();

  it('is killed at once, and nothing of it comes back', () => {
    const harness = waiting().send(KILL);
    expect(harness.end).toBe('KILLED: a:KILLED');
    expect(harness.topics).toEqual([]);
    expect(harness.changes('gpu', 'live').jobs).toEqual([]);
    expect(harness.state.head.warnings).toBeUndefined();
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('forgets the warning when what waited was ended by a block', () => {
    const flow = {
      tasks: [block('Parallel', 'p', [works('a', gpu()), works('b')], { allowFailure: true }), works('c')],
    };
    const harness = new GroupHarness(flow, { gpu: 'no-worker' }).start();
    harness.answer(harness.claim('b'), { state: 'FAILED' });
    expect(harness.run('c').state).toBe('SUBMITTED');
    harness.passes(30_000);
    expect(harness.state.head.warnings).toBeUndefined();
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('can be restarted after a kill, and waits again', () => {
    const harness = waiting().send(KILL);
    harness.send({
      kind: 'operation-requested',
      tenant: 'main',
      executionId: 'E',
      commandId: 'again',
      at: harness.now,
      operation: { kind: 'restart' },
    } as ExecutionEvent);
    expect(harness.run('a')).toMatchObject({ state: 'SUBMITTED', awaitsWorker: true });
    expect(harness.changes('gpu', 'live').finish().end).toBe('SUCCESS: a:SUCCESS');
  });

  it('has the state that its facts give', () => {
    const harness = waiting().changes('gpu', 'live').changes('gpu', 'no-worker').changes('gpu', 'live').finish();
    const records = new MemoryRecords();
    const state = new ExecutionState(records);
    for (const fact of harness.facts) evolve(state, fact);
    expect([...records.map]).toEqual([...harness.records.map]);
  });

  it('is told of a change, as are others that the group concerns, and nobody else', () => {
    const { spread } = executionProcessor(createTopics({ executionPartitions: 1, resourcePartitions: 1 }));
    const event: ExecutionEvent = { kind: 'workers-changed', group: 'gpu', live: true };
    const inTopic = new GroupHarness({ tasks: [works('a', gpu())] }).start();
    const other = new GroupHarness({ tasks: [works('a')] }).start();
    const ended = new GroupHarness({ tasks: [fails('a')] }).start();
    expect(isTerminal(ended.state.head.state)).toBe(true);
    const live = Object.entries({ waits: waiting(), inTopic, other, ended }).map(
      ([key, { state }]) => [key, state] as const,
    );
    expect([...spread(event, live)].map(([key]) => key)).toEqual(['waits', 'inTopic']);
  });
});
