import * as fc from 'fast-check';
import { randomFlow } from '@millrace/testing';
import { isTerminal, type ExecutionRecord, type JobOutcome, type PlainObject, type State } from '@millrace/model';
import { copyForReplay, snapshotParts, type CopyWish } from '../src/index.js';
import { aFlow, block, fails, Harness, log, returns, works, type WrittenFlow } from './harness.js';

/** A copy of what a harness has, in a harness of its own that runs `flow`; nothing has been asked of it yet. */
function copied(
  source: Harness,
  wish: Partial<CopyWish> = {},
  flow = source.flow,
): { copy: Harness; idOf(id: string): string } {
  const copy = new Harness(flow, source.inputs);
  const { records, head, idOf } = copyForReplay(source.records.map, {
    kind: 'replay',
    executionId: 'C',
    at: source.now,
    plan: copy.plan,
    ...wish,
  });
  for (const part of snapshotParts(records, head, 'snapshot')) {
    expect(JSON.stringify(part).length).toBeLessThan(500_000);
    copy.send(part);
  }
  return { copy, idOf: (id) => idOf(id) ?? 'none' };
}

const operated = (harness: Harness, operation: 'restart' | { readonly taskRunId: string }): string => {
  harness.send({
    kind: 'operation-requested',
    tenant: 'main',
    executionId: 'C',
    commandId: 'command',
    replyTo: 'webserver',
    at: harness.now,
    operation: operation === 'restart' ? { kind: 'restart' } : { kind: 'replay', ...operation },
  });
  const replies = harness.effects.flatMap((effect) => (effect.kind === 'reply' ? [effect.reply.outcome.kind] : []));
  return replies.at(-1) ?? 'nothing';
};

const endedAs = (flow: WrittenFlow, outcome: (taskId: string) => JobOutcome['state'] = () => 'SUCCESS'): Harness =>
  new Harness(aFlow(flow)).start().finish((job) => ({ state: outcome(job.task.id) }));

const replayed = (source: Harness, taskId: string, value?: string): Harness => {
  const { copy, idOf } = copied(source);
  expect(operated(copy, { taskRunId: idOf(source.run(taskId, value).id) })).toBe('accepted');
  return copy.finish();
};

