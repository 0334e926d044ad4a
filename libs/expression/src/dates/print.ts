import type { PatternPart } from './java-pattern.js';
import type { Moment } from './moment.js';

/** Formats a moment by the parts of a Java pattern; optional parts are always printed, as all fields are known. */
export function printPattern(parts: readonly PatternPart[], moment: Moment): string {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'text') text += part.text;
    else if (part.kind === 'field') text += field(part.letter, part.count, moment);
  }
  return text;
}

function field(letter: string, count: number, moment: Moment): string {
  const { at } = moment;
  switch (letter) {
    case 'y':
    case 'u':
      return year(at.year, count);
    case 'Y':
      return year(at.weekYear, count);
    case 'M':
    case 'L':
      return count <= 2 ? digits(at.month, count) : at.toFormat(letter.repeat(Math.min(count, 5)));
    case 'd':
      return digits(at.day, count);
    case 'D':
      return digits(at.ordinal, count);
    case 'Q':
    case 'q':
      return quarter(at.quarter, count);
    case 'w':
      return digits(at.weekNumber, count);
    case 'W':
      return digits(Math.ceil((at.day + (at.startOf('month').weekday - 1)) / 7), count);
    case 'E':
      return at.toFormat(count <= 3 ? 'ccc' : 'c'.repeat(Math.min(count, 5)));
    case 'e':
    case 'c':
      return count <= 2 ? digits(at.weekday, count) : at.toFormat('c'.repeat(Math.min(count, 5)));
    case 'G':
      return at.toFormat(count === 4 ? 'GG' : 'G');
    case 'a':
      return at.toFormat('a');
    default:
      return time(letter, count, moment) ?? zone(letter, count, moment);
  }
}

function time(letter: string, count: number, { at, nanos }: Moment): string | undefined {
  const nanoOfSecond = at.millisecond * 1_000_000 + nanos;
  const milliOfDay = ((at.hour * 60 + at.minute) * 60 + at.second) * 1000 + at.millisecond;
  switch (letter) {
    case 'H':
      return digits(at.hour, count);
    case 'k':
      return digits(at.hour === 0 ? 24 : at.hour, count);
    case 'K':
      return digits(at.hour % 12, count);
    case 'h':
      return digits(at.hour % 12 === 0 ? 12 : at.hour % 12, count);
    case 'm':
      return digits(at.minute, count);
    case 's':
      return digits(at.second, count);
    case 'S':
      return digits(nanoOfSecond, 9).slice(0, count).padEnd(count, '0');
    case 'n':
      return digits(nanoOfSecond, count);
    case 'A':
      return digits(milliOfDay, count);
    case 'N':
      return (BigInt(milliOfDay) * 1_000_000n + BigInt(nanos)).toString().padStart(count, '0');
    default:
      return undefined;
  }
}

function zone(letter: string, count: number, { at }: Moment): string {
  switch (letter) {
    case 'X':
      return at.offset === 0 ? 'Z' : offset(at.offset, count);
    case 'x':
      return offset(at.offset, count);
    case 'Z':
      if (count === 4) return `GMT${at.offset === 0 ? '' : offset(at.offset, 3)}`;
      return count === 5 ? (at.offset === 0 ? 'Z' : offset(at.offset, 3)) : offset(at.offset, 2);
    case 'O':
      if (at.offset === 0) return 'GMT';
      return `GMT${count === 4 ? offset(at.offset, 3) : shortOffset(at.offset)}`;
    case 'z':
      return at.toFormat(count === 4 ? 'ZZZZZ' : 'ZZZZ');
    default:
      return zoneId(at.zone.isUniversal, at.zoneName ?? '', at.offset);
  }
}

/** The IANA name; for a fixed offset the offset itself. */
function zoneId(isFixed: boolean, name: string, minutes: number): string {
  if (!isFixed || name.includes('/')) return name;
  return minutes === 0 ? 'Z' : offset(minutes, 3);
}

/** `count` as for the letter X: 1 `+02` or `+0230`, 2 and 4 `+0200`, 3 and 5 `+02:00`. */
function offset(minutes: number, count: number): string {
  const sign = minutes < 0 ? '-' : '+';
  const hours = digits(Math.floor(Math.abs(minutes) / 60), 2);
  const rest = Math.abs(minutes) % 60;
  if (count === 1) return sign + hours + (rest === 0 ? '' : digits(rest, 2));
  return `${sign}${hours}${count % 2 === 1 ? ':' : ''}${digits(rest, 2)}`;
}

function shortOffset(minutes: number): string {
  const rest = Math.abs(minutes) % 60;
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${digits(rest, 2)}`}`;
}

function quarter(number: number, count: number): string {
  if (count <= 2) return digits(number, count);
  return count === 3 ? `Q${number}` : (['1st quarter', '2nd quarter', '3rd quarter', '4th quarter'][number - 1] ?? '');
}

function year(number: number, count: number): string {
  return count === 2 ? digits(Math.abs(number) % 100, 2) : digits(number, count);
}

function digits(number: number, count: number): string {
  const text = String(Math.abs(number)).padStart(count, '0');
  return number < 0 ? `-${text}` : text;
}
