import type { JobOutcome } from '@millrace/model';
import { DEFAULT_LIMITS } from '../src/index.js';
import { aFlow, block, claimOf, fails, Harness, log, resultOf, returns, works } from './harness.js';

const SUCCESS: JobOutcome = { state: 'SUCCESS', outputs: { n: 1 } };
const FAILED: JobOutcome = { state: 'FAILED', error: 'no' };
const oneJob = (more = {}): Harness => new Harness(aFlow({ tasks: [works('w', more), log('after')] })).start();

describe('a job', () => {
  it('carries the variables that its task names, and no others', () => {
    const tasks = [returns('a', 'x'), returns('b', 'y'), works('w', { duration: '{{ outputs.a.value }}' })];
    const [job] = new Harness(aFlow({ variables: { secret: 'big' }, tasks })).start().jobs;
    expect(Object.keys(job?.variables ?? {}).sort()).toEqual(['execution', 'flow', 'outputs', 'task', 'taskrun']);
    expect(job?.variables['outputs']).toEqual({ a: { value: 'x' } });
  });

  it('does not grow with its siblings', () => {
    const children = [
      returns('one', '{{ taskrun.value }}'),
      works('w', { duration: '{{ currentEachOutput(outputs.one).value }}' }),
    ];
    const harness = new Harness(
      aFlow({ tasks: [block('ForEach', 'f', children, { values: '{{ range(1, 200) }}', concurrencyLimit: 0 })] }),
    ).start();
    expect(harness.jobs).toHaveLength(200);
    expect(harness.jobs.at(-1)?.variables['outputs']).toEqual({ one: { '200': { value: '200' } } });
    expect(Math.max(...harness.jobs.map((job) => JSON.stringify(job).length))).toBeLessThan(1_500);
  });

  it('moves its task run when it is claimed and when it has ended', () => {
    const harness = oneJob();
    expect(harness.story).toBe('w:SUBMITTED');
    const claim = harness.claim();
    expect(harness.run('w')).toMatchObject({
      state: 'RUNNING',
      attempts: [{ state: 'RUNNING', workerId: 'worker-1' }],
    });
    expect(harness.state.head.claims).toEqual({ 'worker-1': 1 });
    harness.answer(claim, SUCCESS);
    expect(harness.story).toBe('w:SUCCESS after:SUCCESS');
    expect(harness.run('w')).toMatchObject({ outputs: { n: 1 }, attempts: [{ state: 'SUCCESS' }] });
    expect(harness.state.head.claims).toEqual({});
  });

  it('counts the result of the newest claim only', () => {
    const harness = oneJob();
    const [job] = harness.jobs;
    if (!job) throw new Error('no job');
    const first = harness.claim();
    harness.send(claimOf(job, 'token-b', 'worker-2', harness.now));
    expect(harness.effects).toContainEqual({
      kind: 'command-worker',
      instance: 'worker-1',
      command: expect.objectContaining({ token: first.token }),
    });
    harness.answer(first, SUCCESS);
    expect(harness.story).toBe('w:RUNNING');
    harness.send(resultOf(job, 'token-b', 'worker-2', SUCCESS, harness.now));
    expect(harness.story).toBe('w:SUCCESS after:SUCCESS');
    expect(harness.run('w').attempts).toHaveLength(1);
  });

  it('answers a claim that is not current with a kill', () => {
    const harness = oneJob();
    const claim = harness.claim();
    harness.answer(claim, SUCCESS);
    harness.send(claimOf(claim.job, 'late', 'worker-9', harness.now));
    expect(harness.effects.at(-1)).toMatchObject({
      kind: 'command-worker',
      instance: 'worker-9',
      command: { kind: 'kill-job', token: 'late' },
    });
  });

  it('is given to another worker when its own is lost', () => {
    const harness = oneJob();
    harness.claim();
    harness.send({ kind: 'instance-lost', instance: 'worker-1', tenant: 'main', executionId: 'E' });
    expect(harness.run('w')).toMatchObject({ state: 'SUBMITTED', resubmits: 1, attempts: [{ state: 'RESUBMITTED' }] });
    const again = harness.claim(undefined, 'worker-2');
    expect(again.job).toMatchObject({ attempt: 2, resubmits: 1 });
    harness.answer(again, SUCCESS);
    expect(harness.executionState).toBe('SUCCESS');
  });

  it('fails its task when it loses its worker too often', () => {
    const harness = oneJob({ retry: { type: 'constant', interval: 'PT1S' } });
    for (let loss = 0; loss < 4; loss++) {
      const { instance } = harness.claim(undefined, `worker-${loss}`);
      harness.send({ kind: 'instance-lost', instance, tenant: 'main', executionId: 'E' });
    }
    expect(harness.story).toBe('w:FAILED');
    expect(harness.logs.at(-1)?.message).toContain('may be what ends them');
  });

  it('is not counted as lost when it was handed back', () => {
    const harness = oneJob();
    for (let time = 0; time < 6; time++) {
      const { job, token } = harness.claim();
      harness.send({
        kind: 'job-handed-back',
        tenant: 'main',
        executionId: 'E',
        taskRunId: job.taskRunId,
        attempt: job.attempt,
        token,
      });
    }
    expect(harness.run('w').resubmits).toBeUndefined();
    expect(harness.finish(() => SUCCESS).executionState).toBe('SUCCESS');
  });

  it('evaluates expressions that the executor must not', () => {
    const tasks = [
      {
        id: 'i',
        type: 'core.flow.If',
        condition: "{{ read('kestra:///x') == 'yes' }}",
        then: [log('y')],
        else: [log('n')],
      },
    ];
    const harness = new Harness(aFlow({ tasks })).start();
    expect(harness.jobs).toMatchObject([
      { kind: 'evaluate', attempt: 0, expressions: { condition: expect.any(String) } },
    ]);
    harness.answer(harness.claim(), { state: 'SUCCESS', evaluated: { condition: true } });
    expect(`${harness.executionState}: ${harness.story}`).toBe('SUCCESS: i:SUCCESS y:SUCCESS');
  });

  it('fails its task when an expression cannot be evaluated', () => {
    const tasks = [{ id: 'i', type: 'core.flow.If', condition: "{{ read('x') }}", then: [log('y')] }];
    const harness = new Harness(aFlow({ tasks })).start();
    harness.answer(harness.claim(), FAILED);
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: i:FAILED');
  });

  it('evaluates runIf itself when the executor must not', () => {
    const harness = oneJob({ runIf: "{{ secret('x') }}" });
    expect(harness.jobs[0]?.task.runIf).toBeDefined();
    harness.answer(harness.claim(), { state: 'SKIPPED' });
    expect(harness.story).toBe('w:SKIPPED after:SUCCESS');
  });
});

