import type { Scope } from '@millrace/authorization';
import { selectionConditions, type LogEntry, type MetricEntry, type TriggerState } from '@millrace/model';
import type { MetricSource, Page, PlacedLogEntry, Selection } from '../contract.js';
import { LOG_FIELDS, LOG_PATTERNS, logSort, metricSort } from '../filtering/logs.js';
import { DISTINCT_MAX, withMatches } from '../filtering/patterns.js';
import { TRIGGER_FIELDS, TRIGGER_PATTERNS, triggerSort } from '../filtering/triggers.js';
import { predicatesOf } from '../filtering/values.js';
import { baseGroupMs } from '../metric-groups.js';
import { triggerKeyOf, type PlacedMetric, type RepositoryPart } from '../part.js';
import { member, numberOf, recordOf, type Hit } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { executionSearches } from './executions.js';
import { executionLogQuery, logPlaceOf } from './logs.js';
import { before, none, onFilter, onRecords, term, terms, within, type Clause } from './queries.js';
import { Searching, sortOf, type Found } from './searching.js';

/**
 * What a repository answers from Elasticsearch: what was refreshed before. Every search begins with the tenant and the
 * namespaces of the scope. The connection is the caller's and is not closed.
 */
export function createElasticsearchPart(connection: ElasticsearchConnection): RepositoryPart {
  const searching = new Searching(connection);
  return {
    ...executionSearches(searching),
    ...logSearches(searching),
    ...metricSearches(searching),
    ...triggerSearches(searching),
    close: () => Promise.resolve(),
  };
}

const ASCENDING = { direction: 'asc' } as const;

type LogSearches = Pick<RepositoryPart, 'executionLogs' | 'searchLogs' | 'countLogs'>;

const logSearches = (searching: Searching): LogSearches => ({
  async executionLogs(scope, executionId, filter, without) {
    const { clauses, sort, after } = executionLogQuery(executionId, filter);
    const hits = await searching.after(
      'logs',
      [...within(scope), ...clauses, ...before(without)],
      sort,
      filter.limit,
      after,
    );
    return hits.map(placedLogEntryOf);
  },
  async searchLogs(scope, query, window, without) {
    const asked = await withMatches(query, LOG_PATTERNS, (field) =>
      searching.distinct('logs', within(scope), field, DISTINCT_MAX + 1),
    );
    const clauses = predicatesOf(LOG_FIELDS, asked.filters, asked.now).map(onFilter);
    const sort = sortOf(
      'logs',
      logSort(query.sort),
      { field: 'position', direction: 'desc' },
      { field: 'executionId', ...ASCENDING },
    );
    const found = await searching.window('logs', [...within(scope), ...clauses, ...before(without)], sort, window);
    return pageOf(found, placedLogEntryOf);
  },
  countLogs: (scope, selection, without) =>
    searching.count('logs', [...selected(scope, selection), ...before(without)]),
});

type MetricSearches = Pick<
  RepositoryPart,
  'executionMetrics' | 'countMetrics' | 'metricNames' | 'metricTasks' | 'metricFigures'
>;

const metricSearches = (searching: Searching): MetricSearches => ({
  async executionMetrics(scope, executionId, { sort, taskRunId, taskId }, window, without) {
    const clauses = [
      ...within(scope),
      term('executionId', executionId),
      ...(taskRunId === undefined ? [] : [term('taskRunId', taskRunId)]),
      ...(taskId === undefined ? [] : [term('taskId', taskId)]),
      ...before(without),
    ];
    const order = sortOf('metrics', metricSort(sort), { field: 'position', ...ASCENDING });
    return pageOf(await searching.window('metrics', clauses, order, window), placedMetricOf);
  },
  countMetrics: (scope, selection, without) =>
    searching.count('metrics', [...selected(scope, selection), ...before(without)]),
  metricNames: (scope, source) => searching.distinct('metrics', ofSource(scope, source), 'name', DISTINCT_MAX),
  metricTasks: (scope, source) => searching.distinct('metrics', ofSource(scope, source), 'taskId', DISTINCT_MAX),
  async metricFigures(scope, query, without) {
    const { name, from, before: until } = query;
    const clauses = [
      ...ofSource(scope, query),
      term('name', name),
      { range: { timestamp: { gte: from, lt: until } } },
      ...before(without),
    ];
    const buckets = await searching.buckets('metrics', clauses, {
      histogram: { field: 'timestamp', interval: baseGroupMs(query), min_doc_count: 1 },
      aggs: { value: { stats: { field: 'value' } } },
    });
    return buckets.map((bucket) => {
      const value = member(bucket, 'value');
      const [sum = 0, min = 0, max = 0, count = 0] = ['sum', 'min', 'max', 'count'].map((of) =>
        numberOf(member(value, of)),
      );
      return { start: numberOf(member(bucket, 'key')), sum, min, max, count };
    });
  },
});

const triggerSearches = (searching: Searching): Pick<RepositoryPart, 'searchTriggers' | 'trigger'> => ({
  async searchTriggers(scope, query, window, without) {
    const asked = await withMatches(query, TRIGGER_PATTERNS, (field) =>
      searching.distinct('triggers', within(scope), field, DISTINCT_MAX + 1),
    );
    const clauses = predicatesOf(TRIGGER_FIELDS, asked.filters, asked.now).map(onFilter);
    const sort = sortOf(
      'triggers',
      triggerSort(query.sort),
      { field: 'flowKey', ...ASCENDING },
      { field: 'triggerId', ...ASCENDING },
    );
    const outside = without === undefined || without.keys.size === 0 ? [] : [none(terms('key', [...without.keys]))];
    const found = await searching.window('triggers', [...within(scope), ...clauses, ...outside], sort, window);
    return pageOf(found, (hit) => recordOf<TriggerState>(hit));
  },
  async trigger(scope, name) {
    const key = triggerKeyOf(scope.tenant, name);
    const [hit] = await searching.after('triggers', [...within(scope), term('key', key)], [], 1, undefined);
    return hit && recordOf<TriggerState>(hit);
  },
});

const ofSource = (scope: Scope, { namespace, flowId, taskId }: MetricSource): readonly Clause[] => [
  ...within(scope),
  term('namespace', namespace),
  term('flowId', flowId),
  ...(taskId === undefined ? [] : [term('taskId', taskId)]),
];

const selected = (scope: Scope, selection: Selection): readonly Clause[] => [
  ...within(scope),
  ...onRecords(selectionConditions({ tenant: scope.tenant, ...selection })),
];

const pageOf = <Item>({ hits, total }: Found, itemOf: (hit: Hit) => Item): Page<Item> => ({
  results: hits.map(itemOf),
  total,
});

function placedLogEntryOf(hit: Hit): PlacedLogEntry {
  const entry = recordOf<LogEntry>(hit);
  return { entry, place: logPlaceOf(entry, numberOf(member(hit.source, 'position'))) };
}

const placedMetricOf = (hit: Hit): PlacedMetric => ({
  entry: recordOf<MetricEntry>(hit),
  partition: numberOf(member(hit.source, 'partition')),
  position: numberOf(member(hit.source, 'position')),
});
