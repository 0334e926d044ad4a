import type { PlainObject } from '@millrace/model';
import { aFlow, block, fails, Harness, log, returns, works, type WrittenFlow } from './harness.js';

const started = (definition: WrittenFlow): Harness => new Harness(aFlow(definition)).start();
const told = (harness: Harness): string => `${harness.executionState}: ${harness.story}`;
const onState = (...states: readonly string[]): PlainObject => ({
  type: 'io.kestra.plugin.core.condition.ExecutionStatus',
  in: states,
});

describe('listeners', () => {
  const listeners = [
    {
      conditions: [onState('FAILED')],
      tasks: [returns('failed', '{{ execution.state }}'), fails('broken'), log('on')],
    },
    { conditions: [onState('SUCCESS')], tasks: [log('good')] },
    { tasks: [log('always')] },
  ];

  it('run after the end when their conditions hold, before afterExecution', () => {
    const harness = started({ listeners, tasks: [fails('a')], finally: [log('z')], afterExecution: [log('x')] });
    expect(told(harness)).toBe(
      'FAILED: a:FAILED z:SUCCESS failed:SUCCESS broken:FAILED on:SUCCESS always:SUCCESS x:SUCCESS',
    );
    expect(harness.run('failed').outputs).toEqual({ value: 'FAILED' });
    expect(harness.state.head.progress).toMatchObject({ section: 'ended', active: 0 });
  });

  it('that do not hold do not run', () => {
    expect(told(started({ listeners, tasks: [log('a')] }))).toBe('SUCCESS: a:SUCCESS good:SUCCESS always:SUCCESS');
    const none = started({ listeners: listeners.slice(0, 1), tasks: [log('a')], afterExecution: [log('x')] });
    expect(told(none)).toBe('SUCCESS: a:SUCCESS x:SUCCESS');
  });

  it('run after a kill, and may have children', () => {
    const harness = started({
      listeners: [{ conditions: [onState('KILLED')], tasks: [block('Parallel', 'p', [works('a'), log('b')])] }],
      tasks: [works('w')],
    });
    harness.send({ kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    harness.finish();
    expect(told(harness)).toBe('KILLED: w:KILLED p:SUCCESS a:SUCCESS b:SUCCESS');
  });

  it('with a condition that fails do not run, and the log tells', () => {
    const conditions = [{ type: 'io.kestra.plugin.core.condition.Expression', expression: '{{ nope.x }}' }];
    const harness = started({ listeners: [{ conditions, tasks: [log('l')] }], tasks: [log('a')] });
    expect(told(harness)).toBe('SUCCESS: a:SUCCESS');
    expect(harness.logs).toContainEqual(
      expect.objectContaining({ level: 'WARN', message: expect.stringContaining('Listener 1 does not run') }),
    );
  });

  it('know of retries', () => {
    const retry = { type: 'constant', interval: 'PT1S', maxAttempts: 2 };
    const conditions = [{ type: 'io.kestra.plugin.core.condition.HasRetryAttempt', in: ['FAILED'] }];
    const listener = [{ conditions, tasks: [log('l')] }];
    expect(told(started({ listeners: listener, tasks: [fails('a', { retry })] }).finish())).toBe(
      'FAILED: a:FAILED l:SUCCESS',
    );
    expect(told(started({ listeners: listener, tasks: [fails('a')] }))).toBe('FAILED: a:FAILED');
  });
});

describe('a MAX_DURATION', () => {
  const agreement = (more: PlainObject): WrittenFlow => ({
    sla: [{ id: 'quick', type: 'MAX_DURATION', duration: 'PT1S', labels: { sla: 'miss' }, ...more }],
    tasks: [works('s')],
    errors: [log('e')],
  });
  const late = (more: PlainObject): Harness => {
    const harness = started(agreement(more));
    const claim = harness.claim('s');
    harness.now += 1_000;
    harness.send({ kind: 'wake' });
    if (harness.executionState === 'KILLING') harness.answer(claim, { state: 'KILLED' });
    return harness;
  };

  it.each([
    ['CANCEL', 'CANCELLED: s:KILLED'],
    ['FAIL', 'FAILED: s:KILLED'],
    ['NONE', 'RUNNING: s:RUNNING'],
  ])('that is passed with behavior %s', (behavior, expected) => {
    const harness = late({ behavior });
    expect(told(harness)).toBe(expected);
    expect(harness.state.head.labels).toEqual([{ key: 'sla', value: 'miss' }]);
    expect(harness.logs).toContainEqual(expect.objectContaining({ message: expect.stringContaining("'quick'") }));
  });

  it('that is kept leaves no timer', () => {
    const harness = started(agreement({ behavior: 'CANCEL' })).finish();
    expect(told(harness)).toBe('SUCCESS: s:SUCCESS');
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('counts from the start of the execution, each for itself', () => {
    const sla = [
      { id: 'soon', type: 'MAX_DURATION', duration: 'PT1S', behavior: 'NONE', labels: { a: 'b' } },
      { id: 'later', type: 'MAX_DURATION', duration: 'PT2S', behavior: 'FAIL' },
    ];
    const harness = started({ sla, tasks: [{ id: 'wait', type: 'core.flow.Pause' }] });
    harness.now += 1_000;
    harness.send({ kind: 'wake' });
    expect(harness.executionState).toBe('PAUSED');
    expect(harness.state.dueAt).toBe(harness.now + 1_000);
    harness.now += 1_000;
    harness.send({ kind: 'wake' });
    expect(told(harness)).toBe('FAILED: wait:KILLED');
  });
});

describe('an EXECUTION_ASSERTION', () => {
  const asserting = (behavior: string, assert = "{{ outputs.a.value == 'good' }}"): WrittenFlow => ({
    sla: [{ id: 'is-good', type: 'EXECUTION_ASSERTION', assert, behavior, labels: { sla: 'bad' } }],
    tasks: [log('before'), returns('a', 'bad'), works('b')],
  });

  it('is checked when something ended, and acts once', () => {
    const harness = started(asserting('NONE')).finish();
    expect(harness.executionState).toBe('SUCCESS');
    expect(harness.state.head).toMatchObject({ violations: ['is-good'], labels: [{ key: 'sla', value: 'bad' }] });
    expect(harness.logs.filter(({ message }) => message.includes("'is-good'"))).toHaveLength(1);
  });

  it('that is broken ends the execution', () => {
    expect(told(started(asserting('FAIL')))).toBe('FAILED: before:SUCCESS a:SUCCESS');
    expect(told(started(asserting('CANCEL')))).toBe('CANCELLED: before:SUCCESS a:SUCCESS');
  });

  it('that holds changes nothing', () => {
    const harness = started(asserting('FAIL', "{{ outputs.a.value == 'bad' }}")).finish();
    expect(harness.executionState).toBe('SUCCESS');
    expect(harness.state.head).not.toHaveProperty('violations');
  });
});
