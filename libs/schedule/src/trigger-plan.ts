import { referencesOf, renderTyped, variablesOf } from '@millrace/expression';
import { derivedId, findTriggerType, isState, type Condition, type TriggerDefinition } from '@millrace/model';
import { isCondition } from './conditions/date-conditions.js';
import { definitionVariables, type FlowTriggers, type TriggerPlan } from './flow-triggers.js';
import { planSchedule } from './schedule.js';

/** Some condition of the triggers asks for holidays, so a calendar must be there when they are planned. */
export const needsHolidays = (triggers: readonly TriggerDefinition[]): boolean =>
  triggers.some((trigger) => /PublicHoliday/.test(JSON.stringify(conditionsOf(trigger))));

/**
 * Plans the triggers of a flow.
 * @param triggers those of the flow, plugin defaults applied
 */
export function planTriggers(of: Omit<FlowTriggers, 'triggers'>, triggers: readonly TriggerDefinition[]): FlowTriggers {
  const planned = new Map<string, TriggerPlan>();
  const result: FlowTriggers = { ...of, triggers: planned };
  for (const definition of triggers) planned.set(definition.id, planTrigger(definition, result));
  return result;
}

function planTrigger(definition: TriggerDefinition, of: FlowTriggers): TriggerPlan {
  const description = findTriggerType(definition.type);
  const conditions = conditionsOf(definition);
  const plan: TriggerPlan = {
    id: definition.id,
    type: definition.type,
    kind: description?.kind ?? 'unknown',
    definition,
    hash: derivedId(JSON.stringify(definition)),
    isDisabled: definition.disabled === true,
    allowConcurrent: definition.allowConcurrent === true,
    stopAfter: (definition.stopAfter ?? []).filter(isState),
    conditions,
  };
  if (description?.kind !== 'schedule') return plan;
  const isList = description.type === 'core.trigger.ScheduleOnDates';
  const schedule = planSchedule(plan, of, isList ? datesOf(definition, of) : undefined);
  return 'fault' in schedule ? { ...plan, fault: schedule.fault } : { ...plan, schedule };
}

/** All of them, also those in the old place. */
function conditionsOf(definition: TriggerDefinition): readonly Condition[] {
  const old: unknown = definition['scheduleConditions'];
  const lists: readonly unknown[] = [...(definition.conditions ?? []), ...(Array.isArray(old) ? old : [])];
  return lists.filter(isCondition);
}

/** The dates of ScheduleOnDates as text; what is wrong with them as a sentence. */
function datesOf(definition: TriggerDefinition, of: FlowTriggers): readonly string[] | string {
  const written: unknown = definition['dates'];
  try {
    if (!referencesOf(written).isPure)
      return "'dates' calls a function that only a worker has: write the dates themselves";
    const variables = variablesOf(definitionVariables(of, { id: definition.id, type: definition.type }, {}));
    const environment = { now: of.flow.updated, random: () => 0, timeZone: of.surroundings.zone.name };
    const whole = typeof written === 'string' ? renderTyped(written, variables, environment) : written;
    const list: readonly unknown[] = Array.isArray(whole) ? whole : parsedList(whole);
    return list.map((date) => String(typeof date === 'string' ? renderTyped(date, variables, environment) : date));
  } catch (thrown) {
    return `'dates' cannot be rendered: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

function parsedList(rendered: unknown): readonly unknown[] {
  if (typeof rendered !== 'string') return [rendered];
  if (!rendered.trim().startsWith('[')) return [rendered];
  const parsed: unknown = JSON.parse(rendered);
  return Array.isArray(parsed) ? parsed : [rendered];
}
