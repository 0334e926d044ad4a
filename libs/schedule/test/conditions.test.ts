import { variablesOf } from '@millrace/expression';
import type { Condition } from '@millrace/model';
import { createHolidayCalendar } from '../src/holidays/index.js';
import { ConditionError, holds, zoneOf } from '../src/index.js';

const zone = zoneOf('Europe/Paris')!;
const holidays = createHolidayCalendar();

const at = (date: string, condition: Condition): boolean =>
  holds(condition, {
    variables: variablesOf({ trigger: { date }, vars: { day: 'FRIDAY' }, flow: { id: 'etl' } }),
    environment: { now: 0, random: () => 0, timeZone: 'Europe/Paris' },
    zone,
    flow: { namespace: 'team.data', id: 'etl' },
    labels: new Map([['owner', 'ann']]),
    holidays,
  });

const type = (name: string): string => `io.kestra.plugin.core.condition.${name}`;

describe('conditions on dates', () => {
  // 2024-01-05 is a Friday.
  it.each([
    ['DayWeek', { dayOfWeek: 'FRIDAY' }, '2024-01-05T23:30:00+01:00', true],
    ['DayWeek', { dayOfWeek: 'FRIDAY' }, '2024-01-06T00:30:00+01:00', false],
    // The day is that of the date's own offset.
    ['DayWeek', { dayOfWeek: 'FRIDAY' }, '2024-01-05T23:30:00Z', true],
    ['DayWeek', { dayOfWeek: '{{ vars.day }}' }, '2024-01-05T10:00:00Z', true],
    ['DayWeek', { dayOfWeek: 'FRIDAY', date: '2024-01-05' }, '2024-01-06T00:30:00Z', true],
    ['Weekend', {}, '2024-01-05T10:00:00Z', false],
    ['Weekend', {}, '2024-01-06T10:00:00Z', true],
    ['Weekend', {}, '2024-01-07T10:00:00Z', true],
    ['Weekend', { date: '2024-01-08T00:00:00Z' }, '2024-01-07T10:00:00Z', false],
    ['DayWeekInMonth', { dayOfWeek: 'FRIDAY', dayInMonth: 'FIRST' }, '2024-01-05T10:00:00Z', true],
    ['DayWeekInMonth', { dayOfWeek: 'FRIDAY', dayInMonth: 'FIRST' }, '2024-01-12T10:00:00Z', false],
    ['DayWeekInMonth', { dayOfWeek: 'FRIDAY', dayInMonth: 'SECOND' }, '2024-01-12T10:00:00Z', true],
    ['DayWeekInMonth', { dayOfWeek: 'FRIDAY', dayInMonth: 'THIRD' }, '2024-01-19T10:00:00Z', true],
    ['DayWeekInMonth', { dayOfWeek: 'FRIDAY', dayInMonth: 'FOURTH' }, '2024-01-26T10:00:00Z', true],
    ['DayWeekInMonth', { dayOfWeek: 'FRIDAY', dayInMonth: 'LAST' }, '2024-01-26T10:00:00Z', true],
    ['DayWeekInMonth', { dayOfWeek: 'FRIDAY', dayInMonth: 'LAST' }, '2024-01-19T10:00:00Z', false],
    ['DayWeekInMonth', { dayOfWeek: 'MONDAY', dayInMonth: 'FIRST' }, '2024-01-05T10:00:00Z', false],
    ['DateTimeBetween', { after: '2024-01-05T10:00:00Z' }, '2024-01-05T10:00:00Z', false],
    ['DateTimeBetween', { after: '2024-01-05T10:00:00Z' }, '2024-01-05T10:00:01Z', true],
    ['DateTimeBetween', { before: '2024-01-05T10:00:00+02:00' }, '2024-01-05T08:00:00Z', false],
    ['DateTimeBetween', { before: '2024-01-05T10:00:00+02:00' }, '2024-01-05T07:59:59Z', true],
    [
      'DateTimeBetween',
      { after: '2024-01-01T00:00:00Z', before: '2024-02-01T00:00:00Z' },
      '2024-01-05T08:00:00Z',
      true,
    ],
    ['TimeBetween', { after: '16:19:12+02:00' }, '2024-01-05T14:19:12Z', false],
    ['TimeBetween', { after: '16:19:12+02:00' }, '2024-01-05T14:19:13Z', true],
    ['TimeBetween', { before: '10:00:00Z' }, '2024-01-05T09:59:59Z', true],
    ['TimeBetween', { before: '10:00:00Z' }, '2024-01-05T10:00:00Z', false],
    ['TimeBetween', { after: '08:00:00Z', before: '10:00:00Z' }, '2024-01-05T09:00:00Z', true],
    ['TimeBetween', { after: '08:00:00Z', before: '10:00:00Z' }, '2024-01-05T08:00:00Z', false],
    ['TimeBetween', { after: '08:00:00Z', before: '10:00:00Z' }, '2024-01-05T11:00:00Z', false],
    ['TimeBetween', { after: '22:00:00Z', before: '04:00:00Z' }, '2024-01-05T23:00:00Z', true],
    ['TimeBetween', { after: '22:00:00Z', before: '04:00:00Z' }, '2024-01-05T03:59:59Z', true],
    ['TimeBetween', { after: '22:00:00Z', before: '04:00:00Z' }, '2024-01-05T12:00:00Z', false],
    ['PublicHoliday', { country: 'FR' }, '2024-07-14T23:00:00+02:00', true],
    ['PublicHoliday', { country: 'FR' }, '2024-07-15T10:00:00+02:00', false],
    ['PublicHoliday', { country: 'DE' }, '2024-01-06T10:00:00+01:00', false],
    ['PublicHoliday', { country: 'DE', subDivision: 'BY' }, '2024-01-06T10:00:00+01:00', true],
    ['PublicHoliday', { country: 'us', date: '2024-07-04' }, '2024-01-06T10:00:00+01:00', true],
  ])('%s %j at %s: %s', (name, properties, date, expected) => {
    expect(at(date, { type: type(name), ...properties })).toBe(expected);
  });
});

