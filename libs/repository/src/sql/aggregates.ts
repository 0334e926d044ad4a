import { sql, type CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import { selectionConditions } from '@millrace/model';
import {
  RepositoryError,
  type MetricAggregationQuery,
  type MetricAggregations,
  type MetricSource,
  type Selection,
} from '../contract.js';
import { all, column, onRecords, within } from './conditions.js';
import type { Row } from './reader.js';
import { statements } from './tables.js';

const DAY = 86_400_000;
const BASE = { minute: 60_000, hour: 3_600_000, day: DAY, week: DAY, month: DAY } as const;
/** Longest range that is grouped. */
const RANGE_MAX_DAYS = 3_660;

const NAME = sql<string>`json_extract(value, '$.name')`;
const TASK = sql<string>`json_extract(value, '$.taskId')`;
const VALUE = sql<number>`json_extract(value, '$.value')`;

/** How many rows of a table of entries are selected. */
export const countSelected = (scope: Scope, table: 'logs' | 'metrics', selection: Selection): CompiledQuery =>
  statements
    .selectFrom(table)
    .select(sql<number>`count(*)`.as('total'))
    .where(
      all([
        within(scope, column('tenant'), column('namespace')),
        ...onRecords(selectionConditions({ tenant: scope.tenant, ...selection })),
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
export function aggregateMetric(scope: Scope, query: MetricAggregationQuery): CompiledQuery {
  const { name, from, before } = query;
  if (!(from < before) || before - from > RANGE_MAX_DAYS * DAY) {
    throw new RepositoryError(
      'INVALID_QUERY',
      `The range of dates must begin before it ends, and have at most ${RANGE_MAX_DAYS} days`,
      false,
    );
  }
  const size = BASE[groupOf(query)];
  const start = sql<number>`(timestamp / ${size}) * ${size}`;
  return ofSource(scope, query)
    .where(NAME, '=', name)
    .where('timestamp', '>=', from)
    .where('timestamp', '<', before)
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

function groupOf({ from, before }: Pick<MetricAggregationQuery, 'from' | 'before'>): MetricAggregations['groupBy'] {
  const days = (before - from) / DAY;
  if (days > 365) return 'month';
  if (days > 180) return 'week';
  if (days > 1) return 'day';
  return days > 0.25 ? 'hour' : 'minute';
}

interface Figures {
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** Every group of the range with its value, from the figures of the smallest groups. */
export function aggregationsOf(query: MetricAggregationQuery, rows: readonly Row[]): MetricAggregations {
  const groupBy = groupOf(query);
  const groups = new Map<number, Figures | undefined>();
  for (let at = startOf(groupBy, query.from); at < query.before; at = nextAfter(groupBy, at)) groups.set(at, undefined);
  for (const row of rows) {
    const [start, sum, min, max, count] = ['start', 'sum', 'min', 'max', 'count'].map((name) => Number(row[name]));
    if (start === undefined || sum === undefined || min === undefined || max === undefined || !count) continue;
    const at = startOf(groupBy, start);
    const known = groups.get(at) ?? { sum: 0, min, max, count: 0 };
    groups.set(at, {
      sum: known.sum + sum,
      min: Math.min(known.min, min),
      max: Math.max(known.max, max),
      count: known.count + count,
    });
  }
  const aggregations = [...groups].map(([date, figures]) => {
    const value = valueOf(query.aggregation, figures);
    return { name: query.name, ...(value === undefined ? {} : { value }), date };
  });
  return { groupBy, aggregations };
}

function valueOf(aggregation: MetricAggregationQuery['aggregation'], figures: Figures | undefined): number | undefined {
  if (figures === undefined) return aggregation === 'sum' ? 0 : undefined;
  return aggregation === 'avg' ? figures.sum / figures.count : figures[aggregation];
}

function startOf(groupBy: MetricAggregations['groupBy'], at: number): number {
  const day = Math.floor(at / DAY);
  if (groupBy === 'month') {
    const date = new Date(at);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  }
  // The epoch was a Thursday.
  if (groupBy === 'week') return (day - ((((day + 3) % 7) + 7) % 7)) * DAY;
  return Math.floor(at / BASE[groupBy]) * BASE[groupBy];
}

function nextAfter(groupBy: MetricAggregations['groupBy'], start: number): number {
  if (groupBy === 'month') {
    const date = new Date(start);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  }
  return start + (groupBy === 'week' ? 7 * DAY : BASE[groupBy]);
}
