import { at, isoOf, Scheduled, seconds } from './trigger-harness.js';

const EVERY_MINUTE = { cron: '* * * * *' };
const CONCURRENT = { ...EVERY_MINUTE, allowConcurrent: true };

const saved = (
  trigger: object,
  options: { missed?: 'ALL' | 'LAST' | 'NONE' } = {},
  start = at('10:00:30'),
): Scheduled => {
  const scheduled = new Scheduled(start);
  scheduled.save([{ ...trigger }], options);
  return scheduled;
};

describe('a schedule', () => {
  it('begins with the first date after it was saved', () => {
    const scheduled = saved(EVERY_MINUTE);
    expect(scheduled.trigger()).toMatchObject({
      date: at('10:00:30'),
      nextExecutionDate: at('10:01:00'),
      disabled: false,
      active: true,
    });
    expect(scheduled.state.dueAt).toBe(at('10:01:00'));
  });

  it('asks for an execution and sets the date after it in one step', () => {
    const scheduled = saved({ ...EVERY_MINUTE, inputs: { d: '{{ trigger.date }}' }, labels: { a: 'b' } });
    scheduled.runUntil(at('10:01:00'));
    const [execution] = scheduled.started;
    expect(execution).toMatchObject({
      kind: 'execution-wanted',
      tenant: 'main',
      namespace: 'demo',
      flowId: 'sched',
      flowRevision: 1,
      given: { d: '2024-01-01T10:01:00Z' },
      depth: 0,
      at: at('10:01:00'),
      trigger: {
        id: 't1',
        type: 'core.trigger.Schedule',
        hasState: true,
        variables: { date: '2024-01-01T10:01:00Z', next: '2024-01-01T10:02:00Z', previous: '2024-01-01T10:00:00Z' },
      },
    });
    expect(execution?.labels).toEqual([
      { key: 'a', value: 'b' },
      { key: 'system.from', value: 'trigger' },
      { key: 'system.correlationId', value: execution?.executionId },
    ]);
    expect(execution).not.toHaveProperty('failure');
    expect(execution).not.toHaveProperty('scheduleDate');
    expect(scheduled.trigger()).toMatchObject({
      date: at('10:01:00'),
      nextExecutionDate: at('10:02:00'),
      executionId: execution?.executionId,
    });
  });

  it('waits for the end of its execution', () => {
    const scheduled = saved(EVERY_MINUTE);
    scheduled.runUntil(at('10:01:30'));
    expect(scheduled.state.dueAt).toBeUndefined();
    expect(scheduled.isEnded).toBe(false);
    scheduled.end(scheduled.started[0]!);
    scheduled.runUntil(at('10:02:00'));
    expect(scheduled.dates()).toEqual(['10:01:00', '10:02:00']);
  });

  it('does not wait when its executions may run side by side', () => {
    const scheduled = saved(CONCURRENT);
    scheduled.runUntil(at('10:03:00'));
    expect(scheduled.dates()).toEqual(['10:01:00', '10:02:00', '10:03:00']);
    expect(scheduled.trigger()).not.toHaveProperty('executionId');
  });

  it('is not released by another execution, nor twice', () => {
    const scheduled = saved(EVERY_MINUTE);
    scheduled.runUntil(at('10:01:00'));
    const [execution] = scheduled.started;
    scheduled.end({ ...execution!, executionId: 'another' });
    expect(scheduled.trigger().executionId).toBe(execution?.executionId);
    scheduled.end(execution!);
    const free = scheduled.trigger();
    scheduled.end(execution!);
    expect(scheduled.trigger()).toBe(free);
  });

  it('looks at a date whose conditions do not hold, and goes on', () => {
    const scheduled = saved({
      ...CONCURRENT,
      conditions: [{ type: 'core.condition.Expression', expression: "{{ trigger.date contains ':02:' }}" }],
    });
    scheduled.runUntil(at('10:05:00'));
    expect(scheduled.dates()).toEqual(['10:02:00']);
    expect(scheduled.next).toBe('10:06:00');
  });

  it('makes a FAILED execution of what cannot be evaluated, and goes on', () => {
    const scheduled = saved({ ...CONCURRENT, inputs: { s: "{{ secret('KEY') }}" } });
    scheduled.runUntil(at('10:02:00'));
    expect(scheduled.started).toHaveLength(2);
    expect(scheduled.started[0]).toMatchObject({ given: {}, trigger: { variables: { date: '2024-01-01T10:01:00Z' } } });
    expect(scheduled.started[0]?.failure).toMatch(/trigger 't1' could not be evaluated.*secret/s);
  });

  it('has no next date when none will come', () => {
    const scheduled = saved({ cron: '0 0 31 2 *' });
    expect(scheduled.trigger()).not.toHaveProperty('nextExecutionDate');
    expect(scheduled.isEnded).toBe(true);
  });

  it('of listed dates gives each as the date to start at', () => {
    const scheduled = saved({
      type: 'core.trigger.ScheduleOnDates',
      dates: ['2024-01-01T10:05:00Z', '2023-01-01T00:00:00Z', '2024-01-01T10:07:00Z'],
    });
    scheduled.runUntil(at('11:00:00'), 0);
    expect(scheduled.started.map(({ scheduleDate }) => isoOf(scheduleDate))).toEqual(['10:05:00', '10:07:00']);
    expect(new Date(scheduled.trigger().nextExecutionDate ?? 0).toISOString()).toBe('2025-01-01T10:07:00.000Z');
  });
});

