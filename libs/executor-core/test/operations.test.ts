import { isTerminal, type ExecutionOperation, type OperationRequested, type Reply, type State } from '@millrace/model';
import { failed } from '../src/index.js';
import { aFlow, block, fails, Harness, log, works, type WrittenFlow } from './harness.js';

let commands = 0;

const operationEvent = ({ now }: Harness, operation: ExecutionOperation, commandId: string): OperationRequested => ({
  kind: 'operation-requested',
  tenant: 'main',
  executionId: 'E',
  commandId,
  replyTo: 'webserver-1',
  by: 'ada',
  at: now,
  operation,
});

/** Asks for an operation; answers what was replied. */
function operate(
  harness: Harness,
  operation: ExecutionOperation,
  commandId = `command-${++commands}`,
): Reply['outcome'] {
  const before = harness.effects.length;
  harness.send(operationEvent(harness, operation, commandId));
  const replies = harness.effects.slice(before).flatMap((effect) => (effect.kind === 'reply' ? [effect.reply] : []));
  expect(replies).toHaveLength(1);
  expect(replies[0]?.commandId).toBe(commandId);
  return replies[0]?.outcome ?? { kind: 'accepted', executionId: 'none' };
}

const ACCEPTED = { kind: 'accepted', executionId: 'E' };
const kill = (harness: Harness): Harness => harness.send({ kind: 'kill-requested', tenant: 'main', executionId: 'E' });
const started = (flow: WrittenFlow, more: Partial<ConstructorParameters<typeof Harness>[1]> = {}): Harness =>
  new Harness(aFlow(flow), more).start();

/** Every answer of the worker fails, until it is told otherwise. */
const failing = { state: 'FAILED' } as const;
const labelsOf = (harness: Harness): unknown =>
  Object.fromEntries(harness.state.head.labels.map(({ key, value }) => [key, value]));
const history = (harness: Harness): string => harness.state.head.histories.map(({ state }) => state).join(' ');

