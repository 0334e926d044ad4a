import type { ExecutionOperation, PlainObject, Reply } from '@millrace/model';
import { aFlow, block, fails, Harness, log, returns, works } from './harness.js';

const pause = (more: PlainObject = {}, id = 'wait'): PlainObject => ({ id, type: 'core.flow.Pause', ...more });
const started = (...tasks: readonly PlainObject[]): Harness => new Harness(aFlow({ tasks })).start();
const states = (histories: readonly { readonly state: string }[]): string[] => histories.map(({ state }) => state);
const passed = (harness: Harness, ms: number): Harness => {
  harness.now += ms;
  return harness.send({ kind: 'wake' });
};

let commands = 0;
/** Asks for an operation and answers the reply to it. */
function asked(harness: Harness, operation: ExecutionOperation): Reply['outcome'] | undefined {
  const commandId = `command-${++commands}`;
  harness.send({
    kind: 'operation-requested',
    tenant: 'main',
    executionId: 'E',
    commandId,
    replyTo: 'web-1',
    by: 'ann@x.io',
    at: harness.now,
    operation,
  });
  const replies = harness.effects.flatMap((effect) => (effect.kind === 'reply' ? [effect.reply] : []));
  return replies.find((reply) => reply.commandId === commandId)?.outcome;
}
const resumed = (harness: Harness, given: PlainObject = {}, taskRunId?: string) =>
  asked(harness, { kind: 'resume', given, ...(taskRunId === undefined ? {} : { taskRunId }) });
const ACCEPTED = { kind: 'accepted', executionId: 'E' };