describe('missed dates', () => {
  it.each([
    ['ALL', ['10:01:00', '10:02:00', '10:03:00', '10:04:00', '10:05:00', '10:06:00']],
    ['LAST', ['10:01:00', '10:05:00', '10:06:00']],
    ['NONE', ['10:01:00', '10:06:00']],
  ] as const)('%s after the server was down', (missed, expected) => {
    const scheduled = saved(CONCURRENT, { missed });
    scheduled.runUntil(at('10:01:00'));
    scheduled.down(at('10:05:20'));
    scheduled.runUntil(at('10:06:00'));
    expect(scheduled.dates()).toEqual(expected);
  });

  it.each([
    ['ALL', ['10:01:00', '10:02:00', '10:03:00', '10:04:00', '10:05:00']],
    ['LAST', ['10:01:00', '10:04:00', '10:05:00']],
    ['NONE', ['10:01:00', '10:05:00']],
  ] as const)('%s after a long execution', (recoverMissedSchedules, expected) => {
    const scheduled = saved({ ...EVERY_MINUTE, recoverMissedSchedules });
    scheduled.runUntil(at('10:04:10'));
    scheduled.end(scheduled.started[0]!);
    scheduled.runUntil(at('10:05:59'), 0);
    expect(scheduled.dates()).toEqual(expected);
  });

  it('are not those that are looked at a little late', () => {
    const scheduled = saved(CONCURRENT, { missed: 'NONE' });
    scheduled.down(at('10:01:00') + 800);
    scheduled.runUntil(at('10:01:02'));
    expect(scheduled.dates()).toEqual(['10:01:00']);
  });

  it('are those of a process that stood still', () => {
    const scheduled = saved(CONCURRENT, { missed: 'NONE' });
    scheduled.runUntil(at('10:01:00'));
    scheduled.now = at('10:30:10');
    scheduled.runUntil(at('10:31:00'));
    expect(scheduled.dates()).toEqual(['10:01:00', '10:31:00']);
  });

  it('later than lateMaximumDelay are left out', () => {
    const scheduled = saved({ ...CONCURRENT, lateMaximumDelay: 'PT2M' });
    scheduled.down(at('10:05:20'));
    scheduled.runUntil(at('10:06:00'));
    expect(scheduled.dates()).toEqual(['10:04:00', '10:05:00', '10:06:00']);
  });

  it('all later than lateMaximumDelay start nothing', () => {
    const scheduled = saved({ cron: '0 * * * *', lateMaximumDelay: 'PT2M' }, {}, at('09:30:00'));
    scheduled.down(at('10:05:00'));
    scheduled.runUntil(at('10:10:00'));
    expect(scheduled.dates()).toEqual([]);
    expect(scheduled.next).toBe('11:00:00');
  });

  it('are started at most ten a second, each in a step of its own', () => {
    const scheduled = saved(CONCURRENT, {}, at('08:00:30'));
    scheduled.down(at('10:00:30'));
    const before = scheduled.now;
    scheduled.runUntil(before + seconds(3));
    expect(scheduled.started).toHaveLength(31);
    const starts = scheduled.started.map((execution) => execution.at);
    starts.slice(1).forEach((start, index) => expect(start - (starts[index] ?? 0)).toBeGreaterThanOrEqual(100));
    scheduled.runUntil(before + seconds(29));
    expect(scheduled.started).toHaveLength(120);
    expect(scheduled.trigger()).not.toHaveProperty('notBefore');
  });
});

