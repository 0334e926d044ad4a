import {
  findConditionType,
  isPlainObject,
  MISSED_SCHEDULES,
  parseDuration,
  type Condition,
  type Flow,
  type Label,
  type MissedSchedules,
  type PlainObject,
  type State,
  type TriggerDefinition,
  type TriggerKind,
} from '@millrace/model';
import type { Zone } from 'luxon';
import type { HolidayCalendar } from './conditions/holiday-calendar.js';
import type { FoundDate } from './dates/filtered.js';
import { zoneOf } from './dates/zone.js';

/** The dates of a trigger, its conditions on dates applied. */
export interface Schedule {
  readonly zone: Zone;
  readonly recoverMissedSchedules: MissedSchedules;
  /** Dates that are later than this, in milliseconds, are left out. */
  readonly lateMaximumDelayMs?: number;
  /** Its executions have the date as their `scheduleDate`. */
  readonly isListed: boolean;
  /**
   * The next date after `instant`. `holds` is false when the conditions must be looked at again then: it took too long to
   * find a date for which they hold, or one of them cannot be evaluated. undefined: no date will come.
   */
  next(instant: number): FoundDate | undefined;
  /** The last date before `instant`; undefined when there is none within ten years, or it takes too long to find. */
  previous(instant: number): number | undefined;
}

/** What triggers are planned with besides their flow. */
export interface TriggerSurroundings {
  /** Of schedules that name none. */
  readonly zone: Zone;
  /** `envs`, `globals`, `kestra`. */
  readonly serverVariables: PlainObject;
  /** Of schedules that do not say it. */
  readonly recoverMissedSchedules: MissedSchedules;
  /** Needed when `needsHolidays`. */
  readonly holidays?: HolidayCalendar;
}

/** A trigger of a revision, ready to be evaluated. */
export interface TriggerPlan {
  readonly id: string;
  /** As written. */
  readonly type: string;
  readonly kind: TriggerKind | 'unknown';
  readonly definition: TriggerDefinition;
  /** Follows from the definition. */
  readonly hash: string;
  readonly isDisabled: boolean;
  readonly allowConcurrent: boolean;
  readonly stopAfter: readonly State[];
  readonly conditions: readonly Condition[];
  /** Of schedules. */
  readonly schedule?: Schedule;
  /** Why it cannot be evaluated: a sentence. */
  readonly fault?: string;
}

/** The triggers of a revision of a flow. */
export interface FlowTriggers {
  readonly flow: Flow;
  readonly labels: readonly Label[];
  /** The same as expressions see them: `a.b` is `labels.a.b`. */
  readonly nestedLabels: PlainObject;
  readonly surroundings: TriggerSurroundings;
  readonly triggers: ReadonlyMap<string, TriggerPlan>;
}

/** Conditions that say something of a date. */
export const dateConditions = (conditions: readonly Condition[]): readonly Condition[] =>
  conditions.filter(({ type }) => findConditionType(type)?.isOnDates === true);

/** What expressions in a trigger's definition may read. */
export function definitionVariables(
  { flow, nestedLabels, surroundings }: FlowTriggers,
  trigger: { readonly id: string; readonly type: string },
  variables: PlainObject,
): PlainObject {
  return {
    ...surroundings.serverVariables,
    flow: { id: flow.id, namespace: flow.namespace, revision: flow.revision, tenantId: flow.tenant },
    vars: flow.definition.variables ?? {},
    labels: nestedLabels,
    trigger: { ...variables, id: trigger.id, type: trigger.type },
    schedule: variables,
  };
}

/** The zone of a schedule; undefined when it names one that does not exist. */
export function zoneOfTrigger({ definition }: TriggerPlan, { surroundings }: FlowTriggers): Zone | undefined {
  const written: unknown = definition['timezone'];
  return typeof written === 'string' ? zoneOf(written) : surroundings.zone;
}

/** What becomes of missed dates. */
export function missedSchedulesOf({ definition }: TriggerPlan, { surroundings }: FlowTriggers): MissedSchedules {
  const written: unknown = definition['recoverMissedSchedules'];
  return MISSED_SCHEDULES.find((name) => name === written) ?? surroundings.recoverMissedSchedules;
}

/** Milliseconds; undefined when the trigger does not say it. */
export function lateMaximumDelayOf({ definition }: TriggerPlan): number | undefined {
  const written: unknown = definition['lateMaximumDelay'];
  return typeof written === 'string' ? parseDuration(written) : undefined;
}

/** A map of the definition, or none. */
export function mapIn(definition: PlainObject, property: string): PlainObject {
  const value = definition[property];
  return isPlainObject(value) ? value : {};
}
