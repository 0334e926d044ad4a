const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})$/i;
const OFFSET = /^([+-])(\d{2}):?(\d{2})$/;

/** Milliseconds since the epoch of `YYYY-MM-DD` at midnight UTC; undefined when there is no such day. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() : undefined;
}

/** Milliseconds since midnight of `HH:mm`, `HH:mm:ss` or `HH:mm:ss.fraction`; undefined when there is no such time. */
export function parseTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const milliseconds = Math.trunc(Number((match[4] ?? '').padEnd(9, '0')) / 1_000_000);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
}

/** Milliseconds since the epoch of an ISO-8601 date and time with `Z` or an offset; undefined for anything else. */
export function parseInstant(text: string): number | undefined {
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  const [, dateText = '', timeText = '', zone = ''] = match;
  const [date, time] = [parseDate(dateText), parseTime(timeText)];
  const offset = /^z$/i.test(zone) ? 0 : offsetOf(zone);
  return date === undefined || time === undefined || offset === undefined ? undefined : date + time - offset;
}

function offsetOf(zone: string): number | undefined {
  const match = OFFSET.exec(zone);
  if (match === null) return undefined;
  const [hours, minutes] = [Number(match[2]), Number(match[3])];
  if (hours > 18 || minutes > 59) return undefined;
  return (match[1] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** `2026-11-22T10:00:00Z`, with milliseconds only when there are any. */
export const instantText = (instant: number): string => new Date(instant).toISOString().replace('.000Z', 'Z');
