import { DateTime, type Zone } from 'luxon';
import type { DateSource } from './date-source.js';

/** Whether a date passes the conditions. */
export interface DateFilter {
  /** @throws an error when a condition cannot be evaluated */
  holds(date: number): boolean;
  /** The same for conditions that look only at the day: when it is false, it is false for all dates of that day. */
  holdsOnDay(date: number): boolean;
}

/** Accepts every date. */
export const EVERY_DATE: DateFilter = { holds: () => true, holdsOnDay: () => true };

/** A date found, and whether the conditions hold there: if not, looking further was put off until then. */
export interface FoundDate {
  readonly date: number;
  readonly holds: boolean;
}

/** Conditions are looked at so many years ahead and back. */
const YEARS = 10;
/** Dates that are tried before the search is put off; days that are passed are not counted among them. */
const TRIED_MAX = 1_000;
const DAYS_MAX = YEARS * 366;

/**
 * The first date after `instant` for which the conditions hold, within ten years when there are any. When that takes more than 1,000 tries
 * (every second, but only at night) it answers the last one tried: there the search goes on. undefined: there is none.
 * @throws what a condition throws
 */
export function nextHolding(
  source: DateSource,
  filter: DateFilter,
  zone: Zone,
  instant: number,
): FoundDate | undefined {
  let date = source.next(instant);
  if (filter === EVERY_DATE) return date === undefined ? undefined : { date, holds: true };
  const limit = DateTime.fromMillis(instant, { zone }).plus({ years: YEARS }).toMillis();
  for (let tried = 0, days = 0; date !== undefined && date <= limit;) {
    if (filter.holdsOnDay(date)) {
      if (filter.holds(date)) return { date, holds: true };
      if (++tried >= TRIED_MAX) return { date, holds: false };
      date = source.next(date);
    } else {
      let day = DateTime.fromMillis(date, { zone }).startOf('day');
      do {
        day = day.plus({ days: 1 });
        if (++days > DAYS_MAX) return undefined;
      } while (!filter.holdsOnDay(day.toMillis()));
      date = source.next(day.toMillis() - 1);
    }
  }
  return undefined;
}

/** The last date before `instant` for which the conditions hold; undefined when it is not found within the same bounds. */
export function previousHolding(
  source: DateSource,
  filter: DateFilter,
  zone: Zone,
  instant: number,
): number | undefined {
  let date = source.previous(instant);
  if (filter === EVERY_DATE) return date;
  const limit = DateTime.fromMillis(instant, { zone }).minus({ years: YEARS }).toMillis();
  for (let tried = 0, days = 0; date !== undefined && date >= limit && tried < TRIED_MAX;) {
    if (filter.holdsOnDay(date)) {
      if (filter.holds(date)) return date;
      tried++;
      date = source.previous(date);
    } else {
      let day = DateTime.fromMillis(date, { zone }).startOf('day');
      do {
        day = day.minus({ days: 1 });
        if (++days > DAYS_MAX) return undefined;
      } while (!filter.holdsOnDay(day.toMillis()));
      date = source.previous(day.endOf('day').toMillis() + 1);
    }
  }
  return undefined;
}
