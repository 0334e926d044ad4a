import { isPlainObject } from './json.js';
import type { Topic } from './topic.js';

/** What a condition looks at: a column that the topic declares, or a member of the record's value. */
export type ConditionOperand = { readonly column: string } | { readonly member: string };

type Scalar = string | number;

/**
 * A condition on a record, in a form that each store can answer in its own way; of a list all must hold. Nothing holds
 * for a record that has no such column or member.
 */
export type RecordCondition = { readonly on: ConditionOperand } & (
  | { readonly equals: Scalar }
  | { readonly oneOf: readonly Scalar[] }
  /** Not less than. */
  | { readonly from: number }
  /** Less than. */
  | { readonly before: number }
  /** The text, or what begins with it and a dot: a namespace and its children. */
  | { readonly within: string }
);

/** True when all conditions hold for a record of the topic. */
export function meetsConditions<Value>(
  topic: Pick<Topic<Value>, 'columns'>,
  conditions: readonly RecordCondition[],
  record: { readonly key: string; readonly id: string; readonly value: Value },
): boolean {
  return conditions.every((condition) => holds(condition, operandOf(topic, condition.on, record)));
}

function operandOf<Value>(
  { columns }: Pick<Topic<Value>, 'columns'>,
  on: ConditionOperand,
  { key, id, value }: { readonly key: string; readonly id: string; readonly value: Value },
): unknown {
  if ('column' in on) return columns?.[on.column]?.of(value, { key, id });
  return isPlainObject(value) ? value[on.member] : undefined;
}

function holds(condition: RecordCondition, operand: unknown): boolean {
  if (operand === undefined || operand === null) return false;
  if ('equals' in condition) return operand === condition.equals;
  if ('oneOf' in condition) return condition.oneOf.some((one) => one === operand);
  if ('from' in condition) return typeof operand === 'number' && operand >= condition.from;
  if ('before' in condition) return typeof operand === 'number' && operand < condition.before;
  const { within } = condition;
  return typeof operand === 'string' && (operand === within || operand.startsWith(`${within}.`));
}
