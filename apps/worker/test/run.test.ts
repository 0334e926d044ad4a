import { aJob, startWorker, stopWorkers } from './support.js';

afterEach(stopWorkers);

describe('A worker that runs a job', () => {
  it('claims it, runs it and publishes its result with attempt and token', async () => {
    const { queue, outcome } = await startWorker();
    const job = aJob(
      { type: 'core.debug.Return', format: 'Hello {{ inputs.name }}' },
      { variables: { inputs: { name: 'Ada' } } },
    );

    expect(await outcome(job)).toEqual({ state: 'SUCCESS', outputs: { value: 'Hello Ada' } });

    const claimed = await queue.event('job-claimed');
    const ended = await queue.event('job-ended');
    expect(claimed).toMatchObject({ instance: 'worker-1', attempt: 1, taskRunId: job.taskRunId });
    expect(ended).toMatchObject({ token: claimed.token, attempt: 1, executionId: 'execution1' });
    expect(queue.metrics).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'length', value: 9, taskId: 'a-task' })]),
    );
  });

  it('acknowledges the log before the result', async () => {
    const { queue, outcome } = await startWorker();
    await outcome(aJob({ type: 'core.log.Log', message: ['one', 'two'], level: 'WARN' }));
    expect(queue.logs).toMatchObject([
      { message: 'one', level: 'WARN', taskRunSequence: 3, lineNumber: 0 },
      { message: 'two', level: 'WARN', lineNumber: 1 },
    ]);
    const names = queue.committed.map(({ topic }) => topic);
    expect(names.lastIndexOf('logs')).toBeLessThan(names.lastIndexOf('execution-events'));
  });

  it.each([
    ['a failing task', { type: 'core.execution.Fail', errorMessage: 'no luck' }, 'FAILED', 'no luck'],
    [
      'an unknown type',
      { type: 'core.Nothing' },
      'FAILED',
      "This worker has no task type 'core.Nothing': install the plugin that brings it",
    ],
    [
      'a wrong property',
      { type: 'core.flow.Sleep', duration: '{{ 5 }}' },
      'FAILED',
      "Property 'duration' must be a duration such as PT5S, but is '5'",
    ],
    ['a missing property', { type: 'core.log.Log' }, 'FAILED', "Property 'message' is required"],
    [
      'an expression that is wrong',
      { type: 'core.log.Log', message: '{{ nobody }}' },
      'FAILED',
      expect.stringMatching(/^Property 'message' cannot be rendered: .*nobody/),
    ],
    ['a runIf that is false', { type: 'core.log.Log', message: 'x', runIf: '{{ 1 == 2 }}' }, 'SKIPPED', undefined],
    ['a runIf that is true', { type: 'core.log.Log', message: 'x', runIf: '{{ 1 == 1 }}' }, 'SUCCESS', undefined],
  ])('answers %s with the right state and a sentence', async (_, task, state, error) => {
    const { queue, outcome } = await startWorker();
    const ended = await outcome(aJob(task));
    expect(ended.state).toBe(state);
    expect(ended.error).toEqual(error);
    if (error !== undefined)
      expect(queue.logs).toContainEqual(expect.objectContaining({ level: 'ERROR', message: error }));
  });

  it('evaluates expressions without running the task', async () => {
    const { outcome } = await startWorker();
    const job = aJob(
      { type: 'core.flow.If' },
      {
        kind: 'evaluate',
        expressions: { condition: '{{ inputs.n > 3 }}', values: ['{{ inputs.n }}'] },
        variables: { inputs: { n: 5 } },
      },
    );
    expect(await outcome(job)).toEqual({ state: 'SUCCESS', evaluated: { condition: true, values: [5] } });
  });

  it('keeps only log entries of the task and above its level', async () => {
    const { queue, outcome } = await startWorker();
    await outcome(aJob({ type: 'core.log.Log', message: 'quiet', level: 'DEBUG' }));
    expect(queue.logs).toEqual([]);
  });
});