describe('a Pause', () => {
  it('pauses the execution until it is resumed', () => {
    const harness = started(pause(), log('go'));
    expect(`${harness.executionState}: ${harness.story}`).toBe('PAUSED: wait:PAUSED');
    expect(harness.state.dueAt).toBeUndefined();
    expect(resumed(harness)).toEqual(ACCEPTED);
    expect(`${harness.executionState}: ${harness.story}`).toBe('SUCCESS: wait:SUCCESS go:SUCCESS');
    expect(states(harness.state.head.histories)).toEqual([
      'CREATED',
      'RUNNING',
      'PAUSED',
      'RESTARTED',
      'RUNNING',
      'SUCCESS',
    ]);
    expect(states(harness.run('wait').histories)).toEqual(['CREATED', 'RUNNING', 'PAUSED', 'SUCCESS']);
    expect(harness.state.head.attemptNumber).toBe(2);
  });

  it('tells who resumed it, when, and to what', () => {
    const harness = started(pause());
    resumed(harness);
    expect(harness.run('wait').outputs).toEqual({
      onResume: {},
      resumed: { by: 'ann@x.io', on: new Date(harness.now).toISOString(), to: 'SUCCESS' },
    });
  });

  const approval = pause({
    onResume: [
      { id: 'ok', type: 'BOOL', defaults: true },
      { id: 'note', type: 'STRING', required: false },
      { id: 'times', type: 'INT', defaults: '{{ outputs.before.value }}' },
    ],
  });
  const asking = (): Harness =>
    started(returns('before', '4'), approval, returns('show', '{{ outputs.wait.onResume.ok }}'));

  it('asks for values, with defaults', () => {
    const harness = asking();
    resumed(harness, { ok: 'false' });
    expect(harness.run('wait').outputs?.['onResume']).toEqual({ ok: false, note: null, times: 4 });
    expect(harness.run('show').outputs).toEqual({ value: 'false' });
  });

  it('stays paused when a value is refused', () => {
    const harness = asking();
    expect(resumed(harness, { times: 'many' })).toMatchObject({
      kind: 'refused',
      reason: 'invalid',
      faults: [{ path: 'times', message: expect.stringContaining("The input 'times'") }],
    });
    expect(harness.executionState).toBe('PAUSED');
  });

  it('cannot be resumed twice', () => {
    const harness = started(pause(), works('go'));
    resumed(harness);
    expect(resumed(harness)).toMatchObject({ kind: 'refused', reason: 'conflict' });
  });

  it.each([
    [undefined, 'SUCCESS: wait:SUCCESS go:SUCCESS'],
    ['RESUME', 'SUCCESS: wait:SUCCESS go:SUCCESS'],
    ['WARN', 'WARNING: wait:WARNING go:SUCCESS'],
    ['FAIL', 'FAILED: wait:FAILED'],
    ['CANCEL', 'CANCELLED: wait:CANCELLED'],
  ])('ends by itself after pauseDuration as behavior %s says', (behavior, expected) => {
    const harness = started(pause({ pauseDuration: 'PT5S', ...(behavior ? { behavior } : {}) }), log('go'));
    passed(harness, 4_999);
    expect(harness.executionState).toBe('PAUSED');
    passed(harness, 1);
    expect(`${harness.executionState}: ${harness.story}`).toBe(expected);
    expect(harness.state.dueAt).toBeUndefined();
  });

  it('takes the old name delay, and an expression', () => {
    const harness = started(pause({ delay: 'PT{{ 2 + 3 }}S' }), log('go'));
    expect(harness.state.dueAt).toBe(harness.now + 5_000);
  });

  it('fails after its timeout; allowFailure makes that a warning', () => {
    const harness = started(pause({ timeout: 'PT1S', allowFailure: true, tasks: [log('never')] }), log('last'));
    passed(harness, 1_000);
    expect(`${harness.executionState}: ${harness.story}`).toBe('WARNING: wait:WARNING last:SUCCESS');
  });

  it('runs errors and finally when its time is over', () => {
    const more = { pauseDuration: 'PT1S', behavior: 'FAIL', errors: [log('e')], finally: [log('z')] };
    const harness = passed(started(pause(more)), 1_000);
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: wait:FAILED e:SUCCESS z:SUCCESS');
  });

  it.each([
    [{ pauseDuration: 'soon' }, 'it must be a duration'],
    [{ pauseDuration: 'PT1S', behavior: 'SLEEP' }, 'it must be one of RESUME, WARN, FAIL, CANCEL'],
  ])('fails for %j', (more, message) => {
    const harness = started(pause(more));
    expect(harness.story).toBe('wait:FAILED');
    expect(harness.logs[0]?.message).toContain(message);
  });

  it('runs onPause while it waits', () => {
    const harness = started(pause({ onPause: works('tell') }), log('go'));
    expect(harness.story).toBe('wait:PAUSED tell:SUBMITTED');
    harness.answer(harness.claim('tell'), { state: 'SUCCESS' });
    expect(harness.story).toBe('wait:PAUSED tell:SUCCESS');
    resumed(harness);
    expect(harness.story).toBe('wait:SUCCESS tell:SUCCESS go:SUCCESS');
  });

  it('is a warning when onPause was one, whichever ended first', () => {
    const warned = started(pause({ onPause: works('tell') }));
    warned.answer(warned.claim('tell'), { state: 'WARNING' });
    resumed(warned);
    expect(`${warned.executionState}: ${warned.story}`).toBe('WARNING: wait:WARNING tell:WARNING');
    const late = started(pause({ onPause: works('tell') }));
    resumed(late);
    late.answer(late.claim('tell'), { state: 'WARNING' });
    expect(`${late.executionState}: ${late.story}`).toBe('WARNING: wait:WARNING tell:WARNING');
  });

  it('ends when onPause has, if it was resumed before', () => {
    const harness = started(pause({ onPause: works('tell') }), log('go'));
    resumed(harness);
    expect(harness.story).toBe('wait:RUNNING tell:SUBMITTED');
    harness.finish();
    expect(harness.story).toBe('wait:SUCCESS tell:SUCCESS go:SUCCESS');
  });

  it.each([
    ['WARN', 'WARNING: wait:WARNING tell:SUCCESS go:SUCCESS'],
    ['FAIL', 'FAILED: wait:FAILED tell:SUCCESS e:SUCCESS'],
  ])('lets onPause end when its time is over (%s)', (behavior, expected) => {
    const more = { onPause: works('tell'), pauseDuration: 'PT1S', behavior, errors: [log('e')] };
    const harness = passed(started(pause(more), log('go')), 1_000);
    expect(harness.story).toBe('wait:RUNNING tell:SUBMITTED');
    harness.finish();
    expect(`${harness.executionState}: ${harness.story}`).toBe(expected);
  });

  it.each(['WARN', 'FAIL'])('fails with an onPause that fails after its time was over (%s)', (behavior) => {
    const more = { onPause: works('tell'), pauseDuration: 'PT1S', behavior, errors: [log('e')] };
    const harness = passed(started(pause(more), log('go')), 1_000);
    harness.answer(harness.claim('tell'), { state: 'FAILED' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: wait:FAILED tell:FAILED e:SUCCESS');
  });

  it('fails with onPause', () => {
    const harness = started(pause({ onPause: fails('tell'), errors: [log('e')] }), log('go'));
    expect(`${harness.executionState}: ${harness.story}`).toBe('FAILED: wait:FAILED tell:FAILED e:SUCCESS');
  });

  it('runs its old tasks when it was resumed', () => {
    const harness = started(pause({ tasks: [log('a'), works('b')], finally: [log('z')] }));
    resumed(harness);
    expect(harness.story).toBe('wait:RUNNING a:SUCCESS b:SUBMITTED');
    expect(harness.run('wait').outputs).toMatchObject({ resumed: { to: 'RUNNING' } });
    harness.finish();
    expect(harness.story).toBe('wait:SUCCESS a:SUCCESS b:SUCCESS z:SUCCESS');
  });

  it('lets other branches go on', () => {
    const harness = started(block('Parallel', 'p', [pause(), works('other')]));
    harness.answer(harness.claim('other'), { state: 'SUCCESS' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('PAUSED: p:RUNNING wait:PAUSED other:SUCCESS');
    resumed(harness);
    expect(harness.executionState).toBe('SUCCESS');
  });

  it('of several, resumes the first or the one that is named, and is RESTARTED with the last', () => {
    const harness = started(block('Parallel', 'p', [pause({}, 'one'), pause({}, 'two'), pause({}, 'three')]));
    resumed(harness, {}, harness.run('two').id);
    expect(`${harness.executionState}: ${harness.story}`).toBe('PAUSED: p:RUNNING one:PAUSED two:SUCCESS three:PAUSED');
    resumed(harness);
    expect(harness.story).toBe('p:RUNNING one:SUCCESS two:SUCCESS three:PAUSED');
    expect(states(harness.state.head.histories)).not.toContain('RESTARTED');
    resumed(harness);
    expect(harness.executionState).toBe('SUCCESS');
    expect(states(harness.state.head.histories)).toContain('RESTARTED');
    expect(resumed(harness, {}, harness.run('two').id)).toMatchObject({ reason: 'conflict' });
  });

  it('wins over a retry that others wait for', () => {
    const flaky = fails('flaky', { retry: { type: 'constant', interval: 'PT1M', maxAttempts: 2 } });
    const harness = started(block('Parallel', 'p', [flaky, pause()]));
    expect(harness.executionState).toBe('PAUSED');
    resumed(harness);
    expect(harness.executionState).toBe('RETRYING');
    harness.finish();
    expect(states(harness.state.head.histories)).toEqual([
      'CREATED',
      'RUNNING',
      'RETRYING',
      'PAUSED',
      'RESTARTED',
      'RETRYING',
      'RUNNING',
      'FAILED',
    ]);
  });

  it('goes back to a retry when a loop waits no longer', () => {
    const flaky = fails('flaky', { retry: { type: 'constant', interval: 'PT1M', maxAttempts: 2 } });
    const loop = block('LoopUntil', 'until', [works('n')], {
      condition: 'false',
      checkFrequency: { interval: 'PT1S' },
    });
    const harness = started(block('Parallel', 'p', [flaky, loop]));
    harness.answer(harness.claim('n'), { state: 'SUCCESS' });
    expect(harness.executionState).toBe('PAUSED');
    passed(harness, 1_000);
    expect(harness.executionState).toBe('RETRYING');
  });

  it('can be killed, with what runs beside it', () => {
    const harness = started(
      block('Parallel', 'p', [pause({ onPause: works('tell'), pauseDuration: 'PT1H' }), pause({}, 'w2')]),
    );
    const claim = harness.claim('tell');
    harness.send({ kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('KILLING: p:RUNNING wait:PAUSED w2:KILLED tell:KILLING');
    harness.answer(claim, { state: 'KILLED' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('KILLED: p:KILLED wait:KILLED w2:KILLED tell:KILLED');
    expect(harness.state.head).not.toHaveProperty('paused');
    expect(harness.state.dueAt).toBeUndefined();
  });
});

describe('an execution that somebody pauses', () => {
  it('starts nothing new, lets end what runs, and goes on when it is resumed', () => {
    const harness = started(block('Parallel', 'p', [works('a'), works('b')], { concurrent: 1 }), log('after'));
    const claim = harness.claim('a');
    expect(asked(harness, { kind: 'pause' })).toEqual(ACCEPTED);
    expect(harness.executionState).toBe('PAUSED');
    harness.answer(claim, { state: 'SUCCESS' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('PAUSED: p:RUNNING a:SUCCESS');
    expect(resumed(harness)).toEqual(ACCEPTED);
    expect(`${harness.executionState}: ${harness.story}`).toBe('RUNNING: p:RUNNING a:SUCCESS b:SUBMITTED');
    harness.finish();
    expect(`${harness.executionState}: ${harness.story}`).toBe('SUCCESS: p:SUCCESS a:SUCCESS b:SUCCESS after:SUCCESS');
    expect(harness.state.head).not.toHaveProperty('hold');
    expect(states(harness.state.head.histories)).not.toContain('RESTARTED');
  });

  it('takes up more steps than one decision does', () => {
    const harness = started(
      block('ForEach', 'f', [works('a'), log('b')], { values: '{{ range(1, 120) }}', concurrencyLimit: 0 }),
    );
    asked(harness, { kind: 'pause' });
    while (harness.jobs.length > 0) harness.answer(harness.claim(), { state: 'SUCCESS' });
    expect(harness.state.head.hold).toEqual({ active: true, first: 0, next: 120 });
    expect(harness.runs.filter(({ taskId }) => taskId === 'b')).toEqual([]);
    resumed(harness);
    expect(harness.executionState).toBe('SUCCESS');
    expect([...harness.records.map.keys()].filter((id) => id.startsWith('held'))).toEqual([]);
  });

  it('holds retries that become due', () => {
    const harness = started(block('Parallel', 'p', [works('w'), works('flaky')], {}), log('after'));
    asked(harness, { kind: 'pause' });
    harness.finish((job) => ({ state: job.task.id === 'w' ? 'SUCCESS' : 'FAILED' }));
    expect(harness.executionState).toBe('PAUSED');
    resumed(harness);
    expect(harness.executionState).toBe('FAILED');
  });

  it('is refused in any other state', () => {
    const harness = started(pause());
    expect(asked(harness, { kind: 'pause' })).toMatchObject({
      kind: 'refused',
      reason: 'conflict',
      message: 'The execution is PAUSED: only one that is RUNNING can be paused',
    });
  });

  it('can be killed', () => {
    const harness = started(works('a'), log('b'));
    asked(harness, { kind: 'pause' });
    harness.finish();
    expect(harness.executionState).toBe('PAUSED');
    harness.send({ kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    expect(`${harness.executionState}: ${harness.story}`).toBe('KILLED: a:SUCCESS');
    expect([...harness.records.map.keys()].filter((id) => id.startsWith('held'))).toEqual([]);
  });
});