describe('a retry', () => {
  it('waits, then makes a new attempt of the same task run', () => {
    const harness = new Harness(
      aFlow({ tasks: [fails('a', { retry: { type: 'constant', interval: 'PT5S', maxAttempts: 3 } })] }),
    ).start();
    expect(`${harness.executionState}: ${harness.story}`).toBe('RETRYING: a:RETRYING');
    expect(harness.state.dueAt).toBe(harness.now + 5_000);
    harness.now += 5_000;
    harness.send({ kind: 'wake' });
    expect(harness.run('a').attempts).toHaveLength(2);
    harness.finish();
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: a:FAILED');
    expect(harness.run('a').attempts).toHaveLength(3);
    expect(harness.state.head.retrying).toBe(0);
  });

  it('is a warning on success when that is wanted', () => {
    const harness = oneJob({ retry: { type: 'constant', interval: 'PT1S', warningOnRetry: true } });
    let attempts = 0;
    harness.finish(() => (++attempts < 3 ? FAILED : SUCCESS));
    expect(`${harness.executionState}: ${harness.story}`).toBe('WARNING: w:WARNING after:SUCCESS');
  });

  it('is taken from the nearest block that has one', () => {
    const harness = new Harness(
      aFlow({
        tasks: [
          block('Sequential', 's', [fails('a')], { retry: { type: 'constant', interval: 'PT1S', maxAttempts: 2 } }),
        ],
      }),
    )
      .start()
      .finish();
    expect(harness.run('a').attempts).toHaveLength(2);
    expect(harness.story).toBe('s:FAILED a:FAILED');
  });

  it('of one branch does not hold up the others', () => {
    const retry = { type: 'constant', interval: 'PT9S', maxAttempts: 2 };
    const harness = new Harness(
      aFlow({ tasks: [block('Parallel', 'p', [works('a', { retry }), works('b')])] }),
    ).start();
    harness.answer(harness.claim('a'), FAILED);
    harness.answer(harness.claim('b'), SUCCESS);
    expect(harness.story).toBe('p:RUNNING a:RETRYING b:SUCCESS');
    harness.finish(() => SUCCESS);
    expect(harness.executionState).toBe('SUCCESS');
  });

  it('is stopped with its block', () => {
    const retry = { type: 'constant', interval: 'PT9S' };
    const harness = new Harness(
      aFlow({
        tasks: [block('Parallel', 'p', [works('a', { retry }), works('b')], { allowFailure: true }), log('after')],
      }),
    ).start();
    harness.answer(harness.claim('a'), FAILED);
    harness.answer(harness.claim('b'), FAILED);
    expect(`${harness.executionState}: ${harness.story}`).toBe('WARNING: p:WARNING a:WARNING b:FAILED after:SUCCESS');
    expect(harness.state.head.retrying).toBe(0);
    expect(harness.state.dueAt).toBeUndefined();
  });
});

