import { DAYS_OF_WEEK, findConditionType, isPlainObject, type Condition } from '@millrace/model';
import { DateTime } from 'luxon';
import type { ConditionContext } from './condition.js';

type Text = (property: string) => string | undefined;

/** The date under test, in the offset that it is written with, else in the zone. */
export function testedDate(text: Text, { zone }: ConditionContext): DateTime<true> {
  const written = text('date') ?? '';
  const cleaned = written.trim().replace(/\[[^\]]*\]$/, '');
  const date = DateTime.fromISO(cleaned, { setZone: true, zone });
  // A date without an offset is of the zone already.
  if (date.isValid) return date;
  throw new Error(`'date' must be a date in ISO-8601, but is '${written.slice(0, 80)}'`);
}

/** `after < date < before`, as far as they are given. */
export function dateTimeBetween(text: Text, context: ConditionContext): boolean {
  const date = testedDate(text, context).toMillis();
  const after = boundOf('after', text, context);
  const before = boundOf('before', text, context);
  if (after === undefined && before === undefined) throw new Error("it has neither 'after' nor 'before'");
  return (after === undefined || date > after) && (before === undefined || date < before);
}

function boundOf(property: 'after' | 'before', text: Text, { zone }: ConditionContext): number | undefined {
  const written = text(property);
  if (written === undefined) return undefined;
  const date = DateTime.fromISO(written.trim().replace(/\[[^\]]*\]$/, ''), { zone });
  if (date.isValid) return date.toMillis();
  throw new Error(`'${property}' must be a date with its zone, but is '${written.slice(0, 80)}'`);
}

const DAY = 86_400_000;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

/** The time of day, seen from the offset of the bounds; `before` earlier than `after`: across midnight. */
export function timeBetween(text: Text, context: ConditionContext): boolean {
  const date = testedDate(text, context);
  const [after, before] = [timeOf('after', text), timeOf('before', text)];
  if (after === undefined && before === undefined) throw new Error("it has neither 'after' nor 'before'");
  // Milliseconds from the bound to the date, the day around.
  const since = (bound: TimeOfDay): number =>
    modulo(date.toMillis() + (bound.offset ?? date.offset) * 60_000 - bound.time, DAY);
  const timeAt = (bound: TimeOfDay): number => modulo(since(bound) + bound.time, DAY);
  if (after === undefined) return before === undefined || timeAt(before) < before.time;
  if (before === undefined) return timeAt(after) > after.time;
  // From one bound to the other forwards, so the range may cross midnight.
  const length = modulo(since(after) - since(before), DAY);
  return since(after) > 0 && since(after) < length;
}

interface TimeOfDay {
  /** Milliseconds since midnight. */
  readonly time: number;
  /** Minutes from UTC; absent: that of the date under test. */
  readonly offset?: number;
}

function timeOf(property: 'after' | 'before', text: Text): TimeOfDay | undefined {
  const written = text(property);
  if (written === undefined) return undefined;
  const match = TIME.exec(written.trim());
  const [hours, minutes, seconds] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3] ?? 0)];
  if (match === null || hours > 23 || minutes > 59 || seconds > 59) {
    throw new Error(`'${property}' must be a time such as 16:19:12+02:00, but is '${written.slice(0, 80)}'`);
  }
  const milliseconds = Math.trunc(Number((match[4] ?? '').padEnd(9, '0')) / 1_000_000);
  const time = ((hours * 60 + minutes) * 60 + seconds) * 1_000 + milliseconds;
  const zone = match[5];
  if (zone === undefined) return { time };
  if (/^z$/i.test(zone)) return { time, offset: 0 };
  const offset = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', '') || 0);
  return { time, offset: zone.startsWith('-') ? -offset : offset };
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

function dayOf(text: Text): number {
  const written = (text('dayOfWeek') ?? '').trim().toUpperCase();
  const day = DAYS_OF_WEEK.findIndex((name) => name === written);
  if (day < 0) throw new Error(`'dayOfWeek' must be MONDAY to SUNDAY, but is '${written.slice(0, 80)}'`);
  return day + 1;
}

/** The date is this day of the week. */
export const dayWeek = (text: Text, context: ConditionContext): boolean =>
  testedDate(text, context).weekday === dayOf(text);

const PLACES = ['FIRST', 'SECOND', 'THIRD', 'FOURTH'];

/** The date is the first, …, or the last such day of its month. */
export function dayWeekInMonth(text: Text, context: ConditionContext): boolean {
  const date = testedDate(text, context);
  if (date.weekday !== dayOf(text)) return false;
  const place = (text('dayInMonth') ?? '').trim().toUpperCase();
  if (place === 'LAST') return date.day + 7 > (date.daysInMonth ?? 31);
  const index = PLACES.indexOf(place);
  if (index < 0) throw new Error(`'dayInMonth' must be FIRST to FOURTH or LAST, but is '${place.slice(0, 80)}'`);
  return Math.ceil(date.day / 7) === index + 1;
}

/** Saturday or Sunday. */
export const weekend = (text: Text, context: ConditionContext): boolean => testedDate(text, context).weekday >= 6;

/** The date is a public holiday of the country. */
export function publicHoliday(text: Text, context: ConditionContext): boolean {
  const country = text('country')?.trim();
  if (country === undefined || country === '') throw new Error("it has no 'country': name one, such as FR");
  if (context.holidays === undefined) throw new Error('there is no calendar of holidays here');
  const day = testedDate(text, context).toFormat('yyyy-MM-dd');
  const subDivision = text('subDivision')?.trim();
  return context.holidays.isHoliday(
    day,
    country,
    ...(subDivision === undefined || subDivision === '' ? [] : [subDivision]),
  );
}

const ON_DAYS = new Set(
  ['DayWeek', 'DayWeekInMonth', 'Weekend', 'PublicHoliday'].map((name) => `core.condition.${name}`),
);
const OF_OTHERS = new Set(['core.condition.Not', 'core.condition.Or']);
const DEFAULT_DATE = /^\s*\{\{\s*(trigger|schedule)\.date\s*\}\}\s*$/;

/** The condition has the same answer for all dates of a day: it looks at the day of the date under test and no more. */
export function isOnDay(condition: Condition): boolean {
  const type = findConditionType(condition.type)?.type;
  if (type === undefined) return false;
  if (OF_OTHERS.has(type)) return conditionsIn(condition).every(isOnDay);
  const { date } = condition;
  return ON_DAYS.has(type) && (date === undefined || (typeof date === 'string' && DEFAULT_DATE.test(date)));
}

/** The conditions inside another one. */
export function conditionsIn(condition: Condition): readonly Condition[] {
  const { conditions } = condition;
  const list: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
  return list.filter(isCondition);
}

/** A map with a type, as a condition is written. */
export const isCondition = (value: unknown): value is Condition =>
  isPlainObject(value) && typeof value['type'] === 'string';
