import type { ExecutionEvent, Job, JobProgressed, PlainObject } from '@millrace/model';
import { ExecutionState } from '../src/index.js';
import { aFlow, block, claimOf, Harness, log, returns, works } from './harness.js';

const directory = (more: PlainObject = {}, children: readonly PlainObject[] = [works('a'), works('b')]) =>
  block('WorkingDirectory', 'w', children, more);

const oneDirectory = (more: PlainObject = {}, children?: readonly PlainObject[]): Harness =>
  new Harness(aFlow({ tasks: [directory(more, children), log('after')] })).start();

interface Claim {
  readonly job: Job;
  readonly token: string;
  readonly instance: string;
}

/** What a worker tells of its child number `index`. */
const progress = (
  { job, token, instance }: Claim,
  index: number,
  state: JobProgressed['child']['state'],
  more: Partial<JobProgressed['child']> = {},
): ExecutionEvent => {
  const child = job.children?.[index];
  if (!child) throw new Error(`The job has no child ${index}`);
  return {
    kind: 'job-progressed',
    tenant: job.tenant,
    executionId: job.executionId,
    taskRunId: job.taskRunId,
    attempt: job.attempt,
    token,
    instance,
    child: { taskRunId: child.taskRunId, taskId: child.task.id, index, state, attempt: 1, ...more },
    at: 0,
  };
};

const lost = (instance: string) => ({ kind: 'instance-lost', instance, tenant: 'main', executionId: 'E' }) as const;

