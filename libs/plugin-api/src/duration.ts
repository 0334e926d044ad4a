const DURATION = /^([-+])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d{1,9})?)S)?)?$/i;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Milliseconds of an ISO-8601 duration of weeks, days, hours, minutes and seconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text.trim());
  if (!match || /[PT]$/i.test(text.trim())) return undefined;
  const part = (index: number, milliseconds: number): number =>
    Number((match[index] ?? '0').replace(',', '.')) * milliseconds;
  const total = part(2, 7 * DAY) + part(3, DAY) + part(4, HOUR) + part(5, MINUTE) + part(6, SECOND);
  return match[1] === '-' ? -total : total;
}
