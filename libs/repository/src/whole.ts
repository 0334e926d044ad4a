import type { ExecutionCreated, ExecutionHead, ExecutionRecord, ExecutionVariables, TaskRun } from '@millrace/model';
import { checkFilters, windowOf } from './check-query.js';
import { PAGE_SIZE_MAX, type ExecutionRecords, type Page, type Repository } from './contract.js';
import { aggregationsOf, checkRange } from './metric-groups.js';
import type { RepositoryPart } from './part.js';

/** A repository of one part that has everything: the part reads, this checks what is asked and puts answers together. */
export function repositoryOf(part: RepositoryPart): Repository {
  return {
    async execution(scope, executionId) {
      const records = await part.executionRecords(scope, executionId);
      return records && executionOf(records);
    },
    executionHead: (scope, executionId) => part.executionHead(scope, executionId),
    executionRecords: (scope, executionId) => part.executionRecords(scope, executionId),
    async searchExecutions(scope, query) {
      const window = windowOf(query);
      checkFilters(query);
      return part.searchExecutions(scope, query, window);
    },
    logs: async (scope, executionId, filter) =>
      part.executionLogs(scope, executionId, { ...filter, limit: Math.min(filter.limit, PAGE_SIZE_MAX) }),
    async searchLogs(scope, query) {
      const window = windowOf(query);
      checkFilters(query);
      return entriesOf(await part.searchLogs(scope, query, window));
    },
    metrics: async (scope, executionId, query) =>
      entriesOf(await part.executionMetrics(scope, executionId, query, windowOf(query))),
    countLogs: (scope, selection) => part.countLogs(scope, selection),
    countMetrics: (scope, selection) => part.countMetrics(scope, selection),
    metricNames: (scope, source) => part.metricNames(scope, source),
    metricTasks: (scope, source) => part.metricTasks(scope, source),
    async aggregateMetric(scope, query) {
      checkRange(query);
      return aggregationsOf(query, await part.metricFigures(scope, query));
    },
    async searchTriggers(scope, query) {
      const window = windowOf(query);
      checkFilters(query);
      return part.searchTriggers(scope, query, window);
    },
    trigger: (scope, name) => part.trigger(scope, name),
    freshness: () => ({}),
    close: () => part.close(),
  };
}

/** What is shown of an execution, from all its records; undefined while there is no head, or when it was deleted. */
export function executionOf(records: ReadonlyMap<string, ExecutionRecord>): ExecutionRecords | undefined {
  let head: ExecutionHead | undefined;
  let created: ExecutionCreated | undefined;
  let variables: ExecutionVariables | undefined;
  const taskRuns: TaskRun[] = [];
  for (const record of records.values()) {
    if (record.kind === 'head') head = record;
    else if (record.kind === 'created') created = record;
    else if (record.kind === 'variables') variables = record;
    else if (record.kind === 'task-run') taskRuns.push(record);
  }
  if (head === undefined || head.deleted === true) return undefined;
  taskRuns.sort((one, other) => one.sequence - other.sequence);
  return { head, ...(created && { created }), ...(variables && { variables }), taskRuns };
}

const entriesOf = <Entry>({ results, ...rest }: Page<{ readonly entry: Entry }>): Page<Entry> => ({
  ...rest,
  results: results.map(({ entry }) => entry),
});