describe('a WorkingDirectory', () => {
  it('is one job with its tasks, their ids, and the variables that they name', () => {
    const tasks = [
      returns('x', 'yes'),
      returns('y', 'no'),
      directory({ inputFiles: { 'in.txt': '{{ outputs.x.value }}' }, errors: [log('e')] }, [
        works('a', { duration: '{{ vars.wait }}', description: '{{ broken' }),
        works('off', { disabled: true }),
      ]),
    ];
    const [job, ...others] = new Harness(aFlow({ variables: { wait: 'PT1S', other: 1 }, tasks })).start().jobs;
    expect(others).toEqual([]);
    expect(job?.children?.map(({ task }) => task.id)).toEqual(['a']);
    expect(job?.variables).toMatchObject({ outputs: { x: { value: 'yes' } }, vars: { wait: 'PT1S' } });
    expect(job?.variables['outputs']).not.toHaveProperty('y');
    expect(job?.task).not.toHaveProperty('tasks');
    expect(job?.task).not.toHaveProperty('errors');
    expect(job).not.toHaveProperty('loopValues');
  });

  it('shows its children as its worker tells of them', () => {
    const harness = oneDirectory();
    const claim = harness.claim();
    harness.send(progress(claim, 0, 'RUNNING'));
    expect(harness.story).toBe('w:RUNNING a:RUNNING');
    expect(harness.run('a')).toMatchObject({
      id: claim.job.children?.[0]?.taskRunId,
      parentId: claim.job.taskRunId,
      attempts: [{ state: 'RUNNING', workerId: 'worker-1' }],
    });
    harness.send(progress(claim, 0, 'SUCCESS', { outputs: { n: 1 }, logFile: 'kestra:///log' }));
    harness.send(progress(claim, 1, 'SKIPPED'));
    expect(harness.story).toBe('w:RUNNING a:SUCCESS b:SKIPPED');
    expect(harness.run('a')).toMatchObject({ outputs: { n: 1 }, attempts: [{ logFile: 'kestra:///log' }] });
    harness.answer(claim, { state: 'SUCCESS', outputs: { outputFiles: {} } });
    expect(harness.story).toBe('w:SUCCESS a:SUCCESS b:SKIPPED after:SUCCESS');
    expect(harness.run('w')).toMatchObject({ outputs: { outputFiles: {} }, attempts: [{ state: 'SUCCESS' }] });
    expect(harness.executionState).toBe('SUCCESS');
    expect(harness.state.head.claims).toEqual({});
  });

  it('gives later tasks the outputs of its children', () => {
    const tasks = [directory(), returns('after', '{{ outputs.a.n }}')];
    const harness = new Harness(aFlow({ tasks })).start();
    const claim = harness.claim();
    harness.send(progress(claim, 0, 'SUCCESS', { outputs: { n: 7 } })).answer(claim, { state: 'SUCCESS' });
    expect(harness.run('after').outputs).toEqual({ value: '7' });
  });

  it.each([
    ['errors and finally follow a failure', 'FAILED', 'w:FAILED a:FAILED e:SUCCESS f:SUCCESS', 'FAILED'],
    ['finally follows a success', 'SUCCESS', 'w:SUCCESS a:SUCCESS f:SUCCESS after:SUCCESS', 'SUCCESS'],
    ['a warning stays one', 'WARNING', 'w:WARNING a:WARNING f:SUCCESS after:SUCCESS', 'WARNING'],
  ] as const)('%s', (_, state, story, executionState) => {
    const harness = oneDirectory({ errors: [log('e')], finally: [log('f')] });
    const claim = harness.claim();
    harness
      .send(progress(claim, 0, 'RUNNING'))
      .send(progress(claim, 0, state))
      .answer(claim, { state });
    expect(harness.story).toBe(story);
    expect(harness.executionState).toBe(executionState);
    expect(harness.run('w').attempts).toEqual([expect.objectContaining({ state })]);
    expect(harness.run('w').attempts[0]?.histories).toHaveLength(2);
  });

  it('fails when the worker could not prepare it, with no child that failed', () => {
    const harness = oneDirectory();
    harness.answer(harness.claim(), { state: 'FAILED', error: 'no such file' });
    expect(harness.story).toBe('w:FAILED');
    expect(harness.executionState).toBe('FAILED');
  });

  it('softens a child and itself', () => {
    const harness = oneDirectory({ allowFailure: true }, [works('a', { allowFailure: true }), works('b')]);
    const claim = harness.claim();
    harness
      .send(progress(claim, 0, 'FAILED'))
      .send(progress(claim, 1, 'FAILED'))
      .answer(claim, { state: 'FAILED' });
    expect(harness.story).toBe('w:WARNING a:WARNING b:FAILED after:SUCCESS');
    expect(harness.executionState).toBe('WARNING');
  });

  it('adds an attempt to a child that its worker tries again', () => {
    const retry = { type: 'constant', interval: 'PT1S', warningOnRetry: true };
    const harness = oneDirectory({}, [works('a', { retry })]);
    const claim = harness.claim();
    harness.send(progress(claim, 0, 'RUNNING')).send(progress(claim, 0, 'RUNNING', { attempt: 2 }));
    harness.send(progress(claim, 0, 'RUNNING', { attempt: 2 }));
    expect(harness.run('a').attempts.map(({ state }) => state)).toEqual(['FAILED', 'RUNNING']);
    harness.send(progress(claim, 0, 'SUCCESS', { attempt: 2 })).answer(claim, { state: 'WARNING' });
    expect(harness.story).toBe('w:WARNING a:WARNING after:SUCCESS');
  });

  it('is skipped, refused and left empty like any other task', () => {
    expect(oneDirectory({ runIf: 'false' }).story).toBe('w:SKIPPED after:SUCCESS');
    const refused = oneDirectory({ runIf: '{{ nothing.here }}' });
    expect(refused.story).toBe('w:FAILED');
    const empty = oneDirectory({}, [works('a', { disabled: true })]);
    expect(empty.finish().story).toBe('w:SUCCESS after:SUCCESS');
    const byWorker = oneDirectory({ runIf: "{{ read('kestra:///x') }}", finally: [log('f')] });
    expect(byWorker.finish(() => ({ state: 'SKIPPED' })).story).toBe('w:SKIPPED after:SUCCESS');
  });

  it('runs for each value of a loop', () => {
    const tasks = [block('ForEach', 'f', [directory()], { values: ['x', 'y'], concurrencyLimit: 0 })];
    const harness = new Harness(aFlow({ tasks })).start();
    expect(harness.jobs.map(({ loopValues }) => loopValues)).toEqual([['x'], ['y']]);
    const ids = harness.jobs.flatMap(({ children = [] }) => children.map(({ taskRunId }) => taskRunId));
    expect(new Set(ids).size).toBe(4);
    expect(harness.finish().executionState).toBe('SUCCESS');
  });
});

