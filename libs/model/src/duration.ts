const DURATION =
  /^([-+])?P(?:([-+]?\d{1,9})W)?(?:([-+]?\d{1,9})D)?(?:(T)(?:([-+]?\d{1,9})H)?(?:([-+]?\d{1,9})M)?(?:([-+]?\d{1,12})(?:[.,](\d{1,9}))?S)?)?$/i;

const SECOND = 1000; // ms
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/**
 * Milliseconds of an ISO-8601 duration such as `PT5S`, `PT0.5S`, `P1DT2H` or `P2W`. A day is 24 hours. Parts of a
 * millisecond are cut off.
 *
 * @returns undefined for anything else, also for years and months, whose length depends on the calendar
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const [, sign, weeks, days, timeMark, hours, minutes, seconds, fraction] = match;
  const dateGiven = weeks !== undefined || days !== undefined;
  const timeGiven = hours !== undefined || minutes !== undefined || seconds !== undefined;
  if (timeMark === undefined ? !dateGiven : !timeGiven) return undefined;
  const parts = [
    amount(weeks, WEEK),
    amount(days, DAY),
    amount(hours, HOUR),
    amount(minutes, MINUTE),
    amount(seconds, SECOND),
  ];
  const thousandths = Math.trunc(Number((fraction ?? '').padEnd(9, '0')) / 1_000_000);
  const whole = parts.reduce((sum, part) => sum + part, seconds?.startsWith('-') === true ? -thousandths : thousandths);
  return sign === '-' && whole !== 0 ? -whole : whole;
}

function amount(digits: string | undefined, unit: number): number {
  return digits === undefined ? 0 : Number(digits) * unit;
}
