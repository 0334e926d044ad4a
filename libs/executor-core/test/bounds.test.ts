import type { JobOutcome } from '@millrace/model';
import { DEFAULT_LIMITS } from '../src/index.js';
import { aFlow, block, fails, Harness, log, returns, works } from './harness.js';

const SUCCESS: JobOutcome = { state: 'SUCCESS', outputs: {} };
const FAILED: JobOutcome = { state: 'FAILED', error: 'no' };
const kill = { kind: 'kill-requested', tenant: 'main', executionId: 'E' } as const;

/** Characters of all records of an execution that are written again with its steps. */
const headSize = (harness: Harness): number => JSON.stringify(harness.state.head).length;

describe('an execution with many retries', () => {
  const retried = (values: number): Harness => {
    const task = works('w', { retry: { type: 'constant', interval: 'PT1S', maxAttempts: 2 } });
    const harness = new Harness(
      aFlow({ tasks: [block('ForEach', 'f', [task], { values: `{{ range(1, ${values}) }}` })] }),
    ).start();
    const seen = new Set<string>();
    return harness.finish((job) => {
      const first = !seen.has(job.taskRunId);
      seen.add(job.taskRunId);
      return first ? FAILED : SUCCESS;
    });
  };

  it('keeps a small head, and writes as much for each task run as a small one', () => {
    const [small, large] = [retried(50), retried(1_000)];
    expect(large.executionState).toBe('SUCCESS');
    expect(headSize(large)).toBeLessThan(10_000);
    expect(large.records.bytesWritten / 1_000).toBeLessThan(3 * (small.records.bytesWritten / 50));
    expect(large.state.head.histories.map(({ state }) => state).slice(0, 3)).toEqual([
      'CREATED',
      'RUNNING',
      'RETRYING',
    ]);
    expect(large.state.head.histories.at(-1)?.state).toBe('SUCCESS');
  });

  it('starts retries that are due together in parts', () => {
    const task = works('w', { retry: { type: 'constant', interval: 'PT1S', maxAttempts: 2 } });
    const harness = new Harness(
      aFlow({ tasks: [block('ForEach', 'f', [task], { values: '{{ range(1, 300) }}', concurrencyLimit: 0 })] }),
    ).start();
    while (harness.jobs.length > 0) harness.answer(harness.claim(), FAILED);
    expect(harness.state.head.retrying).toBe(300);
    harness.now += 1_000;
    harness.send({ kind: 'wake' });
    expect(harness.jobs).toHaveLength(50);
    expect(harness.state.dueAt).toBeLessThanOrEqual(harness.now);
    expect(harness.finish(() => SUCCESS).executionState).toBe('SUCCESS');
    expect(harness.state.head.retrying).toBe(0);
  });

  it('gives up after 500 attempts as after a limit of the flow', () => {
    const tasks = [fails('a', { retry: { type: 'constant', interval: 'PT1S' }, allowFailure: true }), log('b')];
    const harness = new Harness(aFlow({ tasks })).start().finish();
    expect(`${harness.executionState}: ${harness.story}`).toBe('WARNING: a:WARNING b:SUCCESS');
    expect(harness.run('a').attempts).toHaveLength(500);
  });

  it('is RUNNING again when what waited for a retry was stopped with its block', () => {
    const retry = { type: 'constant', interval: 'PT9S' };
    const harness = new Harness(
      aFlow({
        tasks: [block('Parallel', 'p', [works('a', { retry }), works('b')], { allowFailure: true }), works('after')],
      }),
    ).start();
    harness.answer(harness.claim('a'), FAILED);
    harness.answer(harness.claim('b'), FAILED);
    expect(harness.state.head).toMatchObject({ state: 'RUNNING', retrying: 0 });
  });
});

