import { sql, type CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import { LEVEL_RANK, type LogEntry } from '@millrace/model';
import type { LogFilter, PlacedLogEntry } from '../contract.js';
import { LOG_FIELDS, logSort } from '../filtering/logs.js';
import { DISTINCT_MAX } from '../filtering/patterns.js';
import { predicatesOf } from '../filtering/values.js';
import type { Search, Window, WithoutPositions } from '../part.js';
import { all, before, column, onFilters, operandsOf, TRUE, within } from './conditions.js';
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

/** What a row has for the fields of filters and sorts. */
const operandOf = operandsOf({
  timestamp: column('timestamp'),
  level: column('level'),
  namespace: column('namespace'),
  flowId: column('flow_id'),
  executionId: column('execution_id'),
  triggerId: inValue('$.triggerId'),
  words: sql`' ' || lower(${inValue('$.message')})`,
});

/** The different values of a field. */
export const distinctOfLogs = (scope: Scope, field: string): CompiledQuery =>
  statements
    .selectFrom('logs')
    .where(within(scope, column('tenant'), column('namespace')))
    .select(operandOf(field).as('text'))
    .distinct()
    .limit(DISTINCT_MAX + 1)
    .compile();

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
        ...onFilters(predicatesOf(LOG_FIELDS, query.filters, query.now), operandOf),
        ...before(without),
      ]),
    );
  let page = matching.select(['value', 'position']);
  for (const { field, direction } of logSort(query.sort)) page = page.orderBy(operandOf(field), direction);
  return {
    page: page.orderBy('position', 'desc').orderBy('execution_id').limit(window.size).offset(window.from).compile(),
    total: matching.select(sql<number>`count(*)`.as('total')).compile(),
  };
}
