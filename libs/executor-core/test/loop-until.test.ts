import type { PlainObject } from '@millrace/model';
import { aFlow, block, fails, Harness, log, returns, works } from './harness.js';

const loop = (condition: string, tasks: readonly PlainObject[], more: PlainObject = {}): PlainObject =>
  block('LoopUntil', 'until', tasks, { condition, checkFrequency: { interval: 'PT10S' }, ...more });
const started = (...tasks: readonly PlainObject[]): Harness => new Harness(aFlow({ tasks })).start();
const states = (histories: readonly { readonly state: string }[]): string[] => histories.map(({ state }) => state);

describe('a LoopUntil', () => {
  const counting = loop("{{ outputs.n.value == '3' }}", [returns('n', '{{ outputs.until.iterationCount }}')]);

  it('runs its tasks until the condition holds, and keeps the last round only', () => {
    const harness = started(counting, log('after')).finish();
    expect(`${harness.executionState}: ${harness.story}`).toBe('SUCCESS: until:SUCCESS n:SUCCESS after:SUCCESS');
    expect(harness.run('n')).toMatchObject({ outputs: { value: '3' }, iteration: 2 });
    expect(harness.run('until').outputs).toEqual({ iterationCount: 3 });
    expect(harness.state.head).toMatchObject({ generation: 2, removed: 2, sequence: 5 });
  });

  it('is PAUSED between two rounds, and so is the execution', () => {
    const harness = started(counting);
    expect(harness.run('until').state).toBe('PAUSED');
    expect(harness.executionState).toBe('PAUSED');
    expect(harness.state.dueAt).toBe(harness.now + 10_000);
    harness.finish();
    expect(states(harness.run('until').histories)).toEqual([
      'CREATED',
      'RUNNING',
      'PAUSED',
      'RUNNING',
      'PAUSED',
      'RUNNING',
      'SUCCESS',
    ]);
    expect(states(harness.state.head.histories)).toEqual([
      'CREATED',
      'RUNNING',
      'PAUSED',
      'RUNNING',
      'PAUSED',
      'RUNNING',
      'SUCCESS',
    ]);
  });

  it('waits a minute when no interval is given', () => {
    const harness = started(loop('false', [log('n')], { checkFrequency: undefined }));
    expect(harness.state.dueAt).toBe(harness.now + 60_000);
  });

  it('ends with one more than maxIterations when that is reached, by its children', () => {
    const harness = started(loop('false', [log('n')], { checkFrequency: { interval: 'PT1S', maxIterations: 3 } }));
    harness.finish();
    expect(`${harness.executionState}: ${harness.story}`).toBe('SUCCESS: until:SUCCESS n:SUCCESS');
    expect(harness.run('until').outputs).toEqual({ iterationCount: 4 });
    expect(harness.logs).toContainEqual(expect.objectContaining({ level: 'WARN', taskId: 'until' }));
  });

  it('ends when maxDuration is over, FAILED with failOnMaxReached, errors first', () => {
    const checkFrequency = { interval: 'PT1S', maxDuration: 'PT3S' };
    const more = { checkFrequency, failOnMaxReached: true, errors: [log('e')], finally: [log('z')] };
    const harness = started(loop('false', [log('n')], more)).finish();
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: until:FAILED n:SUCCESS e:SUCCESS z:SUCCESS');
    expect(harness.run('until').outputs).toEqual({ iterationCount: 5 });
  });

  it('counts warnings of the last round only', () => {
    const warns = fails('w', { allowFailure: true, runIf: '{{ taskrun.iteration == 0 }}' });
    const harness = started(loop('{{ outputs.until.iterationCount == 2 }}', [warns])).finish();
    expect(`${harness.executionState}: ${harness.story}`).toBe('SUCCESS: until:SUCCESS w:SKIPPED');
  });

  it('ends FAILED when a child fails', () => {
    const harness = started(loop('false', [fails('n'), log('m')])).finish();
    expect(harness.story).toBe('until:FAILED n:FAILED');
  });

  it('fails when its condition cannot be evaluated', () => {
    const harness = started(loop('{{ nope.x }}', [log('n')], { errors: [log('e')] })).finish();
    expect(harness.story).toBe('until:FAILED n:SUCCESS e:SUCCESS');
  });

  it('removes what is below its children too', () => {
    const inner = block('ForEach', 'each', [log('n')], { values: '{{ range(1, 300) }}', concurrencyLimit: 0 });
    const harness = started(loop('{{ outputs.until.iterationCount == 2 }}', [inner])).finish();
    expect(harness.executionState).toBe('SUCCESS');
    expect(harness.runs).toHaveLength(302);
    expect(harness.state.head.removed).toBe(301);
    expect(new Set(harness.runs.map(({ id }) => id)).size).toBe(302);
    expect([...harness.records.map.keys()].filter((id) => id.startsWith('values-'))).toHaveLength(1);
  });

  it('counts no result of an earlier round', () => {
    const harness = started(loop('{{ outputs.until.iterationCount == 2 }}', [works('n')]));
    const first = harness.claim('n');
    harness.answer(first, { state: 'SUCCESS' });
    harness.now += 10_000;
    harness.send({ kind: 'wake' });
    expect(harness.jobs).toHaveLength(1);
    harness.answer(first, { state: 'FAILED' });
    expect(harness.run('n').state).toBe('SUBMITTED');
    harness.finish();
    expect(harness.executionState).toBe('SUCCESS');
  });

  it('lets a worker evaluate a condition that needs one, and takes no late answer of another round', () => {
    const harness = started(loop("{{ secret('S') == 'x' }}", [log('n')]));
    const [job] = harness.jobs;
    expect(job).toMatchObject({ kind: 'evaluate', attempt: 0 });
    const first = harness.claim('until');
    harness.answer(first, {
      state: 'SUCCESS',
      evaluated: { condition: 'false', checkFrequency: { interval: 'PT1S' } },
    });
    expect(harness.run('until').state).toBe('PAUSED');
    harness.now += 1_000;
    harness.send({ kind: 'wake' });
    expect(harness.jobs[0]).toMatchObject({ kind: 'evaluate', attempt: -1 });
    harness.answer(first, { state: 'SUCCESS', evaluated: { condition: 'true' } });
    expect(harness.executionState).toBe('RUNNING');
    harness.answer(harness.claim('until'), { state: 'SUCCESS', evaluated: { condition: 'true' } });
    expect(harness.executionState).toBe('SUCCESS');
    expect(harness.run('until').attempts).toHaveLength(1);
  });

  it('fails when the worker cannot evaluate the condition, errors first', () => {
    const harness = started(loop("{{ secret('S') }}", [log('n')], { errors: [log('e')] }));
    harness.answer(harness.claim('until'), { state: 'FAILED', error: 'no such secret' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: until:FAILED n:SUCCESS e:SUCCESS');
  });

  it('is killed between two rounds', () => {
    const harness = started(counting);
    harness.send({ kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('KILLED: until:KILLED n:SUCCESS');
  });
});