describe('a flow that changes', () => {
  it('starts a changed trigger anew, keeps the others, removes what is gone', () => {
    const scheduled = new Scheduled(at('10:00:30'));
    scheduled.save([EVERY_MINUTE, { cron: '0 * * * *' }, { cron: '30 * * * *' }]);
    scheduled.runUntil(at('10:01:10'));
    const [before, lock] = [scheduled.trigger('t2'), scheduled.trigger('t1').executionId];
    scheduled.save([{ cron: '*/5 * * * *' }, { cron: '0 * * * *' }]);
    expect(scheduled.trigger('t1')).toMatchObject({ nextExecutionDate: at('10:05:00'), executionId: lock });
    expect(scheduled.trigger('t2')).toBe(before);
    expect(scheduled.state.trigger('t3')).toBeUndefined();
    expect(scheduled.state.flow?.revision).toBe(2);
  });

  it('runs the new revision from then on', () => {
    const scheduled = saved(CONCURRENT);
    scheduled.save([{ ...CONCURRENT }]);
    scheduled.runUntil(at('10:01:00'));
    expect(scheduled.started[0]?.flowRevision).toBe(2);
  });

  it('is not moved by old news', () => {
    const scheduled = saved(CONCURRENT);
    scheduled.save([{ cron: '0 * * * *' }]);
    const before = scheduled.trigger();
    scheduled.repeatNews(1);
    scheduled.repeatNews(2);
    expect(scheduled.trigger()).toBe(before);
  });

  it('leaves nothing when it is deleted, and begins again when it is saved', () => {
    const scheduled = saved(CONCURRENT);
    scheduled.delete();
    expect([...scheduled.state.triggers()]).toEqual([]);
    expect(scheduled.state.flow).toBeUndefined();
    expect(scheduled.isEnded).toBe(true);
    scheduled.repeatNews(1);
    expect([...scheduled.state.triggers()]).toEqual([]);
    scheduled.save([CONCURRENT]);
    scheduled.runUntil(at('10:01:00'));
    expect(scheduled.dates()).toEqual(['10:01:00']);
  });

  it('without triggers leaves no state', () => {
    const scheduled = saved(CONCURRENT);
    scheduled.save([]);
    expect(scheduled.state.flow).toBeUndefined();
    const another = new Scheduled(at('10:00:00'));
    another.save([{ type: 'core.trigger.Webhook', key: 'k' }, { type: 'core.trigger.Flow' }]);
    expect(another.state.flow).toBeUndefined();
  });

  it.each([
    ['the trigger', [{ ...CONCURRENT, disabled: true }], {}],
    ['the flow', [CONCURRENT], { disabled: true }],
  ])('does nothing while %s is disabled in the YAML, and makes up for nothing then', (_what, triggers, flow) => {
    const scheduled = new Scheduled(at('10:00:30'));
    scheduled.save(triggers, flow);
    expect(scheduled.trigger()).toMatchObject({ active: false, disabled: false });
    scheduled.runUntil(at('10:05:30'));
    scheduled.save([CONCURRENT]);
    scheduled.runUntil(at('10:06:00'));
    expect(scheduled.dates()).toEqual(['10:06:00']);
  });

  it('says why a trigger cannot be evaluated, and disables it', () => {
    const scheduled = saved({ type: 'core.trigger.ScheduleOnDates', dates: "{{ 'soon' }}" });
    expect(scheduled.trigger()).toMatchObject({ disabled: true, active: false });
    expect(scheduled.logs).toMatchObject([
      { level: 'WARN', triggerId: 't1', executionId: '', message: expect.stringMatching(/'soon' is no date/) },
    ]);
  });

  it('keeps state for triggers that ask again and again, and does not evaluate them yet', () => {
    const scheduled = saved({ type: 'core.http.Trigger', uri: 'https://example.com' });
    expect(scheduled.trigger()).toMatchObject({ active: false });
    expect(scheduled.isEnded).toBe(true);
  });
});

