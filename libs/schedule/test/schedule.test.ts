import type { Flow, PlainObject, TriggerDefinition } from '@millrace/model';
import {
  evaluateCall,
  evaluateSchedule,
  planTriggers,
  zoneOf,
  type Additions,
  type Evaluation,
  type FlowTriggers,
  type Schedule,
  type TriggerPlan,
} from '../src/index.js';

const flow: Flow = {
  tenant: 'main',
  namespace: 'demo',
  id: 'sched',
  revision: 3,
  source: '',
  definition: { id: 'sched', namespace: 'demo', tasks: [], variables: { shop: 'north' } },
  deleted: false,
  updated: Date.parse('2024-01-01T00:00:00Z'),
};

function planned(definition: PlainObject): { plan: TriggerPlan; of: FlowTriggers } {
  const of = planTriggers(
    {
      flow,
      labels: [{ key: 'team', value: 'blue' }],
      nestedLabels: { team: 'blue' },
      surroundings: {
        zone: zoneOf('UTC')!,
        serverVariables: { envs: { stage: 'test' } },
        recoverMissedSchedules: 'ALL',
      },
    },
    [{ id: 't', type: 'io.kestra.plugin.core.trigger.Schedule', ...definition } as TriggerDefinition],
  );
  const plan = of.triggers.get('t');
  if (!plan) throw new Error('The trigger was not planned');
  return { plan, of };
}

function schedule(definition: PlainObject): Schedule {
  const { plan } = planned(definition);
  if (!plan.schedule) throw new Error(plan.fault ?? 'The trigger is no schedule');
  return plan.schedule;
}

function evaluated(definition: PlainObject, date: string, additions?: Additions): Evaluation {
  const { plan, of } = planned(definition);
  if (!plan.schedule) throw new Error(plan.fault ?? 'The trigger is no schedule');
  return evaluateSchedule(plan, plan.schedule, of, Date.parse(date), additions);
}

const nextOf = (definition: PlainObject, from: string): string => {
  const found = schedule(definition).next(Date.parse(from));
  if (!found) return 'none';
  return `${new Date(found.date).toISOString().slice(0, 19)}${found.holds ? '' : ' ?'}`;
};
const condition = (name: string, rest: PlainObject = {}): PlainObject => ({ type: `core.condition.${name}`, ...rest });
const MONDAYS = {
  cron: '0 9 * * *',
  timezone: 'Europe/Paris',
  conditions: [condition('DayWeek', { dayOfWeek: 'MONDAY' })],
  inputs: { d: '{{ trigger.date }}' },
};

describe('a schedule with conditions (spec example 25)', () => {
  it('is due each Monday at nine in Paris, in winter and summer', () => {
    expect(nextOf(MONDAYS, '2024-03-20T00:00:00Z')).toBe('2024-03-25T08:00:00');
    expect(nextOf(MONDAYS, '2024-03-25T08:00:00Z')).toBe('2024-04-01T07:00:00');
  });

  it('gives neighbouring Mondays and rendered inputs', () => {
    expect(evaluated(MONDAYS, '2024-03-25T08:00:00Z')).toEqual({
      kind: 'start',
      given: { d: '2024-03-25T09:00:00+01:00' },
      labels: [],
      variables: {
        date: '2024-03-25T09:00:00+01:00',
        next: '2024-04-01T09:00:00+02:00',
        previous: '2024-03-18T09:00:00+01:00',
      },
    });
  });

  it('does not start on another day', () => {
    expect(evaluated(MONDAYS, '2024-03-26T08:00:00Z')).toEqual({ kind: 'not-met' });
  });

  it('takes conditions from their old place too', () => {
    const { conditions, ...rest } = MONDAYS;
    expect(nextOf({ ...rest, scheduleConditions: conditions }, '2024-03-20T00:00:00Z')).toBe('2024-03-25T08:00:00');
  });
});

