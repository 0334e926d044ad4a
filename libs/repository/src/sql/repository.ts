import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import type { TaskRun } from '@millrace/model';
import {
  PAGE_SIZE_MAX,
  RepositoryError,
  type LogFilter,
  type Page,
  type Repository,
  type SearchQuery,
} from '../contract.js';
import { FILTER_LIMITS } from '../filters.js';
import {
  allRecordsByKey,
  executionOf,
  listedExecutionOf,
  recordOf,
  recordsByKey,
  searchExecutions,
  taskRunOf,
  taskRunsByKey,
  TASK_RUN_PAGE,
} from './executions.js';
import { executionLogs, logEntryOf, placedLogEntryOf, searchLogs } from './logs.js';
import { executionMetrics, metricOf } from './metrics.js';
import { aggregateMetric, aggregationsOf, countSelected, metricNames, metricTasks, textOf } from './aggregates.js';
import { searchTriggers, triggerByKey, triggerOf } from './triggers.js';
import { createDirectReader, type Row, type StatementReader } from './reader.js';
import { createThreadReader } from './reader-thread.js';

export interface SqlRepositoryOptions {
  /** The embedded database's file, made by the SQL queue before. */
  readonly file: string;
}

/**
 * The query side over the embedded database: reads the tables that the SQL queue writes in its transactions, so what was
 * committed is seen at once. Look-ups by key run on a connection in this thread, searches on one in a thread of its own.
 * @throws RepositoryError UNAVAILABLE when the file cannot be opened
 */
export function createSqlRepository({ file }: SqlRepositoryOptions): Repository {
  const direct = createDirectReader(file);
  const searching = createThreadReader(file);

  const taskRuns = async (scope: Scope, executionId: string): Promise<TaskRun[]> => {
    const found: TaskRun[] = [];
    for (let afterId = ''; ;) {
      const rows = direct.allNow(taskRunsByKey(scope, executionId, afterId));
      for (const row of rows) found.push(taskRunOf(row));
      if (rows.length < TASK_RUN_PAGE) return found.sort((one, other) => one.sequence - other.sequence);
      afterId = String(rows.at(-1)?.['id']);
      await nextTurn();
    }
  };

  return {
    async execution(scope, executionId) {
      const execution = executionOf(direct.allNow(recordsByKey(scope, executionId)));
      if (!execution || !scope.covers(execution.head.namespace)) return undefined;
      return { ...execution, taskRuns: await taskRuns(scope, executionId) };
    },
    async executionHead(scope, executionId) {
      const head = executionOf(direct.allNow(recordsByKey(scope, executionId)))?.head;
      return head && scope.covers(head.namespace) ? head : undefined;
    },
    async executionRecords(scope, executionId) {
      const records = new Map(direct.allNow(allRecordsByKey(scope, executionId)).map(recordOf));
      const head = records.get('head');
      if (head?.kind !== 'head' || head.deleted || !scope.covers(head.namespace)) return undefined;
      for (const run of await taskRuns(scope, executionId)) records.set(run.id, run);
      return records;
    },
    async searchExecutions(scope, query) {
      checkQuery(query);
      return paged(searching, searchExecutions(scope, query), listedExecutionOf);
    },
    async logs(scope, executionId, filter) {
      const statement = executionLogs(scope, executionId, { ...filter, limit: Math.min(filter.limit, PAGE_SIZE_MAX) });
      const rows = isSearch(filter) ? await searching.all(statement) : direct.allNow(statement);
      return rows.map(placedLogEntryOf);
    },
    async searchLogs(scope, query) {
      checkQuery(query);
      return paged(searching, searchLogs(scope, query), logEntryOf);
    },
    async metrics(scope, executionId, query) {
      checkPaging(query);
      return paged(searching, executionMetrics(scope, executionId, query), metricOf);
    },
    ...aggregating(searching),
    async searchTriggers(scope, query) {
      checkQuery(query);
      return paged(searching, searchTriggers(scope, query), triggerOf);
    },
    async trigger(scope, name) {
      if (!scope.covers(name.namespace)) return undefined;
      const [row] = direct.allNow(triggerByKey(scope, name));
      return row && triggerOf(row);
    },
    async close() {
      await Promise.all([searching.close(), direct.close()]);
    },
  };
}

type Aggregating = Pick<Repository, 'countLogs' | 'countMetrics' | 'metricNames' | 'metricTasks' | 'aggregateMetric'>;

const aggregating = (reader: StatementReader): Aggregating => ({
  countLogs: async (scope, selection) => totalOf(await reader.all(countSelected(scope, 'logs', selection))),
  countMetrics: async (scope, selection) => totalOf(await reader.all(countSelected(scope, 'metrics', selection))),
  metricNames: async (scope, source) => (await reader.all(metricNames(scope, source))).map(textOf),
  metricTasks: async (scope, source) => (await reader.all(metricTasks(scope, source))).map(textOf),
  aggregateMetric: async (scope, query) => aggregationsOf(query, await reader.all(aggregateMetric(scope, query))),
});

const totalOf = (rows: readonly Row[]): number => Number(rows[0]?.['total'] ?? 0);

/** True when finding a page may take looking at every entry of the execution. */
const isSearch = ({ taskRunId, taskId, attempt }: LogFilter): boolean =>
  taskRunId !== undefined || taskId !== undefined || attempt !== undefined;

async function paged<Item>(
  reader: StatementReader,
  { page, total }: { readonly page: CompiledQuery; readonly total: CompiledQuery },
  itemOf: (row: Row) => Item,
): Promise<Page<Item>> {
  const [rows, counts] = await Promise.all([reader.all(page), reader.all(total)]);
  return { results: rows.map(itemOf), total: totalOf(counts) };
}

const invalid = (message: string): RepositoryError => new RepositoryError('INVALID_QUERY', message, false);

function checkPaging({ page, size }: { readonly page: number; readonly size: number }): void {
  if (!Number.isSafeInteger(page) || page < 1) throw invalid(`'page' must be a whole number from 1 on, but is ${page}`);
  if (!Number.isSafeInteger(size) || size < 1 || size > PAGE_SIZE_MAX) {
    throw invalid(`'size' must be a whole number from 1 to ${PAGE_SIZE_MAX}, but is ${size}`);
  }
  if (page * size > Number.MAX_SAFE_INTEGER / 2) throw invalid(`'page' is too large: ${page}`);
}

function checkQuery(query: SearchQuery): void {
  checkPaging(query);
  if (query.filters.length > FILTER_LIMITS.filters) {
    throw invalid(`${query.filters.length} filters are too many: at most ${FILTER_LIMITS.filters} are allowed`);
  }
  for (const { field, value } of query.filters) {
    if (value.length > FILTER_LIMITS.valueLength * 20 || (field === 'q' && value.length > FILTER_LIMITS.valueLength)) {
      throw invalid(`The filter '${field.slice(0, 80)}' is too long: ${value.length} characters`);
    }
  }
}
