import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { Scope } from '@millrace/authorization';
import type { RecordCondition } from '@millrace/model';
import { lowered, type Predicate, type TextCondition } from '../filtering/predicates.js';
import type { WithoutPositions } from '../part.js';

export type Condition = RawBuilder<SqlBool>;
/** A column or an expression over one. */
export type Operand = RawBuilder<unknown>;

export const column = (name: string): Operand => sql.ref(name);

/** Looks up what a row has for a field that filters and sorts name. */
export const operandsOf =
  (operands: Readonly<Record<string, Operand>>) =>
  (field: string): Operand => {
    const operand = operands[field];
    if (operand === undefined) throw new RangeError(`A row has nothing for '${field}'`);
    return operand;
  };

/** A namespace and its children as a range, which an index serves (spec security.md §3.8). */
export const namespaceWithin = (namespace: Operand, prefix: string): Condition =>
  sql<SqlBool>`(${namespace} = ${prefix} or (${namespace} >= ${`${prefix}.`} and ${namespace} < ${`${prefix}/`}))`;

/** What the scope lets see, as a condition on the row. */
export function within(scope: Scope, tenant: Operand, namespace: Operand): Condition {
  const ofTenant = sql<SqlBool>`${tenant} = ${scope.tenant}`;
  if (scope.namespaces === 'ALL') return ofTenant;
  if (scope.namespaces === 'NONE' || scope.namespaces.length === 0) return sql<SqlBool>`${ofTenant} and 1 = 0`;
  return sql<SqlBool>`${ofTenant} and ${any(scope.namespaces.map((prefix) => namespaceWithin(namespace, prefix)))}`;
}

export const all = (conditions: readonly Condition[]): Condition => sql<SqlBool>`${sql.join(conditions, sql` and `)}`;
export const any = (conditions: readonly Condition[]): Condition => sql<SqlBool>`(${sql.join(conditions, sql` or `)})`;
export const not = (condition: Condition): Condition => sql<SqlBool>`not (${condition})`;

export const TRUE: Condition = sql<SqlBool>`1 = 1`;

/** Only rows that the other part does not have: those before its positions. */
export const before = (without: WithoutPositions | undefined): readonly Condition[] =>
  without === undefined || without.from.size === 0
    ? []
    : [
        not(
          any(
            [...without.from].map(
              ([partition, position]) => sql<SqlBool>`(partition = ${partition} and position >= ${position})`,
            ),
          ),
        ),
      ];

/**
 * What filters ask, as conditions on the row.
 * @param operandOf what the row has for a field
 */
export const onFilters = (
  predicates: readonly Predicate[],
  operandOf: (field: string) => Operand,
): readonly Condition[] => predicates.map((predicate) => conditionOf(predicate, operandOf));

function conditionOf(predicate: Predicate, operandOf: (field: string) => Operand): Condition {
  switch (predicate.kind) {
    case 'all':
      return all([TRUE, ...onFilters(predicate.of, operandOf)]);
    case 'any':
      return any(onFilters(predicate.of, operandOf));
    case 'not':
      // Of a row without a value nothing is true.
      return sql<SqlBool>`(${conditionOf(predicate.of, operandOf)}) is not true`;
    case 'exists':
      return sql<SqlBool>`${operandOf(predicate.field)} is not null`;
    case 'compare':
      return sql<SqlBool>`${operandOf(predicate.field)} ${COMPARISONS[predicate.comparison]} ${predicate.value}`;
    case 'within':
      return namespaceWithin(operandOf(predicate.field), predicate.namespace);
    case 'label': {
      const { key, value } = predicate;
      const fits = value === undefined ? TRUE : onText(LABEL_VALUE, value);
      return sql<SqlBool>`exists (select 1 from json_each(${operandOf('labels')}) l where ${LABEL_KEY} = ${key} and ${fits})`;
    }
    case 'words':
      return all([
        TRUE,
        ...predicate.words.map((word) => sql<SqlBool>`${operandOf('words')} glob ${`*${GAP}${word}*`}`),
      ]);
    default:
      return onText(operandOf(predicate.field), predicate);
  }
}

const COMPARISONS = { '=': sql`=`, '<': sql`<`, '<=': sql`<=`, '>': sql`>`, '>=': sql`>=` } as const;
const LABEL_KEY = sql`json_extract(l.value, '$.key')`;
const LABEL_VALUE = sql`json_extract(l.value, '$.value')`;
/** What is no character of a word (`wordsOf`); an operand of words begins with one, and has no capital ASCII letters. */
const GAP = '[^a-z0-9\u0080-\u{10ffff}]';

function onText(operand: Operand, condition: TextCondition): Condition {
  switch (condition.kind) {
    case 'equals':
      return sql<SqlBool>`${operand} = ${condition.text}`;
    case 'one-of':
      return condition.texts.length === 0
        ? sql<SqlBool>`1 = 0`
        : sql<SqlBool>`${operand} in (${sql.join(condition.texts)})`;
    default: {
      const { kind, ignoreCase } = condition;
      const text = ignoreCase ? lowered(condition.text) : condition.text;
      const of = ignoreCase ? sql`lower(${operand})` : operand;
      if (text === '') return sql<SqlBool>`${operand} is not null`;
      if (kind === 'contains') return sql<SqlBool>`instr(${of}, ${text}) > 0`;
      const length = [...text].length;
      return kind === 'starts'
        ? sql<SqlBool>`substr(${of}, 1, ${length}) = ${text}`
        : sql<SqlBool>`substr(${of}, ${-length}) = ${text}`;
    }
  }
}

/** Conditions on records (`selectionConditions`) as conditions on rows; the columns of a topic are those of its table. */
export const onRecords = (conditions: readonly RecordCondition[]): readonly Condition[] =>
  conditions.map((condition) => {
    const { on } = condition;
    const operand = 'column' in on ? column(on.column) : sql`json_extract(value, ${`$.${on.member}`})`;
    if ('equals' in condition) return sql<SqlBool>`${operand} = ${condition.equals}`;
    if ('oneOf' in condition) {
      return condition.oneOf.length === 0
        ? sql<SqlBool>`1 = 0`
        : sql<SqlBool>`${operand} in (${sql.join(condition.oneOf)})`;
    }
    if ('from' in condition) return sql<SqlBool>`${operand} >= ${condition.from}`;
    if ('before' in condition) return sql<SqlBool>`${operand} < ${condition.before}`;
    return namespaceWithin(operand, condition.within);
  });
