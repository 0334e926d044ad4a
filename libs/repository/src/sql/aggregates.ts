import { sql, type CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import { selectionConditions } from '@millrace/model';
import type { MetricAggregationQuery, MetricSource, Selection } from '../contract.js';
import { baseGroupMs } from '../metric-groups.js';
import type { MetricFigures, WithoutPositions } from '../part.js';
import { all, before as beforePositions, column, onRecords, TRUE, within } from './conditions.js';
import type { Row } from './reader.js';
import { statements } from './tables.js';

const NAME = sql<string>`json_extract(value, '$.name')`;
const TASK = sql<string>`json_extract(value, '$.taskId')`;
const VALUE = sql<number>`json_extract(value, '$.value')`;

/** How many rows of a table of entries are selected. */
export const countSelected = (
  scope: Scope,
  table: 'logs' | 'metrics',
  selection: Selection,
  without?: WithoutPositions,
): CompiledQuery =>
  statements
    .selectFrom(table)
    .select(sql<number>`count(*)`.as('total'))
    .where(
      all([
        within(scope, column('tenant'), column('namespace')),
        ...onRecords(selectionConditions({ tenant: scope.tenant, ...selection })),
        ...beforePositions(without),
      ]),
    )
    .compile();

const ofSource = (scope: Scope, { namespace, flowId, taskId }: MetricSource) => {
  const all = statements
    .selectFrom('metrics')
    .where(within(scope, column('tenant'), column('namespace')))
    .where('namespace', '=', namespace)
    .where('flow_id', '=', flowId);
  return taskId === undefined ? all : all.where(TASK, '=', taskId);
};

export const metricNames = (scope: Scope, source: MetricSource): CompiledQuery =>
  ofSource(scope, source).select(NAME.as('text')).distinct().orderBy('text').limit(TEXTS_MAX).compile();

export const metricTasks = (scope: Scope, source: MetricSource): CompiledQuery =>
  ofSource(scope, source).select(TASK.as('text')).distinct().orderBy('text').limit(TEXTS_MAX).compile();

/** Names and tasks that are told at most. */
const TEXTS_MAX = 10_000;

export const textOf = (row: Row): string => String(row['text']);

/** The figures of each smallest group of a range. */
export function metricFigures(scope: Scope, query: MetricAggregationQuery, without?: WithoutPositions): CompiledQuery {
  const { name, from, before } = query;
  const size = baseGroupMs(query);
  const start = sql<number>`(timestamp / ${size}) * ${size}`;
  return ofSource(scope, query)
    .where(NAME, '=', name)
    .where('timestamp', '>=', from)
    .where('timestamp', '<', before)
    .where(all([TRUE, ...beforePositions(without)]))
    .select([
      start.as('start'),
      sql<number>`sum(${VALUE})`.as('sum'),
      sql<number>`min(${VALUE})`.as('min'),
      sql<number>`max(${VALUE})`.as('max'),
      sql<number>`count(*)`.as('count'),
    ])
    .groupBy('start')
    .orderBy('start')
    .compile();
}

/** The figures of a row of `metricFigures`. */
export function figuresOf(row: Row): MetricFigures {
  const [start = 0, sum = 0, min = 0, max = 0, count = 0] = ['start', 'sum', 'min', 'max', 'count'].map((name) =>
    Number(row[name]),
  );
  return { start, sum, min, max, count };
}
