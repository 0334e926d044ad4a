import { parsePattern, PatternProblem, type PatternPart } from './java-pattern.js';
import { inZone, zoneOf, type Moment } from './moment.js';
import { printPattern } from './print.js';

/** Names that stand for a fixed pattern. */
const PATTERNS: Readonly<Record<string, string>> = {
  iso: "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
  iso_milli: "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
  iso_sec: "yyyy-MM-dd'T'HH:mm:ssXXX",
  sql: 'yyyy-MM-dd HH:mm:ss.SSSSSS',
  sql_milli: 'yyyy-MM-dd HH:mm:ss.SSS',
  sql_sec: 'yyyy-MM-dd HH:mm:ss',
  iso_date: 'yyyy-MM-ddXXX',
  iso_local_date: 'yyyy-MM-dd',
  iso_ordinal_date: 'yyyy-DDDXXX',
  iso_week_date: "YYYY-'W'ww-eXXX",
  basic_iso_date: 'yyyyMMddXX',
};
const COMPILED: ReadonlyMap<string, readonly PatternPart[]> = new Map(
  Object.entries(PATTERNS).map(([name, pattern]) => [name, compiled(pattern)]),
);
const STYLES: ReadonlySet<string> = new Set(['full', 'long', 'medium', 'short']);
const UTC = zoneOf('UTC');

/** Whether a format is one of a locale's own: `full`, `long`, `medium`, `short`. */
export function isLocaleStyle(name: string): boolean {
  return STYLES.has(name);
}

/** Formats a moment by the name of a format (`iso`, `sql_milli`, `rfc_1123_date_time`, `full` …); undefined for others. */
export function printNamed(name: string, moment: Moment): string | undefined {
  const parts = COMPILED.get(name);
  if (parts !== undefined) return printPattern(parts, moment);
  if (STYLES.has(name)) return localized(name, moment);
  const by = (pattern: string): string => printPattern(compiled(pattern), moment);
  switch (name) {
    case 'iso_local_time':
      return by('HH:mm:ss') + fraction(moment);
    case 'iso_local_date_time':
      return by("yyyy-MM-dd'T'HH:mm:ss") + fraction(moment);
    case 'iso_time':
    case 'iso_offset_time':
      return by('HH:mm:ss') + fraction(moment) + by('XXX');
    case 'iso_offset_date_time':
      return by("yyyy-MM-dd'T'HH:mm:ss") + fraction(moment) + by('XXX');
    case 'iso_date_time':
    case 'iso_zoned_date_time':
      return by("yyyy-MM-dd'T'HH:mm:ss") + fraction(moment) + by('XXX') + region(moment);
    case 'iso_instant':
      return instant(moment);
    case 'rfc_1123_date_time':
      return rfc1123(moment);
    default:
      return undefined;
  }
}

function compiled(pattern: string): readonly PatternPart[] {
  const parts = parsePattern(pattern);
  if (parts instanceof PatternProblem) throw new TypeError(`'${pattern}': ${parts.reason}`);
  return parts;
}

/** As many digits as there are, none for a whole second. */
function fraction({ at, nanos }: Moment): string {
  const digits = String(at.millisecond * 1_000_000 + nanos)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return digits === '' ? '' : `.${digits}`;
}

function region({ at }: Moment): string {
  const name = at.zoneName ?? '';
  return name.includes('/') ? `[${name}]` : '';
}

/** In UTC, the fraction in groups of three digits. */
function instant(moment: Moment): string {
  if (UTC === undefined) throw new TypeError('UTC is a zone');
  const utc = inZone(moment, UTC, 'en-US');
  const digits = fraction(utc).slice(1);
  const grouped = digits === '' ? '' : `.${digits.padEnd(Math.ceil(digits.length / 3) * 3, '0')}`;
  return `${printPattern(compiled("yyyy-MM-dd'T'HH:mm:ss"), utc)}${grouped}Z`;
}

/** English whatever the locale, as the standard says. */
function rfc1123(moment: Moment): string {
  const english = { at: moment.at.setLocale('en-US'), nanos: moment.nanos };
  const zone = moment.at.offset === 0 ? 'GMT' : printPattern(compiled('xx'), english);
  return `${printPattern(compiled('EEE, d MMM yyyy HH:mm:ss'), english)} ${zone}`;
}

/** Date and time in the ways of the locale; narrow spaces, which nobody can type, become plain ones. */
function localized(name: string, { at }: Moment): string {
  const style = name === 'full' ? 'full' : name === 'long' ? 'long' : name === 'medium' ? 'medium' : 'short';
  return at.toLocaleString({ dateStyle: style, timeStyle: style }).replace(/[\u202F\u00A0]/g, ' ');
}
