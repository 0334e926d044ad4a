import type { TriggerState } from '@millrace/model';
import type { Schedule } from '@millrace/schedule';
import { without } from './outcome.js';

/** The state with another next date, or with none. */
export function withNextDate(trigger: TriggerState, date: number | undefined): TriggerState {
  const rest: TriggerState = without(trigger, 'nextExecutionDate');
  return date === undefined ? rest : { ...rest, nextExecutionDate: date };
}

/** The next date counted from now, as for a trigger that is seen for the first time. */
export const startingAnew = (trigger: TriggerState, schedule: Schedule, now: number): TriggerState =>
  withNextDate(without(trigger, 'notBefore'), schedule.next(now)?.date);

/**
 * What becomes of dates up to now that were missed, because nobody was there or the trigger was locked: all are run, or the
 * last one, or none (spec triggers.md §3.1).
 */
export function withMissedDates(trigger: TriggerState, schedule: Schedule, now: number): TriggerState {
  const { nextExecutionDate } = trigger;
  if (nextExecutionDate === undefined || nextExecutionDate > now) return trigger;
  switch (schedule.recoverMissedSchedules) {
    case 'ALL':
      return trigger;
    case 'LAST':
      return withNextDate(trigger, Math.max(nextExecutionDate, schedule.previous(now + 1) ?? nextExecutionDate));
    case 'NONE':
      return startingAnew(trigger, schedule, now);
    default:
      return schedule.recoverMissedSchedules satisfies never;
  }
}

/** Dates that are later than the trigger's `lateMaximumDelay` are passed. */
export function withoutLateDates(trigger: TriggerState, schedule: Schedule, now: number): TriggerState {
  const { nextExecutionDate } = trigger;
  const { lateMaximumDelayMs } = schedule;
  if (nextExecutionDate === undefined || lateMaximumDelayMs === undefined) return trigger;
  const earliest = now - lateMaximumDelayMs;
  return nextExecutionDate >= earliest ? trigger : withNextDate(trigger, schedule.next(earliest - 1)?.date);
}
