import type { DateTime, Zone } from 'luxon';
import { parsePattern, PatternProblem, type PatternPart } from '../dates/java-pattern.js';
import { epochNanos, fromEpochNanos, fromNumber, inZone, parseIso, zoneOf, type Moment } from '../dates/moment.js';
import { isLocaleStyle, printNamed } from '../dates/named-formats.js';
import { printPattern } from '../dates/print.js';
import { readPattern } from '../dates/read.js';
import type { Run } from '../run.js';
import { described, integerArgument, textArgument } from './arguments.js';
import type { Filter, Filters, Functions } from './definition.js';

/** Nanoseconds of the units that are a fixed time; `HALF_DAYS` is one, a day is not, because of daylight saving. */
const TIME_UNITS: Readonly<Record<string, bigint>> = {
  NANOS: 1n,
  MICROS: 1_000n,
  MILLIS: 1_000_000n,
  SECONDS: 1_000_000_000n,
  MINUTES: 60_000_000_000n,
  HOURS: 3_600_000_000_000n,
  HALF_DAYS: 43_200_000_000_000n,
};
/** Units of the calendar: how many of which luxon unit. */
const CALENDAR_UNITS: Readonly<Record<string, readonly ['days' | 'weeks' | 'months' | 'years', number]>> = {
  DAYS: ['days', 1],
  WEEKS: ['weeks', 1],
  MONTHS: ['months', 1],
  YEARS: ['years', 1],
  DECADES: ['years', 10],
  CENTURIES: ['years', 100],
  MILLENNIA: ['years', 1000],
};
const PATTERN_MAX = 200;
/** Steps that reading or printing a date costs: calendars are slow. */
const DATE_STEPS = 20;
/** Printing in the style of a locale is slower still. */
const LOCALE_STEPS = 150;

/** How a date is read and printed: `format, timeZone, existingFormat, locale`, each optional. */
interface Style {
  readonly format: string;
  readonly zone: Zone;
  readonly existingFormat: string | undefined;
  readonly locale: string;
}

/** Filters of points in time; input is text or a number, see `read`. */
export const DATE_FILTERS: Filters = {
  date: {
    parameters: ['format', 'timeZone', 'existingFormat', 'locale'],
    apply: (input, args, run) => {
      const style = styleOf(args, run);
      return print(read(input, style, run), style, run);
    },
  },
  dateAdd: {
    parameters: ['amount', 'unit', 'format', 'timeZone', 'existingFormat', 'locale'],
    required: 2,
    apply: (input, [amount, unit, ...rest], run) => {
      const style = styleOf(rest, run);
      const moment = inZone(read(input, style, run), style.zone, style.locale);
      const name = textArgument(unit, 'unit', run).toUpperCase();
      return print(add(moment, integerArgument(amount, 'amount', run), name, run), style, run);
    },
  },
  timestamp: timestamp((nanos) => Number(nanos / 1_000_000_000n)),
  timestampMilli: timestamp((nanos) => Number(nanos / 1_000_000n)),
  timestampMicro: timestamp((nanos) => String(nanos / 1_000n)),
  timestampNano: timestamp((nanos) => String(nanos)),
};

/** Functions of the current time, which is the environment's. */
export const DATE_FUNCTIONS: Functions = {
  now: {
    parameters: ['format', 'timeZone', 'existingFormat', 'locale'],
    call: (args, run) => {
      const style = styleOf(args, run);
      return print(
        read(Math.trunc(run.environment.now), { ...style, existingFormat: undefined }, run, true),
        style,
        run,
      );
    },
  },
};

function timestamp(convert: (epochNanos: bigint) => number | string): Filter {
  return {
    parameters: ['existingFormat', 'timeZone'],
    apply: (input, [existingFormat, timeZone], run) =>
      convert(epochNanos(read(input, styleOf([undefined, timeZone, existingFormat], run), run))),
  };
}