describe('restart', () => {
  it('runs what failed again and goes on after it', () => {
    const harness = started({ tasks: [log('a'), works('b'), log('c')], errors: [log('e')], finally: [log('f')] });
    harness.answer(harness.claim(), failing);
    expect(harness.story).toBe('a:SUCCESS b:FAILED e:SUCCESS f:SUCCESS');
    const failed = harness.run('b');
    expect(operate(harness, { kind: 'restart' })).toEqual(ACCEPTED);
    expect(harness.story).toBe('a:SUCCESS b:SUBMITTED');
    expect(harness.run('b').id).toBe(failed.id);
    expect(harness.run('b').histories.map(({ state }) => state)).toEqual([
      'CREATED',
      'SUBMITTED',
      'RUNNING',
      'FAILED',
      'RESTARTED',
      'SUBMITTED',
    ]);
    harness.finish();
    expect(harness.story).toBe('a:SUCCESS b:SUCCESS c:SUCCESS f:SUCCESS');
    expect(harness.run('b').attempts.map(({ state }) => state)).toEqual(['FAILED', 'SUCCESS']);
    expect(history(harness)).toBe('CREATED RUNNING FAILED RESTARTED RUNNING SUCCESS');
    expect(harness.state.head).toMatchObject({ attemptNumber: 2, generation: 1 });
    expect(labelsOf(harness)).toMatchObject({ 'system.restarted': 'true' });
  });

  it('makes an old result worthless', () => {
    const harness = started({ tasks: [works('a')] });
    const old = harness.claim();
    harness.answer(old, failing);
    operate(harness, { kind: 'restart' });
    harness.answer(old, { state: 'SUCCESS' });
    const current = harness.claim();
    harness.answer(old, { state: 'SUCCESS' });
    expect(harness.story).toBe('a:RUNNING');
    harness.answer(current, { state: 'SUCCESS' });
    expect(harness.executionState).toBe('SUCCESS');
  });

  it.each<[string, WrittenFlow, string, string]>([
    [
      'a Sequential',
      { tasks: [block('Sequential', 's', [works('a'), works('x'), works('b')]), works('c')] },
      's:FAILED a:SUCCESS x:FAILED',
      's:SUCCESS a:SUCCESS x:SUCCESS b:SUCCESS c:SUCCESS',
    ],
    [
      'a Parallel, with what its failure stopped',
      { tasks: [block('Parallel', 'p', [works('x'), works('a'), works('b')]), works('c')] },
      'p:FAILED x:FAILED a:FAILED b:FAILED',
      'p:SUCCESS x:SUCCESS a:SUCCESS b:SUCCESS c:SUCCESS',
    ],
    [
      'a Parallel with a limit, whose other tasks had not started',
      { tasks: [block('Parallel', 'p', [works('x'), works('a'), works('b')], { concurrent: 1 })] },
      'p:FAILED x:FAILED',
      'p:SUCCESS x:SUCCESS a:SUCCESS b:SUCCESS',
    ],
    [
      'a ForEach',
      { tasks: [block('ForEach', 'l', [works('a'), works('x')], { values: ['1', '2'] })] },
      'l:FAILED a[1]:SUCCESS x[1]:FAILED',
      'l:SUCCESS a[1]:SUCCESS x[1]:SUCCESS a[2]:SUCCESS x[2]:SUCCESS',
    ],
    [
      'an If',
      { tasks: [{ id: 'i', type: 'core.flow.If', condition: 'true', then: [works('x'), works('a')] }] },
      'i:FAILED x:FAILED',
      'i:SUCCESS x:SUCCESS a:SUCCESS',
    ],
    [
      'a Switch',
      { tasks: [{ id: 's', type: 'core.flow.Switch', value: 'v', cases: { v: [works('x'), works('a')] } }] },
      's:FAILED x:FAILED',
      's:SUCCESS x:SUCCESS a:SUCCESS',
    ],
    [
      'blocks in blocks, with their errors and finally',
      {
        tasks: [
          block('Sequential', 'o', [
            block('ForEach', 'l', [works('a'), block('Parallel', 'p', [works('x')], { errors: [log('e')] })], {
              values: ['1'],
              finally: [log('f')],
            }),
            works('b'),
          ]),
        ],
        errors: [log('g')],
      },
      'o:FAILED l:FAILED a[1]:SUCCESS p[1]:FAILED x:FAILED e:SUCCESS f:SUCCESS g:SUCCESS',
      'o:SUCCESS l:SUCCESS a[1]:SUCCESS p[1]:SUCCESS x:SUCCESS b:SUCCESS f:SUCCESS',
    ],
    [
      'beside a block whose failure was allowed',
      { tasks: [block('Sequential', 's', [fails('y')], { allowFailure: true }), works('x'), works('a')] },
      's:WARNING y:FAILED x:FAILED',
      's:WARNING y:FAILED x:SUCCESS a:SUCCESS',
    ],
  ])('goes on in %s', (_what, flow, before, after) => {
    const harness = started(flow).finish((job) => ({ state: job.task.id === 'x' ? 'FAILED' : 'SUCCESS' }));
    expect(harness.story).toBe(before);
    expect(harness.executionState).toBe('FAILED');
    expect(operate(harness, { kind: 'restart' })).toEqual(ACCEPTED);
    harness.finish();
    expect(sorted(harness.story)).toEqual(sorted(after));
    expect(isTerminal(harness.executionState as State)).toBe(true);
    expect(harness.state.head.progress).toMatchObject({ section: 'ended', active: 0, failed: 0, killed: 0 });
  });

  it('lets lanes go on that had come to a stop between two tasks', () => {
    const harness = started({
      tasks: [
        block('ForEach', 'l', [works('a'), works('b')], {
          values: ['1', '2'],
          concurrencyLimit: 2,
          errors: [works('e')],
        }),
      ],
    });
    const [one, two] = [harness.claim('a'), harness.claim('a')];
    harness.answer(one, failing);
    harness.answer(two, { state: 'SUCCESS' });
    expect(harness.story).toBe('l:RUNNING a[1]:FAILED a[2]:SUCCESS e:SUBMITTED');
    harness.finish();
    operate(harness, { kind: 'restart' });
    harness.finish();
    expect(harness.executionState).toBe('SUCCESS');
    expect(sorted(harness.story)).toEqual(sorted('l:SUCCESS a[1]:SUCCESS a[2]:SUCCESS b[1]:SUCCESS b[2]:SUCCESS'));
  });

  it('evaluates a condition again that could not be evaluated', () => {
    const harness = started({
      tasks: [{ id: 'i', type: 'core.flow.If', condition: '{{ outputs.nothing.value }}', then: [log('a')] }],
    });
    expect(harness.story).toBe('i:FAILED');
    operate(harness, { kind: 'restart' });
    expect(harness.story).toBe('i:FAILED');
    expect(harness.run('i').attempts).toHaveLength(2);
    expect(harness.state.head.attemptNumber).toBe(2);
  });

  it('of a killed execution runs what was killed', () => {
    const harness = started({ tasks: [works('a'), block('Parallel', 'p', [works('b'), works('c')]), log('d')] });
    harness.answer(harness.claim('a'), { state: 'SUCCESS' });
    const claimed = harness.claim('b');
    kill(harness);
    harness.answer(claimed, { state: 'KILLED' });
    expect(harness.story).toBe('a:SUCCESS p:KILLED b:KILLED c:KILLED');
    expect(harness.executionState).toBe('KILLED');
    operate(harness, { kind: 'restart' });
    harness.finish();
    expect(sorted(harness.story)).toEqual(sorted('a:SUCCESS p:SUCCESS b:SUCCESS c:SUCCESS d:SUCCESS'));
    expect(harness.executionState).toBe('SUCCESS');
  });

  it('never gives a job the name of one that was taken back', () => {
    const harness = started({ tasks: [works('a', { retry: { type: 'constant', interval: 'PT1S', maxAttempts: 5 } })] });
    const names = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const job = harness.jobs[0];
      const name = `${job?.taskRunId}/${job?.attempt}`;
      expect(names.has(name)).toBe(false);
      names.add(name);
      kill(harness);
      expect(harness.executionState).toBe('KILLED');
      expect(operate(harness, { kind: 'restart' })).toEqual(ACCEPTED);
    }
    harness.answer(harness.claim(), failing);
    harness.now += 1_000;
    harness.send({ kind: 'wake' });
    kill(harness);
    operate(harness, { kind: 'restart' });
    expect(harness.run('a').attempts.map(({ state }) => state)).toEqual(['FAILED', 'RESUBMITTED']);
    expect(harness.jobs[0]?.attempt).toBe(3);
  });

  it('runs only finally again when only that failed', () => {
    const harness = started({ tasks: [log('a')], finally: [works('f')], afterExecution: [log('z')] });
    harness.answer(harness.claim(), failing);
    expect(harness.executionState).toBe('SUCCESS');
    expect(operate(harness, { kind: 'restart' })).toEqual(ACCEPTED);
    harness.finish();
    expect(harness.story).toBe('a:SUCCESS f:SUCCESS z:SUCCESS');
  });

  it('is refused when there is nothing to restart', () => {
    const harness = started({ tasks: [log('a')] });
    expect(operate(harness, { kind: 'restart' })).toMatchObject({ kind: 'refused', reason: 'conflict' });
    expect(history(harness)).toBe('CREATED RUNNING SUCCESS');
  });
});

