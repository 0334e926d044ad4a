import { DateTime } from 'luxon';
import { isList } from '../values.js';
import { described, JqError } from './error.js';
import { ofInput, ofOne, type Natives } from './native.js';

/** What each letter after `%` stands for, in the letters of luxon. */
const LETTERS: Readonly<Record<string, string>> = {
  Y: 'yyyy',
  y: 'yy',
  m: 'MM',
  d: 'dd',
  e: 'd',
  H: 'HH',
  I: 'hh',
  M: 'mm',
  S: 'ss',
  j: 'ooo',
  a: 'ccc',
  A: 'cccc',
  b: 'LLL',
  h: 'LLL',
  B: 'LLLL',
  p: 'a',
  F: 'yyyy-MM-dd',
  T: 'HH:mm:ss',
  D: 'MM/dd/yy',
  R: 'HH:mm',
  u: 'c',
  V: 'WW',
  G: 'kkkk',
  z: 'ZZZ',
  Z: "'UTC'",
  n: '\n',
  t: '\t',
};

/** Functions of dates; all of them in UTC. */
export const DATE_NATIVES: Natives = {
  'mktime/0': ofInput((value) => Math.floor(fromParts(value).toSeconds())),
  'gmtime/0': ofInput(toParts),
  'localtime/0': ofInput(toParts),
  'strftime/1': ofOne(print),
  'strflocaltime/1': ofOne(print),
  'strptime/1': ofOne(read),
};

function toParts(value: unknown): unknown {
  const date = fromSeconds(value);
  const seconds = date.second + date.millisecond / 1000;
  return [date.year, date.month - 1, date.day, date.hour, date.minute, seconds, date.weekday % 7, date.ordinal - 1];
}

function fromSeconds(value: unknown): DateTime {
  const date = typeof value === 'number' ? DateTime.fromSeconds(value, { zone: 'utc', locale: 'en-US' }) : undefined;
  if (date?.isValid !== true) throw new JqError(`${described(value)} is no number of seconds`);
  return date;
}

function fromParts(value: unknown): DateTime {
  const [year, month, day, hour, minute, second] = (isList(value) ? value : []).map((part) =>
    typeof part === 'number' ? Math.floor(part) : undefined,
  );
  const fields = { year, month: (month ?? 0) + 1, day: day ?? 1, hour: hour ?? 0, minute: minute ?? 0 };
  const date = DateTime.fromObject({ ...fields, second: second ?? 0 }, { zone: 'utc', locale: 'en-US' });
  if (year === undefined || !date.isValid) throw new JqError('mktime requires array of 6 numbers');
  return date;
}

function luxonFormat(format: unknown, isRead: boolean): string {
  if (typeof format !== 'string') throw new JqError('the format of a date must be a string');
  return format.replace(/%(.)|([^%]+)/g, (_, letter: string | undefined, plain: string | undefined) => {
    if (plain !== undefined) return quoted(plain);
    if (letter === '%') return quoted('%');
    if (isRead && letter === 'Z') return "'Z'";
    const known = letter !== undefined && Object.hasOwn(LETTERS, letter) ? LETTERS[letter] : undefined;
    if (known === undefined) throw new JqError(`%${letter ?? ''} is not known in a format of a date`);
    return known;
  });
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function print(value: unknown, format: unknown): string {
  const date = isList(value) ? fromParts(value) : fromSeconds(value);
  if (format === '%s') return String(Math.floor(date.toSeconds()));
  return date.toFormat(luxonFormat(format, false));
}

function read(value: unknown, format: unknown): unknown {
  if (typeof value !== 'string')
    throw new JqError(`strptime requires string inputs and arguments, not ${described(value)}`);
  const date = DateTime.fromFormat(value, luxonFormat(format, true), { zone: 'utc', locale: 'en-US' });
  if (!date.isValid) throw new JqError(`date "${value}" does not match format "${String(format)}"`);
  return toParts(date.toSeconds());
}