function styleOf([format, timeZone, existingFormat, locale]: readonly unknown[], run: Run): Style {
  run.step(DATE_STEPS);
  const zoneName = textArgument(timeZone, 'timeZone', run, run.environment.timeZone);
  const zone = zoneOf(zoneName);
  if (zone === undefined) return run.fail('type', `unknown time zone '${zoneName}'; one is 'Europe/Paris' or '+02:00'`);
  return {
    format: textArgument(format, 'format', run, 'iso'),
    zone,
    existingFormat: existingFormat === undefined || existingFormat === null ? undefined : run.text(existingFormat),
    locale: localeOf(textArgument(locale, 'locale', run, 'en-US'), run),
  };
}

function localeOf(name: string, run: Run): string {
  try {
    return Intl.getCanonicalLocales(name.replaceAll('_', '-'))[0] ?? 'en-US';
  } catch (error) {
    return run.fail('type', `unknown locale '${name}'; one is 'fr' or 'fr-FR'`, error);
  }
}

/**
 * A point in time from a number (10 digits seconds, 13 milli-, 16 micro-, 19 nanoseconds; the same digits as text), by
 * `existingFormat`, or from ISO text: with an offset, else in the zone of the style, at midnight without a time.
 */
function read(input: unknown, style: Style, run: Run, isMillis = false): Moment {
  const { zone, existingFormat, locale } = style;
  if (input instanceof Date) return orFail(fromEpochNanos(BigInt(input.getTime()) * 1_000_000n, zone), input, run);
  const text = run.text(input);
  if (isMillis) return orFail(fromEpochNanos(BigInt(text) * 1_000_000n, zone), input, run);
  if (existingFormat !== undefined) {
    const parts = pattern(existingFormat, run);
    const moment = text.length > PATTERN_MAX ? undefined : readPattern(parts, text, zone, locale);
    return moment ?? run.fail('type', `'${text.slice(0, 80)}' is not a date in the format '${existingFormat}'`);
  }
  const isNumber = (typeof input === 'number' || typeof input === 'bigint') && /^-?\d{1,19}$/.test(text);
  if (isNumber || /^(\d{10}|\d{13}|\d{16}|\d{19})$/.test(text)) return orFail(fromNumber(text, zone), input, run);
  return orFail(text.length > PATTERN_MAX ? undefined : parseIso(text, zone), input, run);
}

function orFail(moment: Moment | undefined, input: unknown, run: Run): Moment {
  return (
    moment ??
    run.fail('type', `${described(input, run)} is not a date; write it in ISO form or give existingFormat='…'`)
  );
}

function print(moment: Moment, style: Style, run: Run): string {
  run.step(isLocaleStyle(style.format) ? LOCALE_STEPS : DATE_STEPS);
  const shown = inZone(moment, style.zone, style.locale);
  return printNamed(style.format, shown) ?? run.made(printPattern(pattern(style.format, run), shown));
}

function pattern(text: string, run: Run): readonly PatternPart[] {
  const parts = text.length > PATTERN_MAX ? new PatternProblem('it is too long') : parsePattern(text);
  if (parts instanceof PatternProblem)
    return run.fail('type', `the date format '${text.slice(0, 80)}' cannot be used: ${parts.reason}`);
  return parts;
}

function add(moment: Moment, amount: number, unit: string, run: Run): Moment {
  const time = Object.hasOwn(TIME_UNITS, unit) ? TIME_UNITS[unit] : undefined;
  if (time !== undefined) {
    const sum = fromEpochNanos(epochNanos(moment) + BigInt(amount) * time, moment.at.zone);
    return sum ?? run.fail('type', `${amount} ${unit} from this date is no date`);
  }
  const calendar = Object.hasOwn(CALENDAR_UNITS, unit) ? CALENDAR_UNITS[unit] : undefined;
  if (calendar === undefined) {
    const known = [...Object.keys(TIME_UNITS), ...Object.keys(CALENDAR_UNITS)].join(', ');
    return run.fail('type', `unknown unit '${unit}' of time; there are ${known}`);
  }
  const at: DateTime = moment.at.plus({ [calendar[0]]: amount * calendar[1] });
  return at.isValid ? { at, nanos: moment.nanos } : run.fail('type', `${amount} ${unit} from this date is no date`);
}