describe('stopAfter', () => {
  it.each([
    [EVERY_MINUTE, 'FAILED', true],
    [EVERY_MINUTE, 'SUCCESS', false],
    [CONCURRENT, 'FAILED', true],
  ] as const)('%j after %s', (trigger, state, stops) => {
    const scheduled = saved({ ...trigger, stopAfter: ['FAILED', 'KILLED'] });
    scheduled.runUntil(at('10:01:00'));
    scheduled.end(scheduled.started[0]!, state);
    expect(scheduled.trigger().disabled).toBe(stops);
    expect(scheduled.trigger()).not.toHaveProperty('executionId');
  });
});

describe('commands', () => {
  it('disable and enable; what was due meanwhile is not made up for', () => {
    const scheduled = saved(CONCURRENT);
    expect(scheduled.command({ kind: 'set-disabled', disabled: true })).toMatchObject({
      kind: 'trigger',
      trigger: { disabled: true },
    });
    expect(scheduled.isEnded).toBe(true);
    scheduled.runUntil(at('10:05:30'));
    expect(scheduled.command({ kind: 'set-disabled', disabled: false })).toMatchObject({
      trigger: { disabled: false, nextExecutionDate: at('10:06:00') },
    });
    scheduled.runUntil(at('10:06:00'));
    expect(scheduled.dates()).toEqual(['10:06:00']);
  });

  it('unlock a trigger, or say that it is not locked', () => {
    const scheduled = saved(EVERY_MINUTE);
    expect(scheduled.command({ kind: 'unlock' })).toMatchObject({ kind: 'refused', reason: 'conflict' });
    scheduled.runUntil(at('10:01:30'));
    const outcome = scheduled.command({ kind: 'unlock' });
    expect(outcome.kind === 'trigger' && outcome.trigger).not.toHaveProperty('executionId');
    scheduled.runUntil(at('10:02:00'));
    expect(scheduled.dates()).toEqual(['10:01:00', '10:02:00']);
  });

  it('restart what a worker evaluates, and delete', () => {
    const scheduled = saved(EVERY_MINUTE);
    expect(scheduled.command({ kind: 'restart' })).toMatchObject({ kind: 'trigger', trigger: { triggerId: 't1' } });
    expect(scheduled.command({ kind: 'delete' })).toEqual({ kind: 'trigger' });
    expect(scheduled.command({ kind: 'delete' })).toMatchObject({ kind: 'refused', reason: 'unknown' });
    expect(scheduled.isEnded).toBe(true);
  });

  it('are answered again, and change nothing, when they are repeated', () => {
    const scheduled = saved(CONCURRENT);
    scheduled.command({ kind: 'set-disabled', disabled: true }, 't1', 'one');
    scheduled.command({ kind: 'set-disabled', disabled: false }, 't1', 'two');
    expect(scheduled.command({ kind: 'set-disabled', disabled: true }, 't1', 'one')).toMatchObject({
      trigger: { disabled: false },
    });
  });

  it('to a trigger that is not there are refused', () => {
    const scheduled = saved(CONCURRENT);
    expect(scheduled.command({ kind: 'unlock' }, 'none')).toMatchObject({
      kind: 'refused',
      reason: 'unknown',
      message: expect.stringContaining("'none'"),
    });
  });
});

