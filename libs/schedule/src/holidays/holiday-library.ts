import Holidays from 'date-holidays';
import type { HolidayCalendar } from '../conditions/holiday-calendar.js';

/** Years and regions that are kept; the oldest goes first. */
const YEARS_MAX = 500;

/**
 * The public holidays of about two hundred countries, by `date-holidays`. In an entry of its own, which is loaded only where a
 * flow asks for holidays: the library takes some 130 ms and 30 MB.
 */
export function createHolidayCalendar(): HolidayCalendar {
  const years = new Map<string, ReadonlySet<string>>();
  return {
    isHoliday(day, country, subDivision) {
      const year = Number(day.slice(0, 4));
      const key = `${country.toUpperCase()}/${subDivision?.toUpperCase() ?? ''}/${year}`;
      const known = years.get(key);
      if (known) return known.has(day);
      const days = holidaysOf(country, subDivision, year);
      const oldest = years.keys().next();
      if (years.size >= YEARS_MAX && !oldest.done) years.delete(oldest.value);
      years.set(key, days);
      return days.has(day);
    },
  };
}

/** The first days, and those that follow when a holiday has several. */
function holidaysOf(country: string, subDivision: string | undefined, year: number): ReadonlySet<string> {
  const calendar = new Holidays();
  const [code, part] = [country.toUpperCase(), subDivision?.toUpperCase()];
  const isKnown =
    Object.hasOwn(calendar.getCountries(), code) &&
    (part === undefined || Object.keys(calendar.getStates(code) ?? {}).some((state) => state.toUpperCase() === part));
  calendar.init(code, ...(part === undefined ? [] : [part]));
  if (!isKnown) {
    const place = subDivision === undefined ? country : `${country}-${subDivision}`;
    throw new Error(`there is no calendar of holidays of '${place}': use an ISO 3166 code such as FR or DE and BY`);
  }
  const days = new Set<string>();
  for (const holiday of calendar.getHolidays(year)) {
    if (holiday.type !== 'public') continue;
    const first = holiday.date.slice(0, 10);
    const count = Math.max(1, Math.round((holiday.end.getTime() - holiday.start.getTime()) / 86_400_000));
    for (let at = 0; at < count; at++) {
      days.add(new Date(Date.parse(`${first}T00:00:00Z`) + at * 86_400_000).toISOString().slice(0, 10));
    }
  }
  return days;
}