const sorted = (story: string): string[] => story.split(' ').sort();

describe('a change of a task run’s state', () => {
  it('to SUCCESS lets the execution go on after it', () => {
    const harness = started({
      tasks: [block('Sequential', 's', [works('x'), log('a')]), log('b')],
      errors: [log('e')],
    });
    harness.answer(harness.claim(), failing);
    expect(
      operate(harness, { kind: 'change-task-run-state', taskRunId: harness.run('x').id, state: 'SUCCESS' }),
    ).toEqual(ACCEPTED);
    expect(harness.story).toBe('s:SUCCESS x:SUCCESS a:SUCCESS b:SUCCESS');
    expect(harness.executionState).toBe('SUCCESS');
  });

  it('to FAILED fails again, with errors', () => {
    const harness = started({ tasks: [works('x'), log('b')], errors: [log('e')] });
    harness.answer(harness.claim(), { state: 'WARNING' });
    operate(harness, { kind: 'change-task-run-state', taskRunId: harness.run('x').id, state: 'FAILED' });
    expect(harness.story).toBe('x:FAILED e:SUCCESS');
    expect(harness.executionState).toBe('FAILED');
  });

  it('leaves what else failed as it is', () => {
    const harness = started({ tasks: [block('Parallel', 'p', [works('x'), works('y')], { errors: [log('e')] })] });
    const [x, y] = [harness.claim('x'), harness.claim('y')];
    harness.answer(y, failing);
    harness.answer(x, failing);
    operate(harness, { kind: 'change-task-run-state', taskRunId: harness.run('x').id, state: 'SUCCESS' });
    expect(harness.executionState).toBe('FAILED');
    expect(harness.story).toBe('p:FAILED x:SUCCESS y:FAILED e:SUCCESS');
  });

  const ENDS = ['SUCCESS', 'WARNING', 'FAILED', 'CANCELLED', 'SKIPPED', 'KILLED'] as const;
  it.each(ENDS.flatMap((from) => ENDS.filter((to) => to !== from).map((to) => [from, to] as const)))(
    'from %s to %s',
    (from, to) => {
      const harness = started({ tasks: [works('x')] });
      harness.answer(harness.claim(), { state: 'SUCCESS' });
      const change = (state: State): void => {
        operate(harness, { kind: 'change-task-run-state', taskRunId: harness.run('x').id, state });
        if (harness.executionState === 'KILLED') operate(harness, { kind: 'change-status', state: 'FAILED' });
      };
      change(from);
      change(to);
      expect(harness.run('x').state).toBe(to);
      expect(isTerminal(harness.executionState as State)).toBe(true);
    },
  );
});