describe('a backfill', () => {
  const HOURLY = { cron: '0 * * * *', inputs: { a: 'trigger', d: '{{ trigger.date }}' } };
  const backfill = { kind: 'create-backfill', start: at('03:00:00'), end: at('06:00:00') } as const;

  it('runs each date from its start to its end, then the trigger goes on', () => {
    const scheduled = saved(HOURLY);
    scheduled.command({ ...backfill, inputs: { a: 'backfill' }, labels: { from: 'backfill' } });
    expect(scheduled.trigger().backfill).toMatchObject({
      currentDate: at('03:00:00'),
      paused: false,
      previousNextExecutionDate: at('11:00:00'),
    });
    scheduled.runUntil(at('11:00:00'), 100);
    expect(scheduled.dates()).toEqual(['03:00:00', '04:00:00', '05:00:00', '06:00:00', '11:00:00']);
    expect(scheduled.started[0]).toMatchObject({ given: { a: 'backfill', d: '2024-01-01T03:00:00Z' } });
    expect(scheduled.started[0]?.labels).toContainEqual({ key: 'from', value: 'backfill' });
    expect(scheduled.started[4]).toMatchObject({ given: { a: 'trigger' } });
    expect(scheduled.trigger()).not.toHaveProperty('backfill');
  });

  it('waits for the end of each execution', () => {
    const scheduled = saved(HOURLY);
    scheduled.command(backfill);
    scheduled.runUntil(at('10:30:00'));
    expect(scheduled.dates()).toEqual(['03:00:00']);
  });

  it('starts at most ten executions a second when they may run side by side', () => {
    const scheduled = saved({ ...CONCURRENT });
    scheduled.command({ kind: 'create-backfill', start: at('00:00:00'), end: at('09:59:00') });
    scheduled.runUntil(scheduled.now + seconds(2));
    expect(scheduled.started).toHaveLength(21);
  });

  it('ends now unless it says when', () => {
    const scheduled = saved(HOURLY);
    scheduled.command({ kind: 'create-backfill', start: at('08:30:00') });
    scheduled.runUntil(at('10:59:00'), 0);
    expect(scheduled.dates()).toEqual(['09:00:00', '10:00:00']);
  });

  it('can be paused, when the trigger runs its own dates, unpaused and deleted', () => {
    const scheduled = saved(HOURLY);
    scheduled.command(backfill);
    scheduled.runUntil(scheduled.now, 0);
    scheduled.command({ kind: 'pause-backfill' });
    scheduled.runUntil(at('11:00:30'), 0);
    expect(scheduled.dates()).toEqual(['03:00:00', '11:00:00']);
    scheduled.command({ kind: 'unpause-backfill' });
    scheduled.runUntil(scheduled.now, 0);
    expect(scheduled.dates()).toEqual(['03:00:00', '11:00:00', '04:00:00']);
    expect(scheduled.command({ kind: 'delete-backfill' })).toMatchObject({ kind: 'trigger' });
    scheduled.runUntil(at('12:00:00'), 0);
    expect(scheduled.dates()).toEqual(['03:00:00', '11:00:00', '04:00:00', '12:00:00']);
  });

  it('heeds the conditions', () => {
    const scheduled = saved({ ...HOURLY, conditions: [{ type: 'core.condition.TimeBetween', after: '04:30:00Z' }] });
    scheduled.command(backfill);
    scheduled.runUntil(at('10:30:00'), 0);
    expect(scheduled.dates()).toEqual(['05:00:00', '06:00:00']);
  });

  it('of dates that have run already runs them again, under other ids', () => {
    const scheduled = saved(EVERY_MINUTE);
    scheduled.runUntil(at('10:01:30'), 0);
    scheduled.command({ kind: 'create-backfill', start: at('10:01:00'), end: at('10:01:10') });
    scheduled.runUntil(at('10:01:50'), 0);
    expect(scheduled.dates()).toEqual(['10:01:00', '10:01:00']);
    expect(new Set(scheduled.started.map(({ executionId }) => executionId)).size).toBe(2);
  });

  it.each([
    [{ kind: 'create-backfill', start: at('09:00:00'), end: at('08:00:00') }, /end .* after its start/],
    [{ kind: 'create-backfill', start: at('08:10:00'), end: at('08:20:00') }, /no date from the start to the end/],
    [{ kind: 'pause-backfill' }, /has no backfill/],
    [{ kind: 'unpause-backfill' }, /has no backfill/],
    [{ kind: 'delete-backfill' }, /has no backfill/],
  ] as const)('%j is refused', (change, message) => {
    expect(saved(HOURLY).command(change)).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) });
  });

  it('is refused beside another one, and where there are no dates', () => {
    const scheduled = saved(HOURLY);
    scheduled.command(backfill);
    expect(scheduled.command(backfill)).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/a backfill already/),
    });
    expect(saved({ type: 'core.http.Trigger', uri: 'https://example.com' }).command(backfill)).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/no dates/),
    });
  });
});

describe('a bug in an evaluation', () => {
  it('disables what was due, so that it is not met each second', () => {
    const scheduled = saved(CONCURRENT);
    scheduled.now = at('10:01:00');
    scheduled.fail(new Error('out of luck'));
    expect(scheduled.trigger().disabled).toBe(true);
    expect(scheduled.logs).toMatchObject([{ level: 'WARN', message: expect.stringContaining('out of luck') }]);
  });
});
