import { sql, type CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import {
  keyOf,
  type ExecutionCreated,
  type ExecutionHead,
  type ExecutionRecord,
  type ExecutionVariables,
  type TaskRun,
} from '@millrace/model';
import type { ExecutionRecords } from '../contract.js';
import { EXECUTION_FIELDS, executionSort } from '../filtering/executions.js';
import { DISTINCT_MAX } from '../filtering/patterns.js';
import { predicatesOf } from '../filtering/values.js';
import type { ExecutionParts, Search, Window, WithoutKeys } from '../part.js';
import { all, column, onFilters, operandsOf, within, type Operand } from './conditions.js';
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

/** What the row of a head has for the fields of filters and sorts. */
const OPERANDS: Readonly<Record<string, Operand>> = {
  executionId: column('e.execution_id'),
  namespace: column('e.namespace'),
  flowId: column('e.flow_id'),
  state: column('e.state'),
  startDate: column('e.start_date'),
  endDate: column('e.end_date'),
  duration: sql`(e.end_date - e.start_date)`,
  triggerExecutionId: column('e.trigger_execution_id'),
  kind: sql`coalesce(json_extract(e.value, '$.executionKind'), 'NORMAL')`,
  labels: sql`json_extract(e.value, '$.labels')`,
};
const operandOf = operandsOf(OPERANDS);

/** The different values of a field. */
export const distinctOfExecutions = (scope: Scope, field: string): CompiledQuery =>
  statements
    .selectFrom('executions as e')
    .where(within(scope, column('e.tenant'), column('e.namespace')))
    .select(operandOf(field).as('text'))
    .distinct()
    .limit(DISTINCT_MAX + 1)
    .compile();

/** The statements of a search: the rows of the page, and how many there are. */
export function searchExecutions(
  scope: Scope,
  query: Search,
  window: Window,
  without?: WithoutKeys,
): { readonly page: CompiledQuery; readonly total: CompiledQuery } {
  const conditions = [
    within(scope, column('e.tenant'), column('e.namespace')),
    ...onFilters(predicatesOf(EXECUTION_FIELDS, query.filters, query.now), operandOf),
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
  for (const { field, direction } of executionSort(query.sort)) page = page.orderBy(operandOf(field), direction);
  return {
    // The key last: pages stay apart when the sorted values are equal.
    page: page.orderBy('e.key').limit(window.size).offset(window.from).compile(),
    total: matching.select(sql<number>`count(*)`.as('total')).compile(),
  };
}

/** The records that a list shows beside heads; not those of executions whose head lies outside the scope. */
export const executionParts = (scope: Scope, keys: readonly string[]): CompiledQuery =>
  statements
    .selectFrom('executions as e')
    .select(['e.key', 'e.id', 'e.value'])
    .where('e.id', 'in', ['created', 'variables'])
    .where(sql<boolean>`e.key in (select value from json_each(${JSON.stringify(keys)}))`)
    .where(
      // In the part that has what is newer the head may be elsewhere.
      sql<boolean>`not exists (select 1 from executions h where h.key = e.key and h.id = 'head' and not (${within(scope, column('h.tenant'), column('h.namespace'))}))`,
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
