import { ExpressionError, renderString } from '@millrace/expression';
import { findConditionType, isPlainObject, type Condition } from '@millrace/model';
import type { ConditionContext } from './condition.js';
import {
  conditionsIn,
  dateTimeBetween,
  dayWeek,
  dayWeekInMonth,
  publicHoliday,
  timeBetween,
  weekend,
} from './date-conditions.js';

type Evaluate = (condition: Condition, context: ConditionContext) => boolean;

/** A condition could not be evaluated. The message is a sentence that names it. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError';
}

/**
 * Whether all conditions hold.
 * @throws ConditionError when one cannot be evaluated
 */
export const allHold = (conditions: readonly Condition[], context: ConditionContext): boolean =>
  conditions.every((condition) => holds(condition, context));

/**
 * Whether a condition holds for the execution that would be started.
 * @throws ConditionError
 */
export function holds(condition: Condition, context: ConditionContext): boolean {
  const type = findConditionType(condition.type)?.type ?? condition.type;
  const evaluate = Object.hasOwn(EVALUATIONS, type) ? EVALUATIONS[type] : undefined;
  if (evaluate === undefined) throw new ConditionError(`The condition ${condition.type} cannot be evaluated here`);
  try {
    return evaluate(condition, context);
  } catch (thrown) {
    if (thrown instanceof ConditionError) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ConditionError(`The condition ${condition.type} cannot be evaluated: ${reason}`, { cause: thrown });
  }
}

function textOf(condition: Condition, context: ConditionContext, property: string): string | undefined {
  const value = condition[property];
  if (value === undefined || value === null)
    return property === 'date' ? rendered('{{ trigger.date }}', context) : undefined;
  return typeof value === 'string' ? rendered(value, context) : String(value);
}

function rendered(text: string, { variables, environment }: ConditionContext): string {
  try {
    return renderString(text, variables, environment);
  } catch (thrown) {
    if (thrown instanceof ExpressionError) throw new Error(thrown.message, { cause: thrown });
    throw thrown;
  }
}

const onDate =
  (evaluate: (text: (property: string) => string | undefined, context: ConditionContext) => boolean): Evaluate =>
  (condition, context) =>
    evaluate((property) => textOf(condition, context, property), context);

const ofFlow: Evaluate = (condition, context) =>
  textOf(condition, context, 'namespace') === context.flow.namespace &&
  textOf(condition, context, 'flowId') === context.flow.id;

const ofNamespace: Evaluate = (condition, context) => {
  const wanted = textOf(condition, context, 'namespace') ?? '';
  const { namespace } = context.flow;
  const comparison = condition['comparison'] ?? (condition['prefix'] === true ? 'PREFIX' : 'EQUALS');
  if (comparison === 'PREFIX') return namespace.startsWith(wanted);
  return comparison === 'SUFFIX' ? namespace.endsWith(wanted) : namespace === wanted;
};

/** What would be started is CREATED, and has no attempts yet. */
const ofState: Evaluate = (condition) => {
  const [wanted, unwanted] = [namesIn(condition['in']), namesIn(condition['notIn'])];
  return (wanted.length === 0 || wanted.includes('CREATED')) && !unwanted.includes('CREATED');
};

/** Neither blank nor `false` (spec triggers.md §6). */
const isTruthyText = (text: string): boolean => text.trim() !== '' && text.trim() !== 'false';

const namesIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const ofLabels: Evaluate = (condition, context) =>
  labelPairs(condition['labels']).every(
    ([key, value]) => context.labels.get(rendered(key, context)) === rendered(value, context),
  );

function labelPairs(labels: unknown): readonly (readonly [string, string])[] {
  if (Array.isArray(labels)) {
    return labels.filter(isPlainObject).map((label) => [String(label['key']), String(label['value'])] as const);
  }
  return isPlainObject(labels) ? Object.entries(labels).map(([key, value]) => [key, String(value)] as const) : [];
}

const EVALUATIONS: Readonly<Record<string, Evaluate>> = {
  'core.condition.DateTimeBetween': onDate(dateTimeBetween),
  'core.condition.TimeBetween': onDate(timeBetween),
  'core.condition.DayWeek': onDate(dayWeek),
  'core.condition.DayWeekInMonth': onDate(dayWeekInMonth),
  'core.condition.Weekend': onDate(weekend),
  'core.condition.PublicHoliday': onDate(publicHoliday),
  'core.condition.Not': (condition, context) => conditionsIn(condition).every((inner) => !holds(inner, context)),
  'core.condition.Or': (condition, context) => conditionsIn(condition).some((inner) => holds(inner, context)),
  'core.condition.Expression': (condition, context) => isTruthyText(textOf(condition, context, 'expression') ?? ''),
  'core.condition.ExecutionFlow': ofFlow,
  'core.condition.FlowCondition': ofFlow,
  'core.condition.ExecutionNamespace': ofNamespace,
  'core.condition.FlowNamespaceCondition': ofNamespace,
  'core.condition.ExecutionStatus': ofState,
  'core.condition.ExecutionLabels': ofLabels,
  // What would be started has neither outputs nor attempts.
  'core.condition.ExecutionOutputs': () => false,
  'core.condition.HasRetryAttempt': () => false,
};
