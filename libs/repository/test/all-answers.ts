import type { Scope } from '@millrace/authorization';
import type { LogPlace, QueryFilter, Repository, SearchQuery, Sort } from '../src/index.js';
import { START } from './database.js';

const filter = (field: string, operation: QueryFilter['operation'], value: string, key?: string): QueryFilter => ({
  field,
  operation,
  value,
  ...(key === undefined ? {} : { key }),
});
const sorts = (...fields: readonly string[]): readonly (readonly Sort[])[] => [
  [],
  ...fields.flatMap((field) => (['asc', 'desc'] as const).map((direction) => [{ field, direction }])),
];
const EXECUTION_FILTERS = [
  [],
  [filter('state', 'IN', 'RUNNING,FAILED')],
  [filter('namespace', 'PREFIX', 'company')],
  [filter('labels', 'EQUALS', 'red', 'team')],
  [filter('endDate', 'GREATER_THAN', new Date(START).toISOString())],
  [filter('flowId', 'NOT_EQUALS', 'report'), filter('scope', 'EQUALS', 'USER')],
];
const EXECUTION_SORTS = sorts('id', 'namespace', 'flowId', 'startDate', 'endDate', 'state.current', 'state.duration');
const LOG_FILTERS = [[], [filter('level', 'EQUALS', 'INFO')], [filter('executionId', 'EQUALS', 'e1')]];
const LOG_SORTS = sorts('timestamp', 'level', 'namespace', 'flowId', 'executionId');
const TRIGGER_FILTERS = [[], [filter('triggerState', 'EQUALS', 'ENABLED')], [filter('workerId', 'IN', 'w1')]];
const TRIGGER_SORTS = [
  ...sorts('triggerId', 'flowId', 'workerId', 'date', 'disabled'),
  ...sorts('triggerContext.date'),
];
const METRIC_SORTS = sorts('timestamp', 'name', 'value', 'taskId');

/** Everything that can be asked, in an order that says what differs. */
export async function answers(repository: Repository, scope: Scope): Promise<ReadonlyMap<string, unknown>> {
  const found = new Map<string, unknown>();
  const lists = [
    [
      'executions',
      EXECUTION_FILTERS,
      EXECUTION_SORTS,
      (query: SearchQuery) => repository.searchExecutions(scope, query),
    ],
    ['logs', LOG_FILTERS, LOG_SORTS, (query: SearchQuery) => repository.searchLogs(scope, query)],
    ['triggers', TRIGGER_FILTERS, TRIGGER_SORTS, (query: SearchQuery) => repository.searchTriggers(scope, query)],
  ] as const;
  for (const [name, filters, orders, search] of lists) {
    for (const [at, by] of filters.entries()) {
      for (const sort of at === 0 ? orders : orders.slice(0, 2)) {
        for (const page of [1, 2, 3]) {
          const query = { page, size: 3, sort, filters: by, now: START };
          found.set(`${name} ${JSON.stringify({ by, sort, page })}`, await search(query));
        }
      }
    }
  }
  for (let n = 0; n < 8; n++) await answersOfOne(found, repository, scope, `e${n}`);
  const source = { namespace: 'company.team', flowId: 'report' };
  found.set('names', await repository.metricNames(scope, source));
  found.set('tasks', await repository.metricTasks(scope, source));
  found.set('count', await repository.countLogs(scope, { namespace: 'company' }));
  found.set('metrics', await repository.countMetrics(scope, { before: START + 2 * 3_600_000 }));
  for (const aggregation of ['sum', 'avg', 'min', 'max'] as const) {
    const query = { ...source, name: 'rows', aggregation, from: START, before: START + 20 * 3_600_000 };
    found.set(aggregation, await repository.aggregateMetric(scope, query));
  }
  return found;
}

async function answersOfOne(found: Map<string, unknown>, repository: Repository, scope: Scope, id: string) {
  found.set(`${id} head`, await repository.executionHead(scope, id));
  found.set(`${id} execution`, await repository.execution(scope, id));
  const records = await repository.executionRecords(scope, id);
  found.set(`${id} records`, records && [...records].sort(([one], [other]) => (one < other ? -1 : 1)));
  const lines: unknown[] = [];
  for (let after: { after?: LogPlace } = {}; ;) {
    const page = await repository.logs(scope, id, { limit: 2, ...after });
    lines.push(...page);
    const last = page.at(-1);
    if (last === undefined) break;
    after = { after: last.place };
  }
  found.set(`${id} log`, lines);
  found.set(`${id} errors`, await repository.logs(scope, id, { limit: 10, minLevel: 'ERROR', taskId: 'task-0' }));
  for (const sort of METRIC_SORTS)
    for (const page of [1, 2])
      found.set(
        `${id} metrics ${JSON.stringify({ sort, page })}`,
        await repository.metrics(scope, id, { page, size: 2, sort }),
      );
}