describe('a change of the execution’s status', () => {
  const ENDS = ['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED'] as const;
  it.each(ENDS.flatMap((from) => ENDS.filter((to) => to !== from).map((to) => [from, to] as const)))(
    'from %s to %s changes nothing else',
    (from, to) => {
      const harness = started({ tasks: [log('a')] });
      operate(harness, { kind: 'change-status', state: from });
      const before = harness.runs;
      expect(operate(harness, { kind: 'change-status', state: to })).toEqual(ACCEPTED);
      expect(harness.executionState).toBe(to);
      expect(harness.runs).toEqual(before);
    },
  );
});

describe('labels', () => {
  it('of users are replaced, those of the system stay', () => {
    const harness = started({ tasks: [log('a')] });
    operate(harness, { kind: 'add-labels', labels: [{ key: 'system.replayed', value: 'true' }] });
    operate(harness, { kind: 'set-labels', labels: [{ key: 'a', value: '1' }] });
    operate(harness, { kind: 'set-labels', labels: [{ key: 'b', value: '2' }] });
    expect(labelsOf(harness)).toEqual({ b: '2', 'system.replayed': 'true' });
    expect(operate(harness, { kind: 'set-labels', labels: [{ key: 'system.from', value: 'me' }] })).toMatchObject({
      reason: 'invalid',
    });
  });
});

describe('a breakpoint', () => {
  const flow: WrittenFlow = { tasks: [log('a'), block('ForEach', 'l', [log('b')], { values: ['1', '2'] }), log('c')] };
  const startedWith = (...breakpoints: { id: string; value?: string }[]): Harness => {
    const harness = new Harness(aFlow(flow));
    const event = harness.requested();
    if (event.kind !== 'execution-requested') throw new Error('Not a request');
    return harness.send({ ...event, created: { ...event.created, breakpoints } });
  };

  it('stops before its task until the execution is resumed', () => {
    const harness = startedWith({ id: 'l' }, { id: 'c' });
    expect([harness.executionState, harness.story]).toEqual(['BREAKPOINT', 'a:SUCCESS l:BREAKPOINT']);
    operate(harness, { kind: 'resume', given: {} });
    expect([harness.executionState, harness.run('c').state]).toEqual(['BREAKPOINT', 'BREAKPOINT']);
    operate(harness, { kind: 'resume', given: {} });
    expect(harness.executionState).toBe('SUCCESS');
    expect(history(harness)).toBe('CREATED RUNNING BREAKPOINT RUNNING BREAKPOINT RUNNING SUCCESS');
  });

  it('may be for one value of a loop', () => {
    const harness = startedWith({ id: 'b', value: '2' });
    expect(harness.story).toBe('a:SUCCESS l:RUNNING b[1]:SUCCESS b[2]:BREAKPOINT');
    kill(harness);
    expect([harness.executionState, harness.run('b', '2').state]).toEqual(['KILLED', 'KILLED']);
  });

  it.each(['FAILED', 'WARNING', 'SUCCESS'] as const)('is left when its block ends as %s', (state) => {
    const more = { allowFailure: state !== 'FAILED', allowWarning: state === 'SUCCESS' };
    const harness = new Harness(aFlow({ tasks: [block('Parallel', 'p', [works('x'), log('b')], more), works('c')] }));
    const event = harness.requested();
    if (event.kind !== 'execution-requested') throw new Error('Not a request');
    harness.send({ ...event, created: { ...event.created, breakpoints: [{ id: 'b' }] } });
    expect(harness.executionState).toBe('BREAKPOINT');
    harness.answer(harness.claim('x'), failing);
    expect(harness.run('b').state).toBe(state);
    expect(harness.executionState).toBe(state === 'FAILED' ? 'FAILED' : 'RUNNING');
  });
});

