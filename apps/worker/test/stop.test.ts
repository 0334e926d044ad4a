import { aJob, settle, startWorker, stopWorkers, VirtualClock } from './support.js';
import { gate, pluginOf, untilStopped } from './plugins.js';
import type { WorkerCommand } from '@millrace/model';

afterEach(stopWorkers);

const task = { type: 'test.Task' };

describe('A kill', () => {
  const killOf = (
    job: ReturnType<typeof aJob>,
    rest: Partial<Extract<WorkerCommand, { kind: 'kill-job' }>> = {},
  ): WorkerCommand => ({
    kind: 'kill-job',
    tenant: job.tenant,
    executionId: job.executionId,
    taskRunId: job.taskRunId,
    attempt: job.attempt,
    ...rest,
  });

  it.each([
    ['without a token', false, 'worker-1'],
    ['with the token of the claim', true, 'worker-1'],
    ['to the whole group', false, 'default'],
  ])('%s stops the attempt', async (_, withToken, key) => {
    const { queue, submit, command } = await startWorker({ plugins: [pluginOf(untilStopped)] });
    const job = aJob(task);
    await submit(job);
    const { token } = await queue.event('job-claimed');
    await settle();
    await command(killOf(job, withToken ? { token } : {}), key);
    expect((await queue.event('job-ended')).outcome).toEqual({ state: 'KILLED' });
  });

  it.each([
    ['another claim', { token: 'another' }],
    ['another attempt', { attempt: 2 }],
    ['another task run', { taskRunId: 'another' }],
    ['another execution', { executionId: 'another' }],
    ['another tenant', { tenant: 'another' }],
  ])('of %s changes nothing', async (_, other) => {
    const go = gate();
    const { queue, submit, command } = await startWorker({
      plugins: [pluginOf(({ signal }) => go.opened.then(() => ({ outputs: { stopped: signal.aborted } })))],
    });
    const job = aJob(task);
    await submit(job);
    await queue.event('job-claimed');
    await command(killOf(job, other));
    await settle();
    go.open();
    expect((await queue.event('job-ended')).outcome).toEqual({ state: 'SUCCESS', outputs: { stopped: false } });
  });

  it('of a task that does not stop is reported after the grace, and its slot is free when it is gone', async () => {
    const clock = new VirtualClock();
    const started = gate();
    const go = gate();
    const stubborn = pluginOf(async () => {
      started.open();
      await go.opened;
      return {};
    });
    const { queue, submit, command } = await startWorker({ clock, slots: 1, plugins: [stubborn] });
    const job = aJob(task);
    await submit(job);
    await started.opened;
    await command(killOf(job));
    await submit(aJob({ type: 'core.debug.Return', format: 'next' }));
    await clock.advance(7_999);
    expect(queue.events('job-ended')).toEqual([]);

    await clock.advance(2);
    expect((await queue.event('job-ended')).outcome).toEqual({ state: 'KILLED' });
    expect(queue.logs).toContainEqual(
      expect.objectContaining({
        level: 'WARN',
        message: 'The task does not stop; its slot stays occupied until it does',
      }),
    );
    expect(queue.events('job-claimed')).toHaveLength(1);

    go.open();
    await queue.event('job-ended', ({ outcome }) => outcome.outputs?.['value'] === 'next');
    expect(queue.events('job-ended')).toHaveLength(2);
  });
});

describe('A timeout', () => {
  it('stops the attempt, which has then failed', async () => {
    const clock = new VirtualClock();
    const { queue, submit } = await startWorker({ clock, plugins: [pluginOf(untilStopped)] });
    await submit(aJob({ ...task, timeout: '{{ inputs.limit }}' }, { variables: { inputs: { limit: 'PT1H' } } }));
    await queue.event('job-claimed');
    await clock.timerSet(3_600_000);
    await clock.advance(3_600_000);
    expect((await queue.event('job-ended')).outcome).toEqual({
      state: 'FAILED',
      error: 'The task timed out after PT1H',
    });
    expect(queue.logs).toMatchObject([{ level: 'ERROR', message: 'The task timed out after PT1H' }]);
  });

  it('that is no duration fails the task', async () => {
    const { outcome } = await startWorker();
    expect(await outcome(aJob({ type: 'core.log.Log', message: 'x', timeout: '{{ 5 }}' }))).toMatchObject({
      error: "Property 'timeout' must be a duration such as PT5S, but is '5'",
    });
  });
});