describe('the search for a date', () => {
  it.each([
    [
      'a rare day',
      { cron: '* * * * *', conditions: [condition('DayWeekInMonth', { dayOfWeek: 'MONDAY', dayInMonth: 'LAST' })] },
      '2024-01-29T00:00:00',
    ],
    [
      'no weekend',
      { cron: '*/5 * * * *', conditions: [condition('Not', { conditions: [condition('Weekend')] })] },
      '2024-01-08T00:00:00',
    ],
    [
      'every second, but only on Mondays',
      { cron: '* * * * * *', withSeconds: true, conditions: [condition('DayWeek', { dayOfWeek: 'MONDAY' })] },
      '2024-01-08T00:00:00',
    ],
    [
      'a time of the day',
      { cron: '*/10 * * * *', conditions: [condition('TimeBetween', { after: '07:59:00Z', before: '09:00:00Z' })] },
      '2024-01-06T08:00:00',
    ],
    [
      'conditions that no day fulfils',
      { cron: '0 0 * * *', conditions: [condition('DayWeek', { dayOfWeek: 'MONDAY' }), condition('Weekend')] },
      'none',
    ],
    ['a date that never comes', { cron: '0 0 31 2 *' }, 'none'],
  ])('%s', (_name, definition, expected) => {
    expect(nextOf(definition, '2024-01-06T00:30:00Z')).toBe(expected);
  });

  it('is put off when it takes too long, and goes on from there', () => {
    const nightly = {
      cron: '* * * * * *',
      withSeconds: true,
      conditions: [condition('TimeBetween', { after: '03:00:00Z', before: '04:00:00Z' })],
    };
    const found = nextOf(nightly, '2024-01-06T00:00:00Z');
    expect(found).toBe('2024-01-06T00:16:40 ?');
    expect(evaluated(nightly, '2024-01-06T00:16:40Z')).toEqual({ kind: 'not-met' });
  });

  it('stops at a date whose condition cannot be evaluated, so that somebody hears of it', () => {
    const broken = { cron: '0 0 * * *', conditions: [condition('DayWeek', { dayOfWeek: '{{ vars.none }}' })] };
    expect(nextOf(broken, '2024-01-06T00:30:00Z')).toBe('2024-01-07T00:00:00 ?');
    const evaluation = evaluated(broken, '2024-01-07T00:00:00Z');
    expect(evaluation).toMatchObject({ kind: 'failed', variables: { date: '2024-01-07T00:00:00Z' } });
    expect(evaluation.kind === 'failed' && evaluation.message).toMatch(/trigger 't' could not be evaluated.*none/);
  });
});

describe('ScheduleOnDates', () => {
  const dates = {
    type: 'core.trigger.ScheduleOnDates',
    timezone: 'Europe/Paris',
    dates: ['2024-02-01T08:00:00Z', '2024-01-10T09:00:00', '2024-01-10T08:00:00Z'],
  };

  it('is due at each date once, then looked at in a year', () => {
    expect(nextOf(dates, '2024-01-01T00:00:00Z')).toBe('2024-01-10T08:00:00');
    expect(nextOf(dates, '2024-01-10T08:00:00Z')).toBe('2024-02-01T08:00:00');
    expect(nextOf(dates, '2024-02-01T08:00:00Z')).toBe('2025-02-01T08:00:00 ?');
    expect(schedule(dates).isListed).toBe(true);
  });

  it('has dates as far away as one likes', () => {
    expect(nextOf({ ...dates, dates: ['2199-01-01T00:00:00Z'] }, '2024-01-01T00:00:00Z')).toBe('2199-01-01T00:00:00');
  });

  it('takes dates from expressions', () => {
    expect(nextOf({ ...dates, dates: "{{ ['2024-05-01T00:00:00Z'] }}" }, '2024-01-01T00:00:00Z')).toBe(
      '2024-05-01T00:00:00',
    );
    expect(
      nextOf({ ...dates, dates: ["{{ vars.shop == 'north' ? '2024-05-02T00:00:00Z' : '' }}"] }, '2024-01-01T00:00:00Z'),
    ).toBe('2024-05-02T00:00:00');
  });

  it.each([
    [['soon'], /'soon' is no date/],
    [["{{ kv('dates') }}"], /a function that only a worker has/],
    ['{{ vars.none }}', /cannot be rendered/],
  ])('says what is wrong with %j', (written, fault) => {
    expect(planned({ ...dates, dates: written }).plan.fault).toMatch(fault);
  });
});