describe('conditions on conditions', () => {
  const weekend = { type: type('Weekend') };
  const friday = { type: type('DayWeek'), dayOfWeek: 'FRIDAY' };

  it.each([
    ['Not', [weekend], '2024-01-05T10:00:00Z', true],
    ['Not', [weekend, friday], '2024-01-05T10:00:00Z', false],
    ['Or', [weekend, friday], '2024-01-05T10:00:00Z', true],
    ['Or', [weekend, friday], '2024-01-04T10:00:00Z', false],
  ])('%s of %j at %s: %s', (name, conditions, date, expected) => {
    expect(at(date, { type: type(name), conditions })).toBe(expected);
  });

  it.each([
    ['{{ flow.id == "etl" }}', true],
    ['{{ flow.id == "other" }}', false],
    ['  ', false],
    ['yes', true],
  ])('Expression %s: %s', (expression, expected) => {
    expect(at('2024-01-05T10:00:00Z', { type: type('ExpressionCondition'), expression })).toBe(expected);
  });
});

describe('conditions on the execution that would be started', () => {
  it.each([
    ['ExecutionFlow', { namespace: 'team.data', flowId: 'etl' }, true],
    ['ExecutionFlow', { namespace: 'team', flowId: 'etl' }, false],
    ['ExecutionNamespace', { namespace: 'team.data' }, true],
    ['ExecutionNamespace', { namespace: 'team' }, false],
    ['ExecutionNamespace', { namespace: 'team', prefix: true }, true],
    ['ExecutionNamespace', { namespace: 'team', comparison: 'PREFIX' }, true],
    ['ExecutionNamespace', { namespace: 'data', comparison: 'SUFFIX' }, true],
    ['ExecutionStatus', { in: ['CREATED'] }, true],
    ['ExecutionStatus', { in: ['FAILED'] }, false],
    ['ExecutionStatus', { notIn: ['CREATED'] }, false],
    ['ExecutionLabels', { labels: { owner: 'ann' } }, true],
    ['ExecutionLabels', { labels: [{ key: 'owner', value: 'bob' }] }, false],
    ['ExecutionOutputs', { expression: 'true' }, false],
    ['HasRetryAttempt', { in: ['FAILED'] }, false],
    ['FlowCondition', { namespace: 'team.data', flowId: 'etl' }, true],
    ['FlowNamespaceCondition', { namespace: 'team', prefix: true }, true],
  ])('%s %j: %s', (name, properties, expected) => {
    expect(at('2024-01-05T10:00:00Z', { type: type(name), ...properties })).toBe(expected);
  });
});

describe('a condition that cannot be evaluated', () => {
  it.each([
    [{ type: type('DayWeek'), dayOfWeek: '{{ vars.none }}' }, /vars\.none|none/],
    [{ type: type('DayWeek'), dayOfWeek: 'SOMEDAY' }, /MONDAY to SUNDAY/],
    [{ type: type('DayWeek'), dayOfWeek: 'MONDAY', date: 'soon' }, /ISO-8601/],
    [{ type: type('TimeBetween'), after: '25:00:00Z' }, /a time such as/],
    [{ type: type('TimeBetween') }, /neither/],
    [{ type: type('DateTimeBetween') }, /neither/],
    [{ type: type('DateTimeBetween'), after: 'soon' }, /a date with its zone/],
    [{ type: type('PublicHoliday'), country: 'XX' }, /no calendar of holidays of 'XX'/],
    [{ type: type('PublicHoliday'), country: 'DE', subDivision: 'ZZ' }, /no calendar of holidays of 'DE-ZZ'/],
    [{ type: type('PublicHoliday') }, /no 'country'/],
    [{ type: type('Expression'), expression: "{{ secret('KEY') }}" }, /secret/],
    [{ type: type('MultipleCondition') }, /cannot be evaluated here/],
  ])('%j says why', (condition, reason) => {
    expect(() => at('2024-01-05T10:00:00Z', condition)).toThrow(ConditionError);
    expect(() => at('2024-01-05T10:00:00Z', condition)).toThrow(reason);
  });
});
