import { sql, type CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import { LEVEL_RANK, LOG_LEVELS, type LogEntry } from '@millrace/model';
import { RepositoryError, type LogFilter, type PlacedLogEntry } from '../contract.js';
import type { QueryFilter } from '../filters.js';
import type { Search, Window, WithoutPositions } from '../part.js';
import {
  all,
  before,
  column,
  onAnyText,
  oneOf,
  onFlowScope,
  onInstant,
  onText,
  rangeStart,
  TRUE,
  unknownField,
  unsupported,
  within,
  type Condition,
} from './conditions.js';
import type { Row } from './reader.js';
import { statements } from './tables.js';

const inValue = (path: string) => sql<number>`json_extract(value, ${sql.lit(path)})`;
const SEQUENCE = inValue('$.taskRunSequence');
const LINE = inValue('$.lineNumber');

/** The entries of one execution from `filter.after` on; the index by execution and time serves it. */
export function executionLogs(
  scope: Scope,
  executionId: string,
  filter: LogFilter,
  without?: WithoutPositions,
): CompiledQuery {
  let query = statements
    .selectFrom('logs')
    .select(['value', 'position'])
    .where(within(scope, column('tenant'), column('namespace')))
    .where('execution_id', '=', executionId)
    .where(all([TRUE, ...before(without)]));
  if (filter.minLevel) query = query.where('level', '>=', LEVEL_RANK[filter.minLevel]);
  if (filter.taskRunId !== undefined) query = query.where('task_run_id', '=', filter.taskRunId);
  if (filter.taskId !== undefined) query = query.where(inValue('$.taskId'), '=', sql<number>`${filter.taskId}`);
  if (filter.attempt !== undefined) query = query.where(inValue('$.attempt'), '=', filter.attempt);
  if (filter.after) {
    const { timestamp, taskRunSequence, lineNumber, position } = filter.after;
    query = query
      .where('timestamp', '>=', timestamp)
      .where(
        sql<boolean>`(timestamp, ${SEQUENCE}, ${LINE}, position) > (${timestamp}, ${taskRunSequence}, ${lineNumber}, ${position})`,
      );
  }
  return query.orderBy('timestamp').orderBy(SEQUENCE).orderBy(LINE).orderBy('position').limit(filter.limit).compile();
}

export function placedLogEntryOf(row: Row): PlacedLogEntry {
  const entry: LogEntry = JSON.parse(String(row['value']));
  const { timestamp, taskRunSequence, lineNumber } = entry;
  return { entry, place: { timestamp, taskRunSequence, lineNumber, position: Number(row['position']) } };
}

const SORTS = ['timestamp', 'level', 'namespace', 'flowId', 'executionId'] as const;
const SORT_COLUMNS = {
  timestamp: 'timestamp',
  level: 'level',
  namespace: 'namespace',
  flowId: 'flow_id',
  executionId: 'execution_id',
} as const;

/** The statements of a search: the rows of the page, and how many there are. */
export function searchLogs(
  scope: Scope,
  query: Search,
  window: Window,
  without?: WithoutPositions,
): { readonly page: CompiledQuery; readonly total: CompiledQuery } {
  const matching = statements
    .selectFrom('logs')
    .where(
      all([
        within(scope, column('tenant'), column('namespace')),
        ...query.filters.map((filter) => conditionOf(filter, query.now)),
        ...before(without),
      ]),
    );
  let page = matching.select(['value', 'position']);
  for (const { field, direction } of query.sort.length > 0
    ? query.sort
    : [{ field: 'timestamp', direction: 'desc' } as const]) {
    const known = SORTS.find((name) => name === field);
    if (!known)
      throw new RepositoryError(
        'INVALID_QUERY',
        `Logs cannot be sorted by '${field.slice(0, 80)}': use one of ${SORTS.join(', ')}`,
        false,
      );
    page = page.orderBy(SORT_COLUMNS[known], direction);
  }
  return {
    page: page
      .orderBy('position', 'desc')
      .orderBy('partition', 'desc')
      .limit(window.size)
      .offset(window.from)
      .compile(),
    total: matching.select(sql<number>`count(*)`.as('total')).compile(),
  };
}

const FIELDS: Readonly<Record<string, (filter: QueryFilter, now: number) => Condition>> = {
  q: (filter) => {
    if (filter.operation !== 'EQUALS' && filter.operation !== 'CONTAINS') throw unsupported(filter);
    return onAnyText(
      [inValue('$.message'), column('execution_id'), column('namespace'), column('flow_id')],
      filter.value,
    );
  },
  scope: (filter) => onFlowScope(column('namespace'), filter),
  namespace: (filter) => onText(column('namespace'), filter),
  flowId: (filter) => onText(column('flow_id'), filter),
  executionId: (filter) => onText(column('execution_id'), filter),
  triggerId: (filter) => onText(inValue('$.triggerId'), filter),
  startDate: (filter) => onInstant(column('timestamp'), filter),
  endDate: (filter) => onInstant(column('timestamp'), filter),
  timeRange: (filter, now) => {
    if (filter.operation !== 'EQUALS') throw unsupported(filter);
    return sql`timestamp >= ${rangeStart(filter, now)}`;
  },
  // EQUALS means "at least", as in the reference product's API.
  level: (filter) => {
    const [level = 'INFO'] = oneOf(filter, LOG_LEVELS);
    if (filter.operation === 'EQUALS' || filter.operation === 'GREATER_THAN_OR_EQUAL_TO')
      return sql`level >= ${LEVEL_RANK[level]}`;
    if (filter.operation === 'NOT_EQUALS') return sql`level < ${LEVEL_RANK[level]}`;
    throw unsupported(filter);
  },
};

export const LOG_FILTERS: readonly string[] = Object.keys(FIELDS);

function conditionOf(filter: QueryFilter, now: number): Condition {
  const field = Object.hasOwn(FIELDS, filter.field) ? FIELDS[filter.field] : undefined;
  if (!field) throw unknownField(filter, LOG_FILTERS);
  return field(filter, now);
}
