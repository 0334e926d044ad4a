import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { Scope } from '@millrace/authorization';
import type { RecordCondition } from '@millrace/model';
import { RepositoryError } from '../contract.js';
import { FILTER_LIMITS, type Operation, type QueryFilter } from '../filters.js';
import type { WithoutPositions } from '../part.js';

export type Condition = RawBuilder<SqlBool>;
/** A column or an expression over one. */
export type Operand = RawBuilder<unknown>;

export const column = (name: string): Operand => sql.ref(name);

const invalid = (message: string): RepositoryError => new RepositoryError('INVALID_QUERY', message, false);

/** Refusal of an operation that a field does not have. */
export const unsupported = ({ field, operation }: QueryFilter): RepositoryError =>
  invalid(`The filter '${field}' cannot be used with ${operation}`);

export const unknownField = ({ field }: QueryFilter, known: readonly string[]): RepositoryError =>
  invalid(`There is no filter '${field}' here: use one of ${known.join(', ')}`);

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

/** The comma-separated values of IN and NOT_IN. */
export function listOf({ field, value }: QueryFilter): readonly string[] {
  const values = value.split(',').map((one) => one.trim());
  if (values.length > FILTER_LIMITS.listLength) {
    throw invalid(`The filter '${field}' has ${values.length} values; at most ${FILTER_LIMITS.listLength} are allowed`);
  }
  return values;
}

/** A condition on text. A row without a value (NULL) never equals, so NOT_EQUALS and NOT_IN include it. */
export function onText(operand: Operand, filter: QueryFilter, operations?: readonly Operation[]): Condition {
  const { operation, value } = filter;
  if (operations && !operations.includes(operation)) throw unsupported(filter);
  switch (operation) {
    case 'EQUALS':
      return sql<SqlBool>`${operand} = ${value}`;
    case 'NOT_EQUALS':
      return sql<SqlBool>`${operand} is not ${value}`;
    case 'IN':
      return sql<SqlBool>`${operand} in (${sql.join(listOf(filter))})`;
    case 'NOT_IN':
      return sql<SqlBool>`coalesce(${operand}, '') not in (${sql.join(listOf(filter))})`;
    case 'STARTS_WITH':
      return sql<SqlBool>`substr(${operand}, 1, ${[...value].length}) = ${value}`;
    case 'ENDS_WITH':
      return value === '' ? sql<SqlBool>`1 = 1` : sql<SqlBool>`substr(${operand}, ${-[...value].length}) = ${value}`;
    case 'CONTAINS':
      return sql<SqlBool>`instr(${operand}, ${value}) > 0`;
    case 'PREFIX':
      return namespaceWithin(operand, value);
    default:
      throw unsupported(filter);
  }
}

const COMPARISONS: Partial<Record<Operation, RawBuilder<unknown>>> = {
  EQUALS: sql`=`,
  NOT_EQUALS: sql`<>`,
  GREATER_THAN: sql`>`,
  LESS_THAN: sql`<`,
  GREATER_THAN_OR_EQUAL_TO: sql`>=`,
  LESS_THAN_OR_EQUAL_TO: sql`<=`,
};

/** A condition on an instant; the value is an ISO-8601 date with an offset or Z. */
export function onInstant(operand: Operand, filter: QueryFilter): Condition {
  const comparison = COMPARISONS[filter.operation];
  if (!comparison) throw unsupported(filter);
  const instant = /^\d{4}-\d{2}-\d{2}/.test(filter.value) ? Date.parse(filter.value) : Number.NaN;
  if (Number.isNaN(instant))
    throw invalid(`The filter '${filter.field}' needs an ISO-8601 date, but is '${filter.value.slice(0, 80)}'`);
  return sql<SqlBool>`${operand} ${comparison} ${instant}`;
}

/** Case-insensitive search for a piece of text in any of `operands`. */
export const onAnyText = (operands: readonly Operand[], value: string): Condition =>
  any(operands.map((operand) => sql<SqlBool>`instr(lower(${operand}), ${value.toLowerCase()}) > 0`));

const DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** The start of `timeRange`: an ISO-8601 duration of days to seconds, counted back from `now`. */
export function rangeStart({ field, value }: QueryFilter, now: number): number {
  const match = DURATION.exec(value);
  if (!match || value === 'P' || value.endsWith('T')) {
    throw invalid(`The filter '${field}' needs an ISO-8601 duration such as PT24H, but is '${value.slice(0, 80)}'`);
  }
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return now - (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 - (seconds ?? 0) * 1_000;
}

/** SYSTEM: flows of the namespace `system` and its children; USER: all others. */
export function onFlowScope(namespace: Operand, filter: QueryFilter): Condition {
  const values = listOf(filter);
  if (!['EQUALS', 'IN', 'NOT_EQUALS', 'NOT_IN'].includes(filter.operation)) throw unsupported(filter);
  if (!values.every((value) => value === 'USER' || value === 'SYSTEM')) {
    throw invalid(`The filter 'scope' must be USER or SYSTEM, but is '${filter.value.slice(0, 80)}'`);
  }
  const system = namespaceWithin(namespace, 'system');
  const chosen = any(values.map((value) => (value === 'SYSTEM' ? system : not(system))));
  return filter.operation.startsWith('NOT') ? not(chosen) : chosen;
}

/** Checks a value against a closed list. */
export function oneOf<Value extends string>(filter: QueryFilter, values: readonly Value[]): readonly Value[] {
  return listOf(filter).map((value) => {
    const known = values.find((one) => one === value);
    if (known === undefined)
      throw invalid(`The filter '${filter.field}' must be one of ${values.join(', ')}, but is '${value.slice(0, 80)}'`);
    return known;
  });
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