describe('a disturbed WorkingDirectory', () => {
  it('counts the word of the current claim only', () => {
    const harness = oneDirectory();
    const claim = harness.claim();
    harness.send(progress({ ...claim, token: 'another' }, 0, 'RUNNING'));
    harness.send({ ...progress(claim, 0, 'RUNNING'), attempt: 2 } as ExecutionEvent);
    expect(harness.story).toBe('w:RUNNING');
    harness.send(progress(claim, 0, 'SUCCESS')).send(progress(claim, 0, 'FAILED'));
    expect(harness.story).toBe('w:RUNNING a:SUCCESS');
    harness.answer(claim, { state: 'SUCCESS' }).send(progress(claim, 1, 'RUNNING'));
    expect(harness.story).toBe('w:SUCCESS a:SUCCESS after:SUCCESS');
  });

  it('begins anew on another worker when its own is lost; each child is counted once', () => {
    const harness = oneDirectory();
    const first = harness.claim();
    harness.send(progress(first, 0, 'SUCCESS', { outputs: { n: 1 } })).send(progress(first, 1, 'RUNNING'));
    const { generation } = harness.state.head;
    harness.send(lost('worker-1'));
    expect(harness.story).toBe('w:SUBMITTED');
    expect(harness.run('w')).toMatchObject({ resubmits: 1, attempts: [{ state: 'RESUBMITTED' }] });
    expect(harness.run('w').progress).toMatchObject({ active: 0, failed: 0 });
    expect(harness.state.head).toMatchObject({ generation: generation + 1, removed: 2 });

    const second = harness.claim(undefined, 'worker-2');
    expect(second.job.attempt).toBe(2);
    expect(second.job.children?.[0]?.taskRunId).not.toBe(first.job.children?.[0]?.taskRunId);
    // What the lost worker still says meets nothing.
    harness.send(progress(first, 1, 'SUCCESS')).answer(first, { state: 'FAILED' });
    expect(harness.story).toBe('w:RUNNING');
    harness.send(progress(second, 0, 'SUCCESS')).send(progress(second, 1, 'SUCCESS'));
    harness.answer(second, { state: 'SUCCESS' });
    expect(harness.story).toBe('w:SUCCESS a:SUCCESS b:SUCCESS after:SUCCESS');
    const { head } = harness.state;
    expect(head.sequence - (head.removed ?? 0)).toBe(harness.runs.length);
  });

  it('fails when it loses its workers too often, and runs its errors', () => {
    const harness = oneDirectory({ errors: [log('e')], retry: { type: 'constant', interval: 'PT1S' } });
    for (let loss = 0; loss < 4; loss++) {
      const claim = harness.claim(undefined, `worker-${loss}`);
      harness.send(progress(claim, 0, 'RUNNING')).send(lost(claim.instance));
    }
    expect(harness.run('w').state).toBe('FAILED');
    expect(harness.run('a').state).toBe('FAILED');
    expect(harness.run('e').state).toBe('SUCCESS');
    expect(harness.state.head.claims).toEqual({});
  });

  it('goes back whole when it was handed back', () => {
    const harness = oneDirectory();
    const claim = harness.claim();
    harness.send(progress(claim, 0, 'RUNNING'));
    const { tenant, executionId, taskRunId, attempt } = claim.job;
    harness.send({ kind: 'job-handed-back', tenant, executionId, taskRunId, attempt, token: claim.token });
    expect(harness.story).toBe('w:SUBMITTED');
    expect(harness.run('w').resubmits).toBeUndefined();
    expect(harness.finish().executionState).toBe('SUCCESS');
  });

  it('that was handed out twice begins anew when one of both has begun a child', () => {
    const harness = oneDirectory();
    const first = harness.claim();
    harness.send(progress(first, 0, 'RUNNING'));
    harness.send(claimOf(first.job, 'second', 'worker-2', 0));
    const killed = harness.effects.flatMap((effect) => (effect.kind === 'command-worker' ? [effect.command] : []));
    expect(killed).toEqual([
      expect.objectContaining({ token: first.token }),
      expect.objectContaining({ token: 'second' }),
    ]);
    expect(harness.story).toBe('w:SUBMITTED');
    expect(harness.finish().executionState).toBe('SUCCESS');
  });

  it('retries as a whole, with children of its own for each attempt', () => {
    const harness = oneDirectory({ retry: { type: 'constant', interval: 'PT1S', maxAttempts: 2 }, errors: [log('e')] });
    const first = harness.claim();
    harness
      .send(progress(first, 0, 'SUCCESS'))
      .send(progress(first, 1, 'FAILED'))
      .answer(first, { state: 'FAILED' });
    expect(harness.story).toBe('w:RETRYING a:SUCCESS b:FAILED');
    expect(harness.executionState).toBe('RETRYING');
    harness.now += 1_000;
    harness.send({ kind: 'wake' });
    expect(harness.story).toBe('w:SUBMITTED');
    const second = harness.claim();
    harness.send(progress(second, 0, 'FAILED')).answer(second, { state: 'FAILED' });
    expect(harness.story).toBe('w:FAILED a:FAILED e:SUCCESS');
    expect(harness.run('w').attempts.map(({ state }) => state)).toEqual(['FAILED', 'FAILED']);
  });

  it('is killed when its worker has confirmed it, with the children that run', () => {
    const harness = oneDirectory({ finally: [log('f')] });
    const claim = harness.claim();
    harness.send(progress(claim, 0, 'RUNNING'));
    harness.send({ kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    expect(harness.story).toBe('w:KILLING a:RUNNING');
    expect(harness.executionState).toBe('KILLING');
    harness.send(progress(claim, 1, 'RUNNING'));
    harness.answer(claim, { state: 'KILLED' });
    expect(harness.story).toBe('w:KILLED a:KILLED');
    expect(harness.executionState).toBe('KILLED');
  });

  it('that nobody has taken, and one whose finally runs, are killed at once', () => {
    const kill = { kind: 'kill-requested', tenant: 'main', executionId: 'E' } as const;
    const waiting = oneDirectory().send(kill);
    expect(waiting.story).toBe('w:KILLED');
    expect(waiting.jobs).toEqual([]);
    const ending = oneDirectory({ finally: [works('f')] });
    ending.answer(ending.claim(), { state: 'SUCCESS' }).send(kill);
    expect(ending.story).toBe('w:KILLED f:KILLED');
    expect(ending.executionState).toBe('KILLED');
  });

  it('is stopped with its Parallel, children included', () => {
    const tasks = [block('Parallel', 'p', [directory(), works('other')])];
    const harness = new Harness(aFlow({ tasks })).start();
    const claim = harness.claim('w');
    harness.send(progress(claim, 0, 'RUNNING'));
    harness.answer(harness.claim('other'), { state: 'FAILED' });
    expect(harness.story).toBe('p:FAILED w:FAILED other:FAILED a:FAILED');
    expect(harness.effects.at(-1)).toMatchObject({ kind: 'command-worker', command: { token: claim.token } });
  });

  it('is restored from its records in the middle', () => {
    const harness = oneDirectory();
    const claim = harness.claim();
    harness.send(progress(claim, 0, 'RUNNING'));
    harness.send(lost('worker-1'));
    const again = new Harness(harness.flow);
    for (const [id, record] of harness.records.map) again.records.map.set(id, record);
    again.state = new ExecutionState(again.records);
    again.jobs.push(...harness.jobs);
    expect(again.story).toBe('w:SUBMITTED');
    expect(again.finish().executionState).toBe('SUCCESS');
  });
});