describe('a kill', () => {
  const parallel = (): Harness =>
    new Harness(
      aFlow({
        tasks: [
          block('Parallel', 'p', [
            works('a'),
            works('b'),
            fails('c', { retry: { type: 'constant', interval: 'PT9S' } }),
          ]),
        ],
        afterExecution: [log('x')],
      }),
    ).start();
  const kill = { kind: 'kill-requested', tenant: 'main', executionId: 'E' } as const;

  it('ends at once what no worker has, and waits for what one has', () => {
    const harness = parallel();
    const a = harness.claim('a');
    harness.send(kill);
    expect(`${harness.executionState}: ${harness.story}`).toBe('KILLING: p:RUNNING a:KILLING b:KILLED c:KILLED');
    expect(harness.jobs).toEqual([]);
    expect(harness.effects).toContainEqual({
      kind: 'command-worker',
      instance: 'worker-1',
      command: expect.objectContaining({ token: a.token }),
    });
    harness.answer(a, { state: 'KILLED' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('KILLED: p:KILLED a:KILLED b:KILLED c:KILLED x:SUCCESS');
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('is repeated until it is confirmed', () => {
    const harness = parallel();
    harness.claim('a');
    harness.send(kill);
    const told = harness.effects.length;
    harness.now = harness.state.dueAt ?? 0;
    harness.send({ kind: 'wake' });
    expect(harness.effects.slice(told)).toMatchObject([{ kind: 'command-worker' }]);
    expect(harness.state.dueAt).toBeGreaterThan(harness.now);
  });

  it('is confirmed by the loss of the worker', () => {
    const harness = parallel();
    harness.claim('a');
    harness.send(kill).send({ kind: 'instance-lost', instance: 'worker-1', tenant: 'main', executionId: 'E' });
    expect(harness.executionState).toBe('KILLED');
  });

  it('of an execution that has ended changes nothing', () => {
    const harness = new Harness(aFlow({ tasks: [log('a')] })).start();
    const facts = harness.facts.length;
    harness.send(kill);
    expect(harness.facts).toHaveLength(facts);
  });

  it('ends also when the values of a loop came meanwhile', () => {
    const each = { id: 'each', type: 'core.flow.ForEach', values: "{{ secret('x') }}", tasks: [log('a')] };
    const harness = new Harness(aFlow({ tasks: [block('Parallel', 'p', [each])] })).start();
    const claim = harness.claim('each');
    harness.send(kill).answer(claim, { state: 'SUCCESS', evaluated: { values: ['1'] } });
    expect(`${harness.executionState}: ${harness.story}`).toBe('KILLED: p:KILLED each:KILLED');
  });
});

describe('an execution', () => {
  it('that is asked for twice exists once', () => {
    const harness = new Harness(aFlow({ tasks: [works('w')] })).start().start();
    expect(harness.story).toBe('w:SUBMITTED');
  });

  it('whose flow is gone fails and says so', () => {
    const harness = new Harness(aFlow({ tasks: [works('w')] }));
    Object.defineProperty(harness, 'plan', { value: undefined });
    harness.start();
    expect(harness.state.head).toMatchObject({ state: 'FAILED', failure: "Revision 1 of flow 'test.flow' is gone" });
  });

  it('that passes its limit of task runs fails with a sentence, and nothing of it runs on', () => {
    const tasks = [block('ForEach', 'f', [works('w')], { values: '{{ range(1, 100) }}', concurrencyLimit: 0 })];
    const harness = new Harness(aFlow({ tasks }), {}, { ...DEFAULT_LIMITS, taskRuns: 60, outputBytes: 1_000 }).start();
    expect(harness.state.head).toMatchObject({
      state: 'FAILED',
      failure: expect.stringContaining('limit of 60 task runs'),
    });
    expect(harness.jobs).toEqual([]);
  });

  it('fails a task whose outputs are too large', () => {
    const harness = new Harness(
      aFlow({ tasks: [returns('a', '{{ range(1, 900) }}')] }),
      {},
      { ...DEFAULT_LIMITS, taskRuns: 60, outputBytes: 1_000 },
    ).start();
    expect(harness.story).toBe('a:FAILED');
    expect(harness.logs[0]?.message).toContain('larger than 1000 bytes');
  });

  it('evaluates its outputs at the end', () => {
    const outputs = [
      { id: 'n', type: 'INT' as const, value: '{{ outputs.a.value }}' },
      { id: 'l', value: '{{ [1, 2] }}' },
    ];
    const harness = new Harness(aFlow({ tasks: [returns('a', '3')], outputs })).start();
    expect(harness.state.head).toMatchObject({ state: 'SUCCESS', outputs: { n: 3, l: [1, 2] } });
  });

  it('fails when an output cannot be evaluated, unless it is not required', () => {
    const outputs = [
      { id: 'n', value: '{{ outputs.nope.value }}' },
      { id: 'o', value: '{{ nope }}', required: false },
    ];
    const harness = new Harness(aFlow({ tasks: [log('a')], outputs })).start();
    expect(harness.state.head).toMatchObject({ state: 'FAILED', failure: expect.stringContaining("Output 'n'") });
    expect(harness.state.head.outputs).toBeUndefined();
  });
});

describe('the cost of a fan-out', () => {
  const cost = (values: number): { steps: number; records: number; bytes: number } => {
    const tasks = [block('ForEach', 'f', [works('w')], { values: `{{ range(1, ${values}) }}`, concurrencyLimit: 0 })];
    const harness = new Harness(aFlow({ tasks })).start().finish(() => SUCCESS);
    expect(harness.executionState).toBe('SUCCESS');
    return {
      steps: harness.steps / values,
      records: harness.records.written / values,
      bytes: harness.records.bytesWritten / values,
    };
  };

  it('for each task run does not depend on how many there are', () => {
    const [small, large] = [cost(100), cost(2_000)];
    expect(large.records).toBeLessThanOrEqual(small.records * 1.05);
    expect(large.bytes).toBeLessThanOrEqual(small.bytes * 1.1);
    expect(large.steps).toBeLessThanOrEqual(small.steps * 1.05);
  });

  it('is three records for an event: the task run, its parent and the head', () => {
    const tasks = [block('ForEach', 'f', [works('w')], { values: '{{ range(1, 1000) }}', concurrencyLimit: 0 })];
    const harness = new Harness(aFlow({ tasks })).start();
    const before = harness.records.written;
    harness.answer(harness.claim(), SUCCESS);
    expect(harness.records.written - before).toBeLessThanOrEqual(5);
  });
});

describe('a task that needs internal storage', () => {
  it.each([{ taskCache: { enabled: true } }, { logToFile: true }])('goes to a worker: %j', (more) => {
    const harness = new Harness(aFlow({ tasks: [returns('r', 'x', more)] })).start();
    expect(harness.story).toBe('r:SUBMITTED');
    harness.finish(() => ({ state: 'SUCCESS', logFile: 'kestra:///log' }));
    expect(harness.run('r').attempts).toEqual([expect.objectContaining({ logFile: 'kestra:///log' })]);
  });

  it('does not, when its cache is off', () => {
    const more = { taskCache: { enabled: false }, logToFile: false };
    expect(new Harness(aFlow({ tasks: [returns('r', 'x', more)] })).start().story).toBe('r:SUCCESS');
  });
});