describe('A worker that is told to stop', () => {
  it('lets running tasks end and takes no new ones', async () => {
    const started = gate();
    const go = gate();
    const plugin = pluginOf(async () => {
      started.open();
      await go.opened;
      return {};
    });
    const { queue, worker, submit } = await startWorker({ plugins: [plugin], slots: 2 });
    await submit(aJob(task));
    await started.opened;
    const stopped = worker.stop();
    await settle();
    await submit(aJob({ type: 'core.log.Log', message: 'late' }));
    go.open();
    await stopped;
    expect(queue.events('job-ended').map(({ outcome }) => outcome.state)).toEqual(['SUCCESS']);
    expect(queue.events('job-claimed')).toHaveLength(1);
    expect(queue.heartbeats).toMatchObject([
      { service: { state: 'RUNNING', freeSlots: 2 } },
      { service: { state: 'TERMINATING' } },
      { service: { state: 'TERMINATED_GRACEFULLY' } },
    ]);
  });

  it('hands back what has not ended in time, at once', async () => {
    const clock = new VirtualClock();
    const { queue, worker, submit } = await startWorker({ clock, plugins: [pluginOf(untilStopped)] });
    await submit(aJob(task));
    const { token } = await queue.event('job-claimed');
    const stopped = worker.stop();
    await clock.timerSet(30_000);
    await clock.advance(30_000);
    await stopped;
    expect(queue.events('job-handed-back')).toMatchObject([{ token, attempt: 1 }]);
    expect(queue.events('job-ended')).toEqual([]);
  });

  it('by command drains too', async () => {
    const { queue, command } = await startWorker();
    await command({ kind: 'drain', instance: 'worker-1' });
    await queue.until(() =>
      queue.heartbeats.find((event) => event.kind === 'heartbeat' && event.service.state === 'TERMINATED_GRACEFULLY'),
    );
  });
});

describe('A worker without a heartbeat', () => {
  it('takes no job past its lease, stops its tasks after the grace, and goes on when the queue answers', async () => {
    const clock = new VirtualClock();
    const { queue, submit } = await startWorker({ clock, plugins: [pluginOf(untilStopped)] });
    await submit(aJob(task));
    await queue.event('job-claimed');
    let reachable = false;
    queue.beforePublish = (records) => {
      if (!reachable && records[0]?.topic.name === 'service-events') throw new Error('unreachable');
    };
    await clock.advance(8_000);
    await submit(aJob({ type: 'core.debug.Return', format: 'later' }));
    await clock.advance(1_900);
    expect(queue.events('job-claimed')).toHaveLength(1);
    expect(queue.events('job-handed-back')).toEqual([]);

    await clock.advance(2_000);
    expect(queue.events('job-handed-back')).toHaveLength(1);
    expect(queue.events('job-claimed')).toHaveLength(1);

    reachable = true;
    await clock.advance(2_000);
    expect((await queue.event('job-ended')).outcome).toEqual({ state: 'SUCCESS', outputs: { value: 'later' } });
  });

  it('beats every two seconds and tells its group and free slots', async () => {
    const clock = new VirtualClock();
    const { queue } = await startWorker({ clock, slots: 3 });
    await clock.advance(4_000);
    expect(queue.heartbeats).toHaveLength(3);
    expect(queue.heartbeats[2]).toMatchObject({
      kind: 'heartbeat',
      service: { instance: 'worker-1', role: 'worker', group: 'default', slots: 3, freeSlots: 3 },
    });
  });
});