describe('what is too large', () => {
  const limits = { ...DEFAULT_LIMITS, outputBytes: 1_000, jobBytes: 2_000 };
  const story = (definition: Parameters<typeof aFlow>[0]): { story: string; log: string } => {
    const harness = new Harness(aFlow(definition), {}, limits).start().finish(() => SUCCESS);
    return {
      story: `${harness.executionState}: ${harness.story}`,
      log: harness.logs.map(({ message }) => message).join('\n'),
    };
  };

  it('variables of a job fail its task, so that allowFailure, errors and finally hold', () => {
    const wide = block('ForEach', 'f', [returns('r', 'x'.repeat(300))], { values: '{{ range(1, 10) }}' });
    const needy = works('w', { duration: '{{ outputs.r }}' });
    expect(story({ tasks: [wide, needy], errors: [log('e')], finally: [log('z')] }).story).toMatch(
      /^FAILED: .*w:FAILED e:SUCCESS z:SUCCESS$/,
    );
    const { story: allowed, log: lines } = story({ tasks: [wide, { ...needy, allowFailure: true }, log('after')] });
    expect(allowed).toMatch(/^WARNING: .*w:WARNING after:SUCCESS$/);
    expect(lines).toContain("The variables that 'w' names have");
  });

  it('a message is cut', () => {
    const harness = new Harness(
      aFlow({ tasks: [fails('a', { errorMessage: 'x'.repeat(1_000_000), allowFailure: true })] }),
    ).start();
    expect(harness.story).toBe('a:WARNING');
    expect(harness.logs[0]?.message.length).toBeLessThanOrEqual(16 * 1024);
  });

  it('the value of a Switch fails it', () => {
    const tasks = [{ id: 's', type: 'core.flow.Switch', value: 'x'.repeat(5_000), defaults: [log('d')] }];
    expect(story({ tasks, finally: [log('z')] }).story).toBe('FAILED: s:FAILED z:SUCCESS');
  });

  it('outputs of the flow fail it, after which afterExecution runs', () => {
    const harness = new Harness(
      aFlow({ tasks: [log('a')], outputs: [{ id: 'o', value: '{{ range(1, 900) }}' }], afterExecution: [log('x')] }),
      {},
      limits,
    ).start();
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: a:SUCCESS x:SUCCESS');
    expect(harness.state.head.failure).toContain('larger than 1000 bytes');
  });
});

describe('what a worker evaluated', () => {
  it('is not written again with each child', () => {
    const tasks = [block('ForEach', 'f', [works('w')], { values: "{{ read('kestra:///x') }}" })];
    const harness = new Harness(aFlow({ tasks })).start();
    harness.answer(harness.claim('f'), { state: 'SUCCESS', evaluated: { values: ['a', 'b', 'c'] } });
    expect(harness.run('f').evaluated).toBeUndefined();
    expect(harness.finish(() => SUCCESS).story).toBe('f:SUCCESS w[a]:SUCCESS w[b]:SUCCESS w[c]:SUCCESS');
  });

  it('is not tried again when it fails: a retry is for the children', () => {
    const retry = { type: 'constant', interval: 'PT1S', maxAttempts: 3 };
    const tasks = [{ id: 'i', type: 'core.flow.If', condition: "{{ read('x') }}", then: [log('y')], retry }];
    const harness = new Harness(aFlow({ tasks })).start();
    harness.answer(harness.claim(), FAILED);
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: i:FAILED');
    expect(harness.run('i').attempts).toHaveLength(1);
    expect(harness.state.head.claims).toEqual({});
  });
});

describe('a kill of very many', () => {
  it('is done in parts, and ends all of them', () => {
    const tasks = [block('ForEach', 'f', [works('w')], { values: '{{ range(1, 1000) }}', concurrencyLimit: 0 })];
    const harness = new Harness(aFlow({ tasks })).start();
    const claim = harness.claim();
    const steps = harness.steps;
    harness.send(kill);
    expect(harness.steps - steps).toBeGreaterThan(5);
    expect(harness.jobs).toEqual([]);
    expect(harness.executionState).toBe('KILLING');
    harness.answer(claim, { state: 'KILLED' });
    expect(harness.executionState).toBe('KILLED');
    expect(new Set(harness.runs.map(({ state }) => state))).toEqual(new Set(['KILLED']));
  });
});
