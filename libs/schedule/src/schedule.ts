import { variablesOf } from '@millrace/expression';
import { seededRandom } from '@millrace/model';
import { DateTime, type Zone } from 'luxon';
import type { ConditionContext } from './conditions/condition.js';
import { isOnDay } from './conditions/date-conditions.js';
import { allHold, ConditionError } from './conditions/evaluate.js';
import { parseCron } from './dates/cron.js';
import { listedDates, remembering, type DateSource } from './dates/date-source.js';
import { EVERY_DATE, nextHolding, previousHolding, type DateFilter, type FoundDate } from './dates/filtered.js';
import { instantOf, isoInZone } from './dates/zone.js';
import {
  dateConditions,
  definitionVariables,
  lateMaximumDelayOf,
  missedSchedulesOf,
  zoneOfTrigger,
  type FlowTriggers,
  type Schedule,
  type TriggerPlan,
} from './flow-triggers.js';

const DATES_MAX = 10_000;

/** @param listed the dates, or what is wrong with them; undefined for a cron expression */
export function planSchedule(
  plan: TriggerPlan,
  of: FlowTriggers,
  listed: readonly string[] | string | undefined,
): Schedule | { readonly fault: string } {
  const zone = zoneOfTrigger(plan, of);
  if (zone === undefined) return { fault: `There is no time zone '${String(plan.definition['timezone'])}'` };
  const source = listed === undefined ? cronDates(plan, zone) : datesFrom(listed, zone);
  if ('fault' in source) return source;
  const filter = filterOf(plan, of, zone);
  const late = lateMaximumDelayOf(plan);
  const isListed = listed !== undefined;
  return {
    zone,
    isListed,
    recoverMissedSchedules: missedSchedulesOf(plan, of),
    ...(late === undefined ? {} : { lateMaximumDelayMs: late }),
    next: (instant) => nextOf(source, filter, zone, instant) ?? (isListed ? yearAfter(instant, zone) : undefined),
    previous(instant) {
      try {
        return previousHolding(source, filter, zone, instant);
      } catch (thrown) {
        if (thrown instanceof ConditionError) return undefined;
        throw thrown;
      }
    },
  };
}

function nextOf(source: DateSource, filter: DateFilter, zone: Zone, instant: number): FoundDate | undefined {
  try {
    return nextHolding(source, filter, zone, instant);
  } catch (thrown) {
    if (!(thrown instanceof ConditionError)) throw thrown;
    // Whoever evaluates that date meets the same error, and can tell.
    const date = source.next(instant);
    return date === undefined ? undefined : { date, holds: false };
  }
}

/** After the last listed date the trigger is looked at once a year (spec triggers.md §3.2). */
const yearAfter = (instant: number, zone: Zone): FoundDate => ({
  date: DateTime.fromMillis(instant, { zone }).plus({ years: 1 }).toMillis(),
  holds: false,
});

type Source = DateSource | { readonly fault: string };

function cronDates({ definition }: TriggerPlan, zone: Zone): Source {
  const expression = String(definition['cron']);
  const parsed = parseCron(expression, { withSeconds: definition['withSeconds'] === true, zone });
  if ('reason' in parsed) return { fault: `The cron expression '${expression.slice(0, 80)}' ${parsed.reason}` };
  return remembering(parsed.cron);
}

function datesFrom(listed: readonly string[] | string, zone: Zone): Source {
  if (typeof listed === 'string') return { fault: listed };
  if (listed.length > DATES_MAX) return { fault: `There are ${listed.length} dates; at most ${DATES_MAX} are allowed` };
  const dates: number[] = [];
  for (const text of listed) {
    const date = instantOf(text, zone);
    if (date === undefined) return { fault: `'${text.slice(0, 80)}' is no date in ISO-8601` };
    dates.push(date);
  }
  return listedDates(dates);
}

function filterOf(plan: TriggerPlan, of: FlowTriggers, zone: Zone): DateFilter {
  const conditions = dateConditions(plan.conditions);
  if (conditions.length === 0) return EVERY_DATE;
  const onDay = conditions.filter(isOnDay);
  const others = conditions.filter((condition) => !isOnDay(condition));
  const contextAt = (date: number): ConditionContext =>
    conditionContext(plan, of, zone, { date: isoInZone(date, zone) }, date);
  return {
    holds: (date) => others.length === 0 || allHold(others, contextAt(date)),
    holdsOnDay: (date) => onDay.length === 0 || allHold(onDay, contextAt(date)),
  };
}

/** What conditions of a trigger look at. @param variables of the trigger */
export function conditionContext(
  plan: Pick<TriggerPlan, 'id' | 'type'>,
  of: FlowTriggers,
  zone: Zone,
  variables: Readonly<Record<string, unknown>>,
  now: number,
): ConditionContext {
  const { flow, labels, surroundings } = of;
  return {
    variables: variablesOf(definitionVariables(of, plan, variables)),
    environment: { now, random: seededRandom(`${flow.namespace}/${flow.id}/${plan.id}/${now}`), timeZone: zone.name },
    zone,
    flow,
    labels: new Map(labels.map(({ key, value }) => [key, value])),
    ...(surroundings.holidays === undefined ? {} : { holidays: surroundings.holidays }),
  };
}
