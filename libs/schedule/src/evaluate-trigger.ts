import { renderDeepTyped, renderString, type Environment, type Variables } from '@millrace/expression';
import { isPlainObject, type Label, type PlainObject } from '@millrace/model';
import type { Zone } from 'luxon';
import { allHold, ConditionError } from './conditions/evaluate.js';
import { isoInZone } from './dates/zone.js';
import { mapIn, type FlowTriggers, type Schedule, type TriggerPlan } from './flow-triggers.js';
import { conditionContext } from './schedule.js';

/** What an evaluation of a trigger came to. */
export type Evaluation =
  | {
      readonly kind: 'start';
      /** Values of inputs, rendered. */
      readonly given: PlainObject;
      /** Of the trigger, rendered. */
      readonly labels: readonly Label[];
      /** `trigger` of the execution. */
      readonly variables: PlainObject;
    }
  | { readonly kind: 'not-met' }
  | {
      readonly kind: 'failed';
      /** What could not be evaluated. */
      readonly during: 'conditions' | 'inputs';
      readonly message: string;
      readonly variables: PlainObject;
    };

/** What a backfill adds. */
export interface Additions {
  /** Win over the trigger's inputs; not rendered. */
  readonly inputs?: PlainObject;
  readonly labels?: PlainObject;
}

/** Evaluates a schedule at one of its dates. */
export function evaluateSchedule(
  plan: TriggerPlan,
  schedule: Schedule,
  of: FlowTriggers,
  date: number,
  additions: Additions = {},
): Evaluation {
  const next = schedule.next(date);
  const previous = schedule.previous(date);
  const variables: PlainObject = {
    date: isoInZone(date, schedule.zone),
    ...(next?.holds === true ? { next: isoInZone(next.date, schedule.zone) } : {}),
    ...(previous === undefined ? {} : { previous: isoInZone(previous, schedule.zone) }),
  };
  return evaluate(plan, of, { variables, zone: schedule.zone, now: date, additions });
}

/** Evaluates a trigger that was called; `variables` are what it was called with. */
export const evaluateCall = (plan: TriggerPlan, of: FlowTriggers, variables: PlainObject, now: number): Evaluation =>
  evaluate(plan, of, { variables, zone: of.surroundings.zone, now, additions: {} });

function evaluate(
  plan: TriggerPlan,
  of: FlowTriggers,
  { variables, zone, now, additions }: { variables: PlainObject; zone: Zone; now: number; additions: Additions },
): Evaluation {
  const context = conditionContext(plan, of, zone, variables, now);
  try {
    if (!allHold(plan.conditions, context)) return { kind: 'not-met' };
    return {
      kind: 'start',
      given: { ...renderedInputs(plan, context.variables, context.environment), ...additions.inputs },
      labels: labelsFrom(plan, additions, context.variables, context.environment),
      variables,
    };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const during = thrown instanceof ConditionError ? 'conditions' : 'inputs';
    return { kind: 'failed', during, message: `The trigger '${plan.id}' could not be evaluated: ${reason}`, variables };
  }
}

function renderedInputs({ definition }: TriggerPlan, variables: Variables, environment: Environment): PlainObject {
  const rendered = renderDeepTyped(mapIn(definition, 'inputs'), variables, environment);
  return isPlainObject(rendered) ? rendered : {};
}

/** Of one key the later wins; those of the system are the system's. */
function labelsFrom(
  { definition }: TriggerPlan,
  additions: Additions,
  variables: Variables,
  environment: Environment,
): readonly Label[] {
  const labels = new Map<string, string>();
  for (const [key, value] of [...pairsOf(definition.labels), ...pairsOf(additions.labels)]) {
    if (key.startsWith('system.')) continue;
    const rendered = renderString(value, variables, environment);
    if (rendered !== '') labels.set(key, rendered);
  }
  return [...labels].map(([key, value]) => ({ key, value }));
}

function pairsOf(labels: unknown): readonly (readonly [string, string])[] {
  if (Array.isArray(labels)) {
    return labels.filter(isPlainObject).map(({ key, value }) => [String(key), String(value ?? '')] as const);
  }
  return isPlainObject(labels) ? Object.entries(labels).map(([key, value]) => [key, String(value ?? '')] as const) : [];
}