describe('a replay from a task run', () => {
  it('keeps what came before and removes what came after', () => {
    const source = endedAs({ tasks: [returns('a', 'one'), works('b'), log('c')], finally: [log('f')] });
    const { copy, idOf } = copied(source);
    expect(operated(copy, { taskRunId: idOf(source.run('b').id) })).toBe('accepted');
    expect(copy.story).toBe('a:SUCCESS b:SUBMITTED');
    expect(copy.run('a')).toMatchObject({
      outputs: { value: 'one' },
      executionId: 'C',
      attempts: [{ state: 'SUCCESS' }],
    });
    copy.finish();
    expect(copy.story).toBe('a:SUCCESS b:SUCCESS c:SUCCESS f:SUCCESS');
    expect(copy.state.head).toMatchObject({ state: 'SUCCESS', originalId: 'E', parentId: 'E', attemptNumber: 1 });
    expect(source.story).toBe('a:SUCCESS b:SUCCESS c:SUCCESS f:SUCCESS');
  });

  it('goes on in the owners around it', () => {
    const source = endedAs({
      tasks: [
        block('ForEach', 'l', [block('Sequential', 's', [works('a'), works('b')]), works('c')], { values: ['1', '2'] }),
        log('d'),
      ],
    });
    const copy = replayed(source, 'a', undefined);
    expect(copy.executionState).toBe('SUCCESS');
    expect(copy.runs.filter(({ taskId }) => taskId === 'b')).toHaveLength(2);
    expect(copy.runs.filter(({ taskId }) => taskId === 'd')).toHaveLength(1);
    expect(
      copy.runs
        .filter(({ attempts }) => attempts.length === 2)
        .map(({ taskId }) => taskId)
        .sort(),
    ).toEqual(['a', 'l', 's'].sort());
  });

  it('begins a task with children anew', () => {
    const source = endedAs({ tasks: [block('ForEach', 'l', [works('a')], { values: ['1', '2'] })] });
    const copy = replayed(source, 'l');
    expect(copy.story).toBe('l:SUCCESS a[1]:SUCCESS a[2]:SUCCESS');
    expect(copy.run('a').attempts).toHaveLength(1);
  });

  it('runs what depends on it in a Dag again, and nothing else', () => {
    const source = endedAs({
      tasks: [
        {
          id: 'd',
          type: 'core.flow.Dag',
          tasks: [
            { task: works('a') },
            { task: works('b') },
            { task: works('x'), dependsOn: ['a'] },
            { task: works('y'), dependsOn: ['b'] },
            { task: works('z'), dependsOn: ['x', 'y'] },
          ],
        },
      ],
    });
    const { copy, idOf } = copied(source);
    operated(copy, { taskRunId: idOf(source.run('a').id) });
    expect(copy.story).toBe('d:RUNNING a:SUBMITTED b:SUCCESS y:SUCCESS');
    copy.finish();
    expect(copy.executionState).toBe('SUCCESS');
    expect(copy.runs.map(({ taskId, attempts }) => `${taskId}:${attempts.length}`).sort()).toEqual([
      'a:2',
      'b:1',
      'd:2',
      'x:1',
      'y:1',
      'z:1',
    ]);
  });

  it('of an execution that still runs restarts what had not ended', () => {
    const source = new Harness(aFlow({ tasks: [block('Parallel', 'p', [log('a'), works('b'), works('c')])] })).start();
    source.claim('b');
    const copy = replayed(source, 'a');
    expect(copy.executionState).toBe('SUCCESS');
    expect(copy.runs.map(({ taskId, state }) => `${taskId}:${state}`).sort()).toEqual([
      'a:SUCCESS',
      'b:SUCCESS',
      'c:SUCCESS',
      'p:SUCCESS',
    ]);
    expect(copy.state.head.claims).toEqual({});
    expect(source.run('b').state).toBe('RUNNING');
  });

  it('is refused for an execution that is no copy', () => {
    const source = endedAs({ tasks: [log('a')] });
    expect(operated(source, { taskRunId: source.run('a').id })).toBe('refused');
  });
});

describe('a copy', () => {
  it('takes other inputs and breakpoints, and drops what belongs to its source alone', () => {
    const source = endedAs({ tasks: [fails('a')] });
    source.state.putHead({
      ...source.state.head,
      labels: [
        { key: 'system.replayed', value: 'true' },
        { key: 'a', value: 'b' },
      ],
    });
    const { copy } = copied(source, { inputs: { x: 1 }, breakpoints: [{ id: 'a' }] });
    expect(copy.state.created).toMatchObject({ inputs: { x: 1 }, breakpoints: [{ id: 'a' }], executionId: 'C' });
    expect(copy.state.head).toMatchObject({
      state: 'CREATED',
      labels: [
        { key: 'a', value: 'b' },
        { key: 'system.replay', value: 'true' },
      ],
    });
  });

  it('is sent in parts, the head last', () => {
    const records = new Map<string, ExecutionRecord>();
    const source = endedAs({ tasks: [returns('a', 'x'.repeat(300_000)), returns('b', 'x'.repeat(300_000))] });
    for (const [id, record] of source.records.map) records.set(id, record);
    const parts = snapshotParts(records, source.state.head, 'snapshot');
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map((part) => 'head' in part.records)).toEqual([...parts.slice(1).map(() => false), true]);
  });

  it('that comes twice is taken once', () => {
    const source = endedAs({ tasks: [log('a'), works('b')] });
    const { copy, idOf } = copied(source);
    operated(copy, { taskRunId: idOf(source.run('b').id) });
    const before = JSON.stringify([...copy.records.map]);
    const again = copyForReplay(source.records.map, { kind: 'replay', executionId: 'C', at: 0, plan: copy.plan });
    for (const part of snapshotParts(again.records, again.head, 'snapshot')) copy.send(part);
    expect(JSON.stringify([...copy.records.map])).toBe(before);
  });
});

