import type { PlainObject } from '@millrace/model';
import { aFlow, block, fails, Harness, log, works, type WrittenFlow } from './harness.js';

const needs = (task: PlainObject, ...dependsOn: readonly string[]): PlainObject => ({
  task,
  ...(dependsOn.length > 0 ? { dependsOn } : {}),
});
const dag = (entries: readonly PlainObject[], more: PlainObject = {}): WrittenFlow => ({
  tasks: [block('Dag', 'd', entries, more)],
});
const started = (definition: WrittenFlow): Harness => new Harness(aFlow(definition)).start();

describe('a Dag', () => {
  it('starts a task when all that it depends on have ended', () => {
    const harness = started(
      dag([needs(works('a')), needs(works('b'), 'a'), needs(works('c'), 'a'), needs(works('e'), 'b', 'c')]),
    );
    const waiting = (): string[] => harness.jobs.map(({ task }) => task.id);
    expect(waiting()).toEqual(['a']);
    harness.answer(harness.claim('a'), { state: 'SUCCESS' });
    expect(waiting()).toEqual(['b', 'c']);
    harness.answer(harness.claim('c'), { state: 'SUCCESS' });
    expect(waiting()).toEqual(['b']);
    harness.answer(harness.claim('b'), { state: 'WARNING' });
    expect(waiting()).toEqual(['e']);
    harness.finish();
    expect(`${harness.executionState}: ${harness.story}`).toBe(
      'WARNING: d:WARNING a:SUCCESS b:WARNING c:SUCCESS e:SUCCESS',
    );
  });

  it('counts an end of any kind, also a skipped task', () => {
    const harness = started(dag([needs(log('a', { runIf: 'false' })), needs(log('b'), 'a')]));
    expect(harness.story).toBe('d:SUCCESS a:SKIPPED b:SUCCESS');
  });

  it('starts nothing new after a failure and runs errors and finally', () => {
    const harness = started(
      dag([needs(fails('a')), needs(log('b'), 'a')], { errors: [log('e')], finally: [log('z')] }),
    );
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: d:FAILED a:FAILED e:SUCCESS z:SUCCESS');
  });

  it('keeps to its limit', () => {
    const harness = started(
      dag(
        ['a', 'b', 'c', 'e'].map((id) => needs(works(id))),
        { concurrent: 2 },
      ),
    );
    let most = 0;
    while (harness.jobs.length > 0) {
      most = Math.max(most, harness.jobs.length);
      harness.answer(harness.claim(), { state: 'SUCCESS' });
    }
    expect(most).toBe(2);
    expect(harness.executionState).toBe('SUCCESS');
  });

  it('keeps the order around a disabled task', () => {
    const harness = started(
      dag([needs(works('a')), needs(works('b', { disabled: true }), 'a'), needs(works('c'), 'b')]),
    );
    expect(harness.jobs.map(({ task }) => task.id)).toEqual(['a']);
    harness.finish();
    expect(harness.story).toBe('d:SUCCESS a:SUCCESS c:SUCCESS');
  });

  it.each([
    ['an unknown task', [needs(log('a'), 'nope')], "Task 'a' depends on 'nope', which is no task of 'd': correct"],
    ['a circle', [needs(log('a'), 'b'), needs(log('b'), 'a')], "The tasks of 'd' depend on each other in a circle"],
  ])('fails at run time for %s', (_what, entries, message) => {
    const harness = started(dag(entries));
    expect(harness.story).toBe('d:FAILED');
    expect(harness.logs.map((entry) => entry.message)).toEqual([expect.stringContaining(message)]);
  });

  it('of 2,000 tasks writes a few small records for each of them', () => {
    const count = 2_000;
    const entries = Array.from({ length: count }, (_, index) =>
      needs(log(`t${index}`), ...[1, 7, 50].flatMap((back) => (index >= back ? [`t${index - back}`] : []))),
    );
    const harness = started(dag([...entries, needs(log('last'), ...entries.map((_, index) => `t${index}`))]));
    expect(harness.executionState).toBe('SUCCESS');
    expect(harness.runs).toHaveLength(count + 2);
    const largest = Math.max(...[...harness.records.map.values()].map((record) => JSON.stringify(record).length));
    expect(largest).toBeLessThan(3_000);
    expect(harness.steps).toBeLessThan(count * 5);
  });
});