describe('what an execution gets', () => {
  it('inputs keep their types, and see flow, variables, labels and the server', () => {
    const inputs = {
      n: '{{ 1 + 1 }}',
      text: '{{ flow.id }}-{{ vars.shop }}-{{ labels.team }}-{{ envs.stage }}-{{ trigger.id }}',
      list: ['{{ schedule.date }}'],
    };
    expect(evaluated({ cron: '@daily', inputs }, '2024-01-07T00:00:00Z')).toMatchObject({
      given: { n: 2, text: 'sched-north-blue-test-t', list: ['2024-01-07T00:00:00Z'] },
    });
  });

  it('labels are rendered; those of the system and empty ones are left out', () => {
    const labels = { day: '{{ trigger.date | date("EEEE") }}', 'system.x': 'y', none: '' };
    expect(evaluated({ cron: '@daily', labels }, '2024-01-07T00:00:00Z')).toMatchObject({
      labels: [{ key: 'day', value: 'Sunday' }],
    });
    const list = [{ key: 'day', value: 'any' }];
    expect(evaluated({ cron: '@daily', labels: list }, '2024-01-07T00:00:00Z')).toMatchObject({ labels: list });
  });

  it('a backfill adds inputs and labels, which win', () => {
    const definition = { cron: '@daily', inputs: { a: 'trigger', b: 'trigger' }, labels: { from: 'trigger' } };
    const additions = { inputs: { b: 'backfill' }, labels: { from: 'backfill', more: 'x' } };
    expect(evaluated(definition, '2024-01-07T00:00:00Z', additions)).toMatchObject({
      given: { a: 'trigger', b: 'backfill' },
      labels: [
        { key: 'from', value: 'backfill' },
        { key: 'more', value: 'x' },
      ],
    });
  });

  it('an input that needs a worker fails with a sentence', () => {
    const evaluation = evaluated({ cron: '@daily', inputs: { s: "{{ secret('KEY') }}" } }, '2024-01-07T00:00:00Z');
    expect(evaluation).toMatchObject({ kind: 'failed' });
    expect(evaluation.kind === 'failed' && evaluation.message).toMatch(/trigger 't'.*secret/s);
  });

  it('a call has what it was called with', () => {
    const { plan, of } = planned({
      type: 'core.trigger.Webhook',
      key: 'k',
      inputs: { name: '{{ trigger.body.name }}' },
      conditions: [condition('Expression', { expression: "{{ trigger.body.name == 'Al' }}" })],
    });
    expect(evaluateCall(plan, of, { body: { name: 'Al' } }, 0)).toMatchObject({ kind: 'start', given: { name: 'Al' } });
    expect(evaluateCall(plan, of, { body: { name: 'Bo' } }, 0)).toEqual({ kind: 'not-met' });
    expect(evaluateCall(plan, of, { body: 'text' }, 0)).toMatchObject({ kind: 'failed' });
  });
});

describe('the plan of a trigger', () => {
  it('knows what the definition says', () => {
    const { plan } = planned({
      cron: '@daily',
      lateMaximumDelay: 'PT1H',
      recoverMissedSchedules: 'LAST',
      stopAfter: ['FAILED'],
      allowConcurrent: true,
      disabled: true,
    });
    expect(plan).toMatchObject({ kind: 'schedule', stopAfter: ['FAILED'], allowConcurrent: true, isDisabled: true });
    expect(plan.schedule).toMatchObject({ lateMaximumDelayMs: 3_600_000, recoverMissedSchedules: 'LAST' });
    expect(schedule({ cron: '@daily' }).recoverMissedSchedules).toBe('ALL');
  });

  it('has another hash for another definition', () => {
    expect(planned({ cron: '@daily' }).plan.hash).toBe(planned({ cron: '@daily' }).plan.hash);
    expect(planned({ cron: '@daily' }).plan.hash).not.toBe(planned({ cron: '@hourly' }).plan.hash);
  });

  it.each([
    [{ cron: 'x' }, /cron expression 'x' has 1 fields/],
    [{ cron: '@daily', timezone: 'Mars/Phobos' }, /no time zone 'Mars\/Phobos'/],
  ])('has a fault: %j', (definition, fault) => {
    expect(planned(definition).plan.fault).toMatch(fault);
  });
});
