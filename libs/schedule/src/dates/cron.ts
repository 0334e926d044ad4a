import { CronExpressionParser, type CronExpression } from 'cron-parser';
import { DateTime, type Zone } from 'luxon';
import { wholeSeconds } from './zone.js';

/** A cron expression in its zone: dates are whole seconds, in milliseconds since the epoch. */
export interface Cron {
  /** The first date after `instant`; undefined when there is none. */
  next(instant: number): number | undefined;
  /** The last date before `instant`. */
  previous(instant: number): number | undefined;
  /** No date ever matches, such as the 31st of February. */
  readonly isEmpty: boolean;
}

export type CronResult = { readonly cron: Cron } | { readonly reason: string };

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const FIELDS = ['second', 'minute', 'hour', 'day of the month', 'month', 'day of the week'] as const;
/** Lists, ranges, steps and names: what cron of Unix has. `L`, `W`, `#` and `?` are others' additions. */
const FIELD = /^(\*|[0-9a-z]+)([-,/][0-9a-z*]+)*$/i;
const NAMES: Readonly<Record<string, RegExp>> = {
  month: /^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)$/i,
  'day of the week': /^(sun|mon|tue|wed|thu|fri|sat)$/i,
};
const EXPRESSION_LENGTH_MAX = 500;
const HOUR = 3_600_000;

/**
 * Reads a cron expression of five fields, or six with seconds first.
 * @returns what is wrong, as the end of a sentence that begins with the expression
 */
export function parseCron(
  expression: string,
  options: { readonly withSeconds: boolean; readonly zone: Zone },
): CronResult {
  const fields = fieldsOf(expression.trim(), options.withSeconds);
  if ('reason' in fields) return fields;
  const text = fields.text;
  try {
    return {
      cron: cronOf(CronExpressionParser.parse(text, { tz: options.zone.name, currentDate: new Date(0) }), options.zone),
    };
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    // Days that no month of the expression has: it is understood, and never due.
    if (/invalid explicit day of month/i.test(message)) return { cron: NEVER };
    return { reason: reasonOf(message) };
  }
}

const NEVER: Cron = { next: () => undefined, previous: () => undefined, isEmpty: true };

function fieldsOf(text: string, withSeconds: boolean): { readonly text: string } | { readonly reason: string } {
  const wanted = withSeconds ? 6 : 5;
  const names = withSeconds ? FIELDS : FIELDS.slice(1);
  if (text.length > EXPRESSION_LENGTH_MAX) return { reason: `is longer than ${EXPRESSION_LENGTH_MAX} characters` };
  if (text.startsWith('@')) {
    const nickname = text.toLowerCase();
    const meant = Object.hasOwn(NICKNAMES, nickname) ? NICKNAMES[nickname] : undefined;
    if (meant === undefined) return { reason: `is none of the names ${Object.keys(NICKNAMES).join(', ')}` };
    return { text: `0 ${meant}` };
  }
  const fields = text === '' ? [] : text.split(/\s+/);
  if (fields.length !== wanted) {
    const hint = fields.length === 6 && !withSeconds ? "; set 'withSeconds: true' if it begins with seconds" : '';
    return { reason: `has ${fields.length} fields but must have ${wanted}: ${names.join(', ')}${hint}` };
  }
  for (const [at, field] of fields.entries()) {
    const name = names[at] ?? '';
    if (!FIELD.test(field) || !isNamedWell(field, name))
      return { reason: `has '${field}' as its ${name}, which is not understood` };
  }
  return { text: withSeconds ? fields.join(' ') : `0 ${fields.join(' ')}` };
}

/** Words only where there are names. */
function isNamedWell(field: string, name: string): boolean {
  const words = field.match(/[a-z]+/gi) ?? [];
  return words.every((word) => NAMES[name]?.test(word) === true);
}

const reasonOf = (message: string): string => `is not understood (${message.replace(/\.$/, '')})`;

function cronOf(expression: CronExpression, zone: Zone): Cron {
  const everyHour = expression.fields.hour.isWildcard || expression.fields.hour.values.length === 24;
  const step = (from: number, direction: 'next' | 'prev'): number | undefined => {
    try {
      expression.reset(new Date(from));
      return expression[direction]().toDate().getTime();
    } catch {
      // It gave up looking: there is no such date.
      return undefined;
    }
  };

  /** The first of the dates from `start` on, in their order, that comes after `instant`. */
  const walk = (start: number, instant: number): number | undefined => {
    let date = step(start, 'next');
    while (date !== undefined && date <= instant) date = step(date, 'next');
    return date;
  };

  function next(instant: number): number | undefined {
    const date = step(wholeSeconds(instant), 'next');
    if (date === undefined || everyHour || !isShownAgain(date, zone)) return date;
    // A date in an hour that the clock shows twice is due once, the first time.
    return walk(date - HOUR - 1_000, instant);
  }

  function previous(instant: number): number | undefined {
    const date = step(Math.ceil(instant / 1000) * 1000, 'prev');
    if (date === undefined || everyHour || zone.offset(date - 3 * HOUR) === zone.offset(instant)) return date;
    // Backwards the library does not go the way that it goes forwards where the clock is put forward or back.
    if (instant - date <= HOUR && !isShownAgain(date, zone)) return date;
    let last: number | undefined;
    for (let at = step(date - 3 * HOUR, 'prev') ?? date - 3 * HOUR; ;) {
      const following = next(at);
      if (following === undefined || following >= instant) return last ?? date;
      last = following;
      at = following;
    }
  }

  return { next, previous, isEmpty: false };
}

/** The clock showed the same time an hour before, because it was put back. */
function isShownAgain(date: number, zone: Zone): boolean {
  const before = DateTime.fromMillis(date - HOUR, { zone });
  return zone.offset(date) < before.offset && DateTime.fromMillis(date, { zone }).hour === before.hour;
}
