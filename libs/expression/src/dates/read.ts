import { Info, type Zone } from 'luxon';
import { RE2JS } from 're2js';
import type { PatternPart } from './java-pattern.js';
import { fromFields, zoneOf, type Moment } from './moment.js';

/** How many numbers a letter may have when the pattern gives only one of it. */
const DIGITS_MAX: Readonly<Record<string, number>> = { y: 9, u: 9, D: 3, n: 9 };
const NUMERIC = new Set('yuMLdDHkKhmsSn');
const NAME = '([\\p{L}.]+)';
const OFFSET = '(Z|[+-]\\d\\d(?::?\\d\\d){0,2})';
const ZONE = '([A-Za-z][A-Za-z0-9_+/-]*|[+-]\\d\\d:?\\d\\d)';

/**
 * Reads a text by the parts of a Java pattern. Fields that the pattern lacks are the first of January, midnight, and
 * `zone`.
 *
 * @returns undefined when the text does not follow the pattern or names no real date
 */
export function readPattern(
  parts: readonly PatternPart[],
  text: string,
  zone: Zone,
  locale: string,
): Moment | undefined {
  const letters: string[] = [];
  const pattern = parts.map((part) => fragment(part, letters)).join('');
  // Patterns come from users; their optional parts could make a backtracking engine run for ever.
  const matcher = RE2JS.compile(`(?i)^${pattern}$`).matcher(text);
  if (!matcher.find()) return undefined;
  const found = new Map<string, string>();
  letters.forEach((letter, index) => {
    const group = matcher.group(index + 1);
    if (group !== null) found.set(letter, group);
  });
  return momentOf(found, zone, locale);
}

/** The regular expression of one part; letters are noted in the order of their groups. */
function fragment(part: PatternPart, letters: string[]): string {
  switch (part.kind) {
    case 'text':
      return RE2JS.quote(part.text);
    case 'optional':
      return '(?:';
    case 'optionalEnd':
      return ')?';
    case 'field':
      letters.push(key(part.letter, part.count));
      return fieldPattern(part.letter, part.count);
  }
}

/** Names of months and the two-digit year are read otherwise than their numbers. */
function key(letter: string, count: number): string {
  if ((letter === 'M' || letter === 'L') && count > 2) return 'monthName';
  if ((letter === 'y' || letter === 'u') && count === 2) return 'shortYear';
  if (letter === 'L') return 'M';
  return letter === 'u' ? 'y' : letter;
}

function fieldPattern(letter: string, count: number): string {
  if (NUMERIC.has(letter) && !((letter === 'M' || letter === 'L') && count > 2)) {
    return count === 1 && letter !== 'S' ? `(\\d{1,${DIGITS_MAX[letter] ?? 2}})` : `(\\d{${count}})`;
  }
  if (letter === 'X' || letter === 'x' || letter === 'Z') return OFFSET;
  if (letter === 'V' || letter === 'z' || letter === 'O') return ZONE;
  return letter === 'a' ? '(am|pm)' : NAME;
}

function momentOf(found: ReadonlyMap<string, string>, zone: Zone, locale: string): Moment | undefined {
  const number = (letter: string): number | undefined => {
    const text = found.get(letter);
    return text === undefined ? undefined : Number(text);
  };
  const offset =
    found.get('X') ?? found.get('x') ?? found.get('Z') ?? found.get('V') ?? found.get('z') ?? found.get('O');
  const ownZone = offset === undefined ? undefined : zoneOf(offset);
  if (offset !== undefined && ownZone === undefined) return undefined;
  const shortYear = number('shortYear');
  const monthName = found.get('monthName');
  const month = monthName === undefined ? number('M') : monthNumber(monthName, locale);
  if (month === undefined && monthName !== undefined) return undefined;
  const moment = fromFields(
    {
      year: number('y') ?? (shortYear === undefined ? 1970 : 2000 + shortYear),
      month: month ?? 1,
      day: number('d') ?? 1,
      hour: hour(number, found.get('a')),
      minute: number('m') ?? 0,
      second: number('s') ?? 0,
      nano: number('n') ?? Number((found.get('S') ?? '').padEnd(9, '0').slice(0, 9)),
      zone: ownZone,
    },
    zone,
  );
  const ordinal = number('D');
  if (moment === undefined || ordinal === undefined) return moment;
  return { at: moment.at.set({ ordinal }), nanos: moment.nanos };
}

function hour(number: (letter: string) => number | undefined, halfDay: string | undefined): number {
  const whole = number('H') ?? number('k');
  if (whole !== undefined) return whole === 24 ? 0 : whole;
  const half = (number('h') ?? number('K') ?? 0) % 12;
  return halfDay?.toLowerCase() === 'pm' ? half + 12 : half;
}

function monthNumber(name: string, locale: string): number | undefined {
  const wanted = name.toLowerCase().replace(/\.$/, '');
  for (const length of ['long', 'short'] as const) {
    const months = Info.monthsFormat(length, { locale }).map((month) => month.toLowerCase().replace(/\.$/, ''));
    const index = months.indexOf(wanted);
    if (index >= 0) return index + 1;
  }
  return undefined;
}
