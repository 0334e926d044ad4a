import type { JobOutcome } from '@millrace/model';
import { aFlow, block, claimOf, Harness, log, resultOf, works } from './harness.js';

const SUCCESS: JobOutcome = { state: 'SUCCESS' };
const KILLED: JobOutcome = { state: 'KILLED' };
const LOST = { kind: 'instance-lost', instance: 'worker-1', tenant: 'main', executionId: 'E' } as const;
const KILL = { kind: 'kill-requested', tenant: 'main', executionId: 'E' } as const;
/** Its condition needs a worker. */
const asks = (id: string) => ({
  id,
  type: 'core.flow.If',
  condition: "{{ secret('x') }}",
  then: [log(`${id}-then`)],
});

describe('a job that is given out again', () => {
  it.each([
    ['after a loss', (harness: Harness) => harness.send(LOST)],
    [
      'by its worker',
      (harness: Harness, token: string) => {
        const { id: taskRunId } = harness.run('w');
        const job = { tenant: 'main', executionId: 'E', taskRunId, attempt: 1 };
        return harness.send({ kind: 'job-handed-back', ...job, token });
      },
    ],
  ])('%s does not count the attempt that was given up', (_when, giveUp) => {
    const harness = new Harness(aFlow({ tasks: [works('w')] })).start();
    const { job, token } = harness.claim();
    giveUp(harness, token);
    const [again] = harness.jobs;
    expect(again?.attempt).toBe(2);
    expect(again?.variables['taskrun']).toEqual(job.variables['taskrun']);
    expect(again?.variables['taskrun']).toMatchObject({ attemptsCount: 0 });
  });
});

describe('a claim of an instance that is known to be lost', () => {
  it('is given to another worker at once: the loss was announced before the claim was read', () => {
    const harness = new Harness(aFlow({ tasks: [works('w')] })).start();
    harness.gone.add('worker-1');
    harness.claim();
    expect(harness.run('w')).toMatchObject({ state: 'SUBMITTED', attempts: [{ state: 'RESUBMITTED' }], resubmits: 1 });
    harness.gone.clear();
    harness.finish(() => SUCCESS);
    expect(`${harness.executionState}: ${harness.story}`).toBe('SUCCESS: w:SUCCESS');
  });
});

describe('an answer KILLED', () => {
  it('that nobody wanted gives the job to another worker', () => {
    const harness = new Harness(aFlow({ tasks: [works('w'), log('after')] })).start();
    const first = harness.claim();
    // The job was handed over twice, so the first claimant is told to stop; then its claim arrives once more.
    harness.send(claimOf(first.job, 'token-b', 'worker-2', harness.now));
    harness.send(claimOf(first.job, first.token, first.instance, harness.now));
    harness.answer(first, KILLED);
    expect(harness.run('w')).toMatchObject({ state: 'SUBMITTED', attempts: [{ state: 'RESUBMITTED' }] });
    expect(harness.run('w').resubmits).toBeUndefined();
    // The second one was told to stop as well, and its answer is late.
    harness.send(resultOf(first.job, 'token-b', 'worker-2', KILLED, harness.now));
    harness.finish(() => SUCCESS);
    expect(`${harness.executionState}: ${harness.story}`).toBe('SUCCESS: w:SUCCESS after:SUCCESS');
  });
});

describe('a claim for expressions', () => {
  it('is released when the execution is killed', () => {
    const harness = new Harness(aFlow({ tasks: [asks('i')] })).start();
    const claim = harness.claim();
    harness.send(KILL);
    harness.answer(claim, KILLED);
    expect(`${harness.executionState}: ${harness.story}`).toBe('KILLED: i:KILLED');
    expect(harness.state.head.claims).toEqual({});
    expect(harness.run('i').claim).toBeUndefined();
  });

  it('is released when the block around it fails', () => {
    const harness = new Harness(aFlow({ tasks: [block('Parallel', 'p', [works('w'), asks('i')])] })).start();
    const evaluating = harness.claim('i');
    harness.answer(harness.claim('w'), { state: 'FAILED' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: p:FAILED w:FAILED i:FAILED');
    expect(harness.state.head.claims).toEqual({});
    harness.answer(evaluating, { state: 'SUCCESS', evaluated: { condition: 'true' } });
    expect(harness.story).toBe('p:FAILED w:FAILED i:FAILED');
  });
});