describe('a date', () => {
  const scheduled = (): Harness => {
    const harness = new Harness(aFlow({ tasks: [log('a')] }));
    const event = harness.requested();
    if (event.kind !== 'execution-requested') throw new Error('Not a request');
    return harness.send({ ...event, created: { ...event.created, scheduleDate: harness.now + 60_000 } });
  };

  it('is waited for', () => {
    const harness = scheduled();
    expect([harness.executionState, harness.runs.length]).toEqual(['CREATED', 0]);
    expect(harness.state.dueAt).toBe(harness.now + 60_000);
    harness.now += 60_000;
    harness.send({ kind: 'wake' });
    expect(harness.executionState).toBe('SUCCESS');
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('is not waited for when the execution is forced to run, or killed', () => {
    const forced = scheduled();
    expect(operate(forced, { kind: 'force-run' })).toEqual(ACCEPTED);
    expect([forced.executionState, forced.state.dueAt]).toEqual(['SUCCESS', undefined]);
    const killed = kill(scheduled());
    expect([killed.executionState, killed.state.dueAt]).toEqual(['KILLED', undefined]);
    expect(operate(killed, { kind: 'restart' })).toEqual(ACCEPTED);
    expect(killed.executionState).toBe('SUCCESS');
  });
});

describe('a retry that makes a new execution', () => {
  const retry = { type: 'constant', interval: 'PT10S', maxAttempts: 2, behavior: 'CREATE_NEW_EXECUTION' } as const;

  it.each<[string, WrittenFlow]>([
    ['task', { tasks: [block('Parallel', 'p', [works('x', { retry }), works('y')]), log('z')] }],
    ['block', { tasks: [block('Parallel', 'p', [works('x'), works('y')], { retry }), log('z')] }],
    ['flow', { tasks: [block('Parallel', 'p', [works('x'), works('y')]), log('z')], retry, errors: [log('e')] }],
  ])('of a %s ends this one as RETRIED', (_where, flow) => {
    const harness = started(flow);
    const createdAt = harness.now;
    harness.now += 5_000;
    harness.answer(harness.claim('x'), failing);
    expect(harness.story).toBe('p:RETRIED x:RETRIED y:KILLED');
    expect(harness.executionState).toBe('RETRIED');
    expect(harness.state.dueAt).toBe(harness.now + 10_000);
    harness.now += 10_000;
    harness.send({ kind: 'wake' });
    expect(harness.state.dueAt).toBeUndefined();
    const sent = harness.effects.flatMap((effect) => (effect.kind === 'send-event' ? [effect.event] : []));
    expect(sent).toHaveLength(1);
    const [event] = sent;
    if (event?.kind !== 'execution-requested') throw new Error('No execution was asked for');
    expect(event).toMatchObject({
      executionId: event.created.executionId,
      created: { originalId: 'E', parentId: 'E', attemptNumber: 2, originalCreatedAt: createdAt },
      labels: [{ key: 'system.replay', value: 'true' }],
    });
    const next = new Harness(aFlow(flow)).send(event);
    next.answer(next.claim('x'), failing);
    expect(next.executionState).toBe('FAILED');
  });
});

describe('an operation', () => {
  it('that is repeated changes nothing and is answered again', () => {
    const harness = started({ tasks: [works('x')] });
    harness.answer(harness.claim(), failing);
    expect(operate(harness, { kind: 'restart' }, 'same')).toEqual(ACCEPTED);
    harness.answer(harness.claim(), failing);
    const before = JSON.stringify([...harness.records.map]);
    expect(operate(harness, { kind: 'restart' }, 'same')).toEqual(ACCEPTED);
    expect(JSON.stringify([...harness.records.map])).toBe(before);
    for (let more = 0; more < 12; more++) operate(harness, { kind: 'change-status', state: 'FAILED' });
    expect(harness.state.head.recentCommands).toHaveLength(10);
  });

  it('on an execution that does not exist, or was deleted, is refused as unknown', () => {
    const harness = new Harness(aFlow({ tasks: [works('x')] }));
    expect(operate(harness, { kind: 'restart' })).toMatchObject({ reason: 'unknown' });
    harness.start();
    expect(operate(harness, { kind: 'delete' }, 'gone')).toEqual(ACCEPTED);
    expect(operate(harness, { kind: 'delete' }, 'gone')).toEqual(ACCEPTED);
    expect(harness.state.head).toMatchObject({ deleted: true, state: 'KILLED', progress: { section: 'ended' } });
    expect([harness.story, harness.jobs.length]).toEqual(['x:KILLED', 0]);
    expect(operate(harness, { kind: 'restart' })).toMatchObject({ reason: 'unknown' });
  });

  it('that meets a fault of the engine leaves the execution as it was, and is answered', () => {
    const harness = kill(started({ tasks: [works('x')] }));
    const event = operationEvent(harness, { kind: 'restart' }, 'faulty');
    const { facts, effects } = failed(harness.state, event, new Error('Out of order'), harness.context);
    expect(facts).toEqual([]);
    expect(effects).toMatchObject([
      {
        kind: 'reply',
        reply: { outcome: { kind: 'refused', reason: 'conflict', message: expect.stringContaining('Out of order') } },
      },
    ]);
  });
});

// ── what may be done in which state ──────────────────────────────────────────────────────────────────────────────

type Situation = Exclude<State, 'SUBMITTED' | 'SKIPPED' | 'RESUBMITTED' | 'RESTARTED'>;

/** An execution in a state, with one task run of the task `x` where there can be one. */
const SITUATIONS: Readonly<Record<Situation, () => Harness>> = {
  CREATED: () => {
    const harness = new Harness(aFlow({ tasks: [works('x')] }));
    const event = harness.requested();
    if (event.kind !== 'execution-requested') throw new Error('Not a request');
    return harness.send({ ...event, created: { ...event.created, scheduleDate: harness.now + 60_000 } });
  },
  RUNNING: () => started({ tasks: [works('x')] }),
  PAUSED: () => started({ tasks: [{ id: 'x', type: 'core.flow.Pause' }, log('after')] }),
  QUEUED: () => {
    const harness = SITUATIONS.CREATED();
    // As the flow's slots answer.
    harness.apply([
      { kind: 'timer-set', name: 'start', at: undefined },
      { kind: 'execution-moved', to: 'QUEUED', at: harness.now },
    ]);
    return harness;
  },
  RETRYING: () => started({ tasks: [fails('x', { retry: { type: 'constant', interval: 'PT1H', maxAttempts: 2 } })] }),
  BREAKPOINT: () => {
    const harness = new Harness(aFlow({ tasks: [works('x')] }));
    const event = harness.requested();
    if (event.kind !== 'execution-requested') throw new Error('Not a request');
    return harness.send({ ...event, created: { ...event.created, breakpoints: [{ id: 'x' }] } });
  },
  KILLING: () => {
    const harness = started({ tasks: [works('x')] });
    harness.claim();
    return kill(harness);
  },
  SUCCESS: () => started({ tasks: [log('x')] }),
  WARNING: () => started({ tasks: [fails('x', { allowFailure: true })] }),
  FAILED: () => started({ tasks: [fails('x')] }),
  KILLED: () => kill(started({ tasks: [works('x')] })),
  CANCELLED: () => {
    const harness = started({ tasks: [fails('x')] });
    operate(harness, { kind: 'change-status', state: 'CANCELLED' });
    return harness;
  },
  RETRIED: () =>
    started({
      tasks: [
        fails('x', { retry: { type: 'constant', interval: 'PT1H', maxAttempts: 2, behavior: 'CREATE_NEW_EXECUTION' } }),
      ],
    }),
};

const NEVER_ENDED = ['CREATED', 'QUEUED', 'RUNNING', 'PAUSED', 'RETRYING', 'BREAKPOINT', 'KILLING'] as const;

/** In which states each operation is accepted; elsewhere it is a conflict. */
const ALLOWED: Readonly<
  Record<string, { operation: (harness: Harness) => ExecutionOperation; in: readonly string[] }>
> = {
  restart: { operation: () => ({ kind: 'restart' }), in: ['PAUSED', 'FAILED', 'KILLED', 'CANCELLED'] },
  replay: { operation: (harness) => ({ kind: 'replay', taskRunId: runId(harness) }), in: [] },
  'change-task-run-state': {
    operation: (harness) => ({ kind: 'change-task-run-state', taskRunId: runId(harness), state: 'SUCCESS' }),
    in: ['SUCCESS', 'WARNING', 'FAILED', 'CANCELLED', 'RETRIED'],
  },
  'change-status': {
    operation: () => ({ kind: 'change-status', state: 'WARNING' }),
    in: ['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED', 'RETRIED'],
  },
  'set-labels': {
    operation: () => ({ kind: 'set-labels', labels: [] }),
    in: ['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED', 'RETRIED'],
  },
  'add-labels': { operation: () => ({ kind: 'add-labels', labels: [] }), in: Object.keys(SITUATIONS) },
  'force-run': { operation: () => ({ kind: 'force-run' }), in: NEVER_ENDED },
  unqueue: { operation: () => ({ kind: 'unqueue', state: 'RUNNING' }), in: ['QUEUED'] },
  delete: { operation: () => ({ kind: 'delete' }), in: Object.keys(SITUATIONS) },
  pause: { operation: () => ({ kind: 'pause' }), in: ['RUNNING'] },
  resume: { operation: () => ({ kind: 'resume', given: {} }), in: ['PAUSED', 'BREAKPOINT'] },
};

const runId = (harness: Harness): string => harness.runs[0]?.id ?? 'none';

describe.each(Object.entries(ALLOWED))('%s', (name, { operation, in: allowed }) => {
  it.each(Object.entries(SITUATIONS))('of an execution that is %s', (state, make) => {
    const harness = make();
    expect(harness.executionState).toBe(state);
    const before = JSON.stringify([...harness.records.map]);
    const outcome = operate(harness, operation(harness));
    if (allowed.includes(state)) {
      expect(outcome).toEqual(ACCEPTED);
      expect(harness.state.head.recentCommands?.length).toBeGreaterThan(0);
    } else {
      // A replay is for a copy, so a scheduled execution without task runs has none by that name.
      const reason = name === 'replay' && state === 'CREATED' ? 'unknown' : 'conflict';
      expect(outcome).toMatchObject({ kind: 'refused', reason, message: expect.stringMatching(/\w+ \w+/) });
      expect(JSON.stringify([...harness.records.map])).toBe(before);
    }
  });
});

describe('a kill', () => {
  it.each(NEVER_ENDED)('ends an execution that is %s', (state) => {
    const harness = kill(SITUATIONS[state]());
    if (state === 'KILLING') harness.send({ kind: 'instance-lost', instance: 'worker-1' });
    expect(harness.executionState).toBe('KILLED');
    expect(harness.runs.every((run) => isTerminal(run.state))).toBe(true);
    expect(harness.state.head).toMatchObject({ retrying: 0, claims: {}, progress: { active: 0, section: 'ended' } });
    expect(harness.state.dueAt).toBeUndefined();
  });
});

describe('an execution that waits for a slot', () => {
  it.each(['RUNNING', 'CANCELLED', 'FAILED', 'KILLED'] as const)('leaves the queue as %s', (state) => {
    const harness = SITUATIONS.QUEUED();
    expect(operate(harness, { kind: 'unqueue', state })).toEqual(ACCEPTED);
    expect(harness.executionState).toBe(state);
    expect(harness.story).toBe(state === 'RUNNING' ? 'x:SUBMITTED' : '');
    if (state === 'RUNNING') expect(harness.finish().executionState).toBe('SUCCESS');
    else expect(harness.state.head.progress.section).toBe('ended');
  });

  it('runs when it is forced to', () => {
    const harness = SITUATIONS.QUEUED();
    operate(harness, { kind: 'force-run' });
    expect(harness.finish().executionState).toBe('SUCCESS');
  });

  it('cannot leave it in another way', () => {
    expect(operate(SITUATIONS.QUEUED(), { kind: 'unqueue', state: 'PAUSED' })).toMatchObject({ reason: 'invalid' });
  });
});

describe('restart of tasks that wait or repeat', () => {
  it('lets a paused execution go on', () => {
    const harness = SITUATIONS.PAUSED();
    operate(harness, { kind: 'restart' });
    expect(history(harness)).toBe('CREATED RUNNING PAUSED RESTARTED RUNNING SUCCESS');
    expect(harness.story).toBe('x:SUCCESS after:SUCCESS');
    expect(harness.state.head).not.toHaveProperty('paused');
  });

  it('forgets what waited while somebody had paused the execution', () => {
    const harness = started({
      tasks: [block('Parallel', 'p', [works('a'), works('b')], { errors: [log('e')] }), log('z')],
    });
    const [a, b] = [harness.claim('a'), harness.claim('b')];
    operate(harness, { kind: 'pause' });
    harness.answer(a, failing);
    harness.answer(b, { state: 'SUCCESS' });
    expect([harness.executionState, harness.story]).toEqual(['PAUSED', 'p:RUNNING a:FAILED b:SUCCESS']);
    expect(operate(harness, { kind: 'restart' })).toEqual(ACCEPTED);
    expect(harness.state.head).not.toHaveProperty('hold');
    harness.finish();
    expect(harness.executionState).toBe('SUCCESS');
    expect(sorted(harness.story)).toEqual(sorted('p:SUCCESS a:SUCCESS b:SUCCESS z:SUCCESS'));
  });

  it('pauses again after a kill, or when nobody came in time', () => {
    const killed = kill(SITUATIONS.PAUSED());
    operate(killed, { kind: 'restart' });
    expect([killed.executionState, killed.run('x').state]).toEqual(['PAUSED', 'PAUSED']);
    const late = started({ tasks: [{ id: 'x', type: 'core.flow.Pause', timeout: 'PT1M' }] });
    late.now += 60_000;
    late.send({ kind: 'wake' });
    expect(late.executionState).toBe('FAILED');
    operate(late, { kind: 'restart' });
    expect([late.executionState, late.run('x').attempts.length]).toEqual(['PAUSED', 2]);
  });

  const loop = (more: object): WrittenFlow => ({
    tasks: [
      {
        id: 'l',
        type: 'core.flow.LoopUntil',
        condition: '{{ outputs.l.iterationCount >= 2 }}',
        checkFrequency: { interval: 'PT1S', ...more },
        failOnMaxReached: true,
        tasks: [works('a')],
      },
    ],
  });

  it('runs the round of a loop again in which something failed', () => {
    const harness = started(loop({}));
    harness.answer(harness.claim(), failing);
    operate(harness, { kind: 'restart' });
    harness.finish();
    expect(harness.executionState).toBe('SUCCESS');
    expect(harness.run('l').outputs).toMatchObject({ iterationCount: 2 });
  });

  it('begins a loop anew that had reached its maximum', () => {
    const harness = started(loop({ maxIterations: 1 })).finish();
    expect(harness.executionState).toBe('FAILED');
    operate(harness, { kind: 'restart' });
    expect(harness.story).toBe('l:RUNNING a:SUBMITTED');
    expect(harness.run('l').outputs).toMatchObject({ iterationCount: 1 });
    expect(harness.finish().executionState).toBe('FAILED');
  });

  it('runs a WorkingDirectory again as a whole', () => {
    const harness = started({
      tasks: [block('WorkingDirectory', 'w', [works('a')], { finally: [log('f')] }), log('b')],
    });
    harness.answer(harness.claim(), failing);
    expect(harness.executionState).toBe('FAILED');
    operate(harness, { kind: 'restart' });
    expect(harness.story).toBe('w:SUBMITTED');
    harness.finish();
    expect(harness.executionState).toBe('SUCCESS');
    expect(harness.story).toBe('w:SUCCESS f:SUCCESS b:SUCCESS');
  });

  it('runs what failed in a Dag again, then what waited for it', () => {
    const harness = started({
      tasks: [
        {
          id: 'd',
          type: 'core.flow.Dag',
          tasks: [
            { task: works('a') },
            { task: works('b') },
            { task: works('c'), dependsOn: ['a', 'b'] },
            { task: works('e'), dependsOn: ['b'] },
          ],
        },
      ],
    });
    harness.answer(harness.claim('b'), { state: 'SUCCESS' });
    harness.answer(harness.claim('a'), failing);
    expect(harness.executionState).toBe('FAILED');
    operate(harness, { kind: 'restart' });
    harness.finish();
    expect(harness.executionState).toBe('SUCCESS');
    expect(sorted(harness.story)).toEqual(sorted('d:SUCCESS a:SUCCESS b:SUCCESS c:SUCCESS e:SUCCESS'));
  });

  it('measures agreements from the restart', () => {
    const harness = started({
      tasks: [works('a')],
      sla: [{ id: 'quick', type: 'MAX_DURATION', duration: 'PT1M', behavior: 'FAIL' }],
    });
    harness.now += 50_000;
    harness.answer(harness.claim(), failing);
    expect(harness.state.dueAt).toBeUndefined();
    harness.now += 50_000;
    operate(harness, { kind: 'restart' });
    expect(harness.state.dueAt).toBe(harness.now + 60_000);
    expect(harness.finish().executionState).toBe('SUCCESS');
  });
});

describe('show', () => {
  /** Ids of the records that it writes; it leaves each as it is. */
  function shown(harness: Harness): readonly string[] {
    const before = new Map(harness.records.map);
    const known = harness.facts.length;
    expect(operate(harness, { kind: 'show' })).toEqual(ACCEPTED);
    expect(harness.records.map).toEqual(before);
    return harness.facts.slice(known).flatMap((fact) => (fact.kind === 'records-shown' ? fact.ids : []));
  }

  it('writes every record again and changes none, running or ended, as often as it is asked for', () => {
    const harness = started({ tasks: [log('a'), works('b')] });
    expect([...shown(harness)].sort()).toEqual([...harness.records.map.keys()].sort());
    harness.finish();
    for (const _again of [1, 2]) expect([...shown(harness)].sort()).toEqual([...harness.records.map.keys()].sort());
  });

  it('writes those of a large execution piece by piece, each once', () => {
    const harness = started({
      tasks: [block('ForEach', 'each', [log('a')], { values: Array.from({ length: 450 }, String) })],
    });
    const written = shown(harness);
    expect(new Set(written)).toEqual(new Set(harness.records.map.keys()));
    expect(written).toHaveLength(harness.records.map.size);
  });

  it('is refused for an execution that was deleted', () => {
    const harness = started({ tasks: [log('a')] });
    operate(harness, { kind: 'delete' });
    expect(operate(harness, { kind: 'show' })).toMatchObject({ kind: 'refused', reason: 'unknown' });
  });
});