describe('a restart with another revision', () => {
  const restarted = (source: Harness, tasks: readonly PlainObject[]): Harness => {
    const flow = { ...aFlow({ tasks }), revision: 2 };
    const { copy } = copied(source, { kind: 'restart' }, flow);
    expect(operated(copy, 'restart')).toBe('accepted');
    return copy.finish();
  };

  it('goes on where it failed, in the places of the new revision', () => {
    const source = endedAs({ tasks: [log('a'), works('x'), log('c')] }, () => 'FAILED');
    const copy = restarted(source, [log('new'), log('a'), works('x'), log('other'), log('c')]);
    expect(copy.story).toBe('a:SUCCESS x:SUCCESS other:SUCCESS c:SUCCESS');
    expect(copy.state.head).toMatchObject({ flowRevision: 2, attemptNumber: 2, parentId: 'E' });
  });

  it('leaves out what the new revision has elsewhere', () => {
    const source = endedAs({ tasks: [log('a'), block('Sequential', 's', [log('b'), works('x')])] }, () => 'FAILED');
    const copy = restarted(source, [log('a'), block('Sequential', 's', [log('b')]), works('x')]);
    expect(copy.story).toBe('a:SUCCESS s:SUCCESS b:SUCCESS x:SUCCESS');
  });

  it.each<[string, PlainObject, PlainObject]>([
    [
      'a Parallel with its tasks in another order',
      block('Parallel', 'p', [works('x'), log('a')]),
      block('Parallel', 'p', [log('new'), log('a'), works('x')]),
    ],
    [
      'a Dag, from its beginning',
      { id: 'p', type: 'core.flow.Dag', tasks: [{ task: log('a') }, { task: works('x'), dependsOn: ['a'] }] },
      {
        id: 'p',
        type: 'core.flow.Dag',
        tasks: [{ task: log('new') }, { task: log('a') }, { task: works('x'), dependsOn: ['a'] }],
      },
    ],
  ])('finds its way in %s', (_what, before, after) => {
    const copy = restarted(
      endedAs({ tasks: [before] }, () => 'FAILED'),
      [after],
    );
    expect(copy.executionState).toBe('SUCCESS');
    expect(copy.run('x').state).toBe('SUCCESS');
    expect(copy.run('a').state).toBe('SUCCESS');
  });
});

it('any execution can be replayed from any of its task runs', () => {
  const outcome = fc.constantFrom<JobOutcome['state']>('SUCCESS', 'SUCCESS', 'FAILED', 'WARNING');
  fc.assert(
    fc.property(
      randomFlow,
      fc.array(outcome, { maxLength: 20 }),
      fc.nat(1_000),
      fc.nat(30),
      (flow, outcomes, draw, stopAt) => {
        const answers = [...outcomes];
        const source = new Harness(aFlow(flow)).start();
        let answered = 0;
        source.finish(() => {
          if (++answered === stopAt) source.send({ kind: 'kill-requested', tenant: 'main', executionId: 'E' });
          return { state: answers.shift() ?? 'SUCCESS' };
        });
        const beside = (id: string): boolean => {
          const run = source.state.run(id);
          if (!run) return false;
          return run.section !== 'tasks' || (run.parentId !== undefined && beside(run.parentId));
        };
        const runs = source.runs.filter(({ id }) => !beside(id));
        const target = runs[draw % Math.max(runs.length, 1)];
        if (!target) return;
        const { copy, idOf } = copied(source);
        expect(operated(copy, { taskRunId: idOf(target.id) })).toBe('accepted');
        copy.finish();
        expect(copy.state.head.failure).toBeUndefined();
        expect(isTerminal(copy.executionState as State)).toBe(true);
        expect(copy.runs.filter(({ state }) => !isTerminal(state))).toEqual([]);
        expect(copy.state.head).toMatchObject({ claims: {}, retrying: 0, progress: { section: 'ended', active: 0 } });
        expect(copy.state.head.sequence - (copy.state.head.removed ?? 0)).toBe(copy.runs.length);
      },
    ),
    { numRuns: 300 },
  );
});
