import { sql, type CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import {
  keyOf,
  STATES,
  type ExecutionCreated,
  type ExecutionHead,
  type ExecutionRecord,
  type ExecutionVariables,
  type TaskRun,
} from '@millrace/model';
import { RepositoryError, type ExecutionRecords, type Sort } from '../contract.js';
import type { QueryFilter } from '../filters.js';
import type { ExecutionParts, Search, Window, WithoutKeys } from '../part.js';
import {
  all,
  column,
  onAnyText,
  oneOf,
  onFlowScope,
  onInstant,
  onText,
  rangeStart,
  unknownField,
  unsupported,
  within,
  type Condition,
} from './conditions.js';
import type { Row, Statement } from './reader.js';
import { statements } from './tables.js';

/** What one look-up by key answers, compiled once. Loop values are left out: nobody shows them. */
const RECORDS = statements
  .selectFrom('executions')
  .select(['id', 'value'])
  .where('key', '=', sql<string>`?`)
  .where('id', 'in', ['head', 'created', 'variables'])
  .compile();

/** Every record of a key but its task runs. */
const ALL_RECORDS = statements
  .selectFrom('executions')
  .select(['id', 'value'])
  .where('key', '=', sql<string>`?`)
  .compile();

const TASK_RUNS = statements
  .selectFrom('task_runs')
  .select(['id', 'value'])
  .where('key', '=', sql<string>`?`)
  .where('id', '>', sql<string>`?`)
  .orderBy('id')
  .limit(sql<number>`?`)
  .compile();

/** Task runs read at once: parsing them holds the event loop for about 3 ms. */
export const TASK_RUN_PAGE = 1_000;

export const recordsByKey = (scope: Scope, executionId: string): Statement => ({
  sql: RECORDS.sql,
  parameters: [keyOf(scope.tenant, executionId), ...RECORDS.parameters],
});

export const allRecordsByKey = (scope: Scope, executionId: string): Statement => ({
  sql: ALL_RECORDS.sql,
  parameters: [keyOf(scope.tenant, executionId)],
});

export const recordOf = (row: Row): readonly [string, ExecutionRecord] => [
  String(row['id']),
  JSON.parse(String(row['value'])),
];

/** Task runs with ids after `afterId`, in order of id, at most `TASK_RUN_PAGE`. */
export const taskRunsByKey = (scope: Scope, executionId: string, afterId: string): Statement => ({
  sql: TASK_RUNS.sql,
  parameters: [keyOf(scope.tenant, executionId), afterId, TASK_RUN_PAGE],
});

/** The records of an execution from the rows of `recordsByKey`; undefined while there is no head, or when it was deleted. */
export function executionOf(rows: readonly Row[]): Omit<ExecutionRecords, 'taskRuns'> | undefined {
  let head: ExecutionHead | undefined;
  let created: ExecutionCreated | undefined;
  let variables: ExecutionVariables | undefined;
  for (const row of rows) {
    if (typeof row['value'] !== 'string') continue;
    if (row['id'] === 'head') head = JSON.parse(row['value']);
    if (row['id'] === 'created') created = JSON.parse(row['value']);
    if (row['id'] === 'variables') variables = JSON.parse(row['value']);
  }
  if (head?.deleted) return undefined;
  return head && { head, ...(created && { created }), ...(variables && { variables }) };
}

export const taskRunOf = (row: Row): TaskRun => JSON.parse(String(row['value']));

const SORTS: Readonly<Record<string, string>> = {
  id: 'execution_id',
  namespace: 'namespace',
  flowId: 'flow_id',
  startDate: 'start_date',
  endDate: 'end_date',
  'state.startDate': 'start_date',
  'state.endDate': 'end_date',
  'state.current': 'state',
  'state.duration': 'duration',
};

const DURATION = sql`(e.end_date - e.start_date)`;

function order({ field, direction }: Sort): string {
  const name = Object.hasOwn(SORTS, field) ? SORTS[field] : undefined;
  if (name === undefined) {
    throw new RepositoryError(
      'INVALID_QUERY',
      `Executions cannot be sorted by '${field.slice(0, 80)}': use one of ${Object.keys(SORTS).join(', ')}`,
      false,
    );
  }
  return `${name} ${direction}`;
}

/** The statements of a search: the rows of the page, and how many there are. */
export function searchExecutions(
  scope: Scope,
  query: Search,
  window: Window,
  without?: WithoutKeys,
): { readonly page: CompiledQuery; readonly total: CompiledQuery } {
  const conditions = [
    within(scope, column('e.tenant'), column('e.namespace')),
    ...query.filters.map((filter) => conditionOf(filter, query.now)),
    ...(without === undefined || without.keys.size === 0
      ? []
      : [sql<boolean>`e.key not in (select value from json_each(${JSON.stringify([...without.keys])}))`]),
  ];
  const matching = statements.selectFrom('executions as e').where(all(conditions));
  let page = matching.select([
    'e.value as head',
    (of) =>
      of
        .selectFrom('executions as c')
        .select('c.value')
        .whereRef('c.key', '=', 'e.key')
        .where('c.id', '=', 'created')
        .as('created'),
    (of) =>
      of
        .selectFrom('executions as v')
        .select('v.value')
        .whereRef('v.key', '=', 'e.key')
        .where('v.id', '=', 'variables')
        .as('variables'),
  ]);
  for (const sort of query.sort.length > 0 ? query.sort : [{ field: 'startDate', direction: 'desc' } as const]) {
    const [name, direction] = order(sort).split(' ');
    page = page.orderBy(name === 'duration' ? DURATION : sql.ref(`e.${name}`), direction === 'desc' ? 'desc' : 'asc');
  }
  return {
    // The key last: pages stay apart when the sorted values are equal.
    page: page.orderBy('e.key').limit(window.size).offset(window.from).compile(),
    total: matching.select(sql<number>`count(*)`.as('total')).compile(),
  };
}

/** The records that a list shows beside heads, of those of the keys that the scope covers. */
export const executionParts = (scope: Scope, keys: readonly string[]): CompiledQuery =>
  statements
    .selectFrom('executions as e')
    .select(['e.key', 'e.id', 'e.value'])
    .where('e.id', 'in', ['created', 'variables'])
    .where(sql<boolean>`e.key in (select value from json_each(${JSON.stringify(keys)}))`)
    .where(
      sql<boolean>`exists (select 1 from executions h where h.key = e.key and h.id = 'head' and ${within(scope, column('h.tenant'), column('h.namespace'))})`,
    )
    .compile();

/** From the rows of `executionParts`. */
export function partsOf(rows: readonly Row[]): ReadonlyMap<string, ExecutionParts> {
  const found = new Map<string, ExecutionParts>();
  for (const row of rows) {
    const [key, id] = [String(row['key']), String(row['id'])];
    found.set(key, { ...found.get(key), [id]: JSON.parse(String(row['value'])) });
  }
  return found;
}

export const listedExecutionOf = (row: Row): ExecutionRecords => ({
  head: JSON.parse(String(row['head'])),
  ...(typeof row['created'] === 'string' && { created: JSON.parse(row['created']) }),
  ...(typeof row['variables'] === 'string' && { variables: JSON.parse(row['variables']) }),
  taskRuns: [],
});

const FIELDS: Readonly<Record<string, (filter: QueryFilter, now: number) => Condition>> = {
  q: (filter) => {
    if (filter.operation !== 'EQUALS' && filter.operation !== 'CONTAINS') throw unsupported(filter);
    return onAnyText([column('e.execution_id'), column('e.namespace'), column('e.flow_id')], filter.value);
  },
  scope: (filter) => onFlowScope(column('e.namespace'), filter),
  namespace: (filter) => onText(column('e.namespace'), filter),
  flowId: (filter) => onText(column('e.flow_id'), filter),
  state: (filter) => {
    const states = oneOf(filter, STATES).join(',');
    return onText(column('e.state'), { ...filter, value: states }, ['EQUALS', 'NOT_EQUALS', 'IN', 'NOT_IN']);
  },
  startDate: (filter) => onInstant(column('e.start_date'), filter),
  endDate: (filter) => onInstant(column('e.end_date'), filter),
  timeRange: (filter, now) => {
    if (filter.operation !== 'EQUALS') throw unsupported(filter);
    return sql`${column('e.start_date')} >= ${rangeStart(filter, now)}`;
  },
  triggerExecutionId: (filter) =>
    onText(column('e.trigger_execution_id'), filter, ['EQUALS', 'NOT_EQUALS', 'IN', 'NOT_IN']),
  childFilter: (filter) => {
    if (filter.operation !== 'EQUALS' && filter.operation !== 'NOT_EQUALS') throw unsupported(filter);
    const child = (oneOf(filter, ['CHILD', 'MAIN'])[0] === 'CHILD') === (filter.operation === 'EQUALS');
    return child
      ? sql`${column('e.trigger_execution_id')} is not null`
      : sql`${column('e.trigger_execution_id')} is null`;
  },
  kind: (filter) => {
    const kind = sql`coalesce((select json_extract(k.value, '$.executionKind') from executions k where k.key = e.key and k.id = 'created'), 'NORMAL')`;
    const kinds = oneOf(filter, ['NORMAL', 'TEST', 'PLAYGROUND']).join(',');
    return onText(kind, { ...filter, value: kinds }, ['EQUALS', 'NOT_EQUALS', 'IN', 'NOT_IN']);
  },
  labels: onLabel,
};

export const EXECUTION_FILTERS: readonly string[] = Object.keys(FIELDS);

function conditionOf(filter: QueryFilter, now: number): Condition {
  const field = Object.hasOwn(FIELDS, filter.field) ? FIELDS[filter.field] : undefined;
  if (!field) throw unknownField(filter, EXECUTION_FILTERS);
  return field(filter, now);
}

/** A label with the key; without a key (`key:value` as the value) the old flat form. */
function onLabel(filter: QueryFilter): Condition {
  const colon = filter.value.indexOf(':');
  const key = filter.key ?? (colon < 0 ? filter.value : filter.value.slice(0, colon));
  const value = filter.key !== undefined ? filter.value : colon < 0 ? undefined : filter.value.slice(colon + 1);
  const name = sql`json_extract(l.value, '$.key')`;
  const text = sql`json_extract(l.value, '$.value')`;
  const negative = filter.operation === 'NOT_EQUALS' || filter.operation === 'NOT_IN';
  const positive = {
    ...filter,
    operation: filter.operation === 'NOT_EQUALS' ? 'EQUALS' : filter.operation === 'NOT_IN' ? 'IN' : filter.operation,
  } as const;
  const matches =
    value === undefined
      ? sql`1 = 1`
      : onText(text, { ...positive, value }, ['EQUALS', 'IN', 'CONTAINS', 'STARTS_WITH', 'ENDS_WITH']);
  const exists = sql<boolean>`exists (select 1 from json_each(e.value, '$.labels') l where ${name} = ${key} and ${matches})`;
  return negative ? sql`not ${exists}` : exists;
}
