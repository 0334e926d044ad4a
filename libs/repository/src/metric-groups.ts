import { RepositoryError, type MetricAggregationQuery, type MetricAggregations } from './contract.js';
import type { MetricFigures } from './part.js';

const DAY = 86_400_000;
const BASE = { minute: 60_000, hour: 3_600_000, day: DAY, week: DAY, month: DAY } as const;
/** Longest range that is grouped. */
const RANGE_MAX_DAYS = 3_660;

type GroupBy = MetricAggregations['groupBy'];
type Range = Pick<MetricAggregationQuery, 'from' | 'before'>;

/** @throws RepositoryError INVALID_QUERY for a range that is none, or too long */
export function checkRange({ from, before }: Range): void {
  if (from < before && before - from <= RANGE_MAX_DAYS * DAY) return;
  throw new RepositoryError(
    'INVALID_QUERY',
    `The range of dates must begin before it ends, and have at most ${RANGE_MAX_DAYS} days`,
    false,
  );
}

/** Length in milliseconds of the smallest groups of a range: each begins at a multiple of it and lies in one whole group. */
export const baseGroupMs = (range: Range): number => BASE[groupOf(range)];

function groupOf({ from, before }: Range): GroupBy {
  const days = (before - from) / DAY;
  if (days > 365) return 'month';
  if (days > 180) return 'week';
  if (days > 1) return 'day';
  return days > 0.25 ? 'hour' : 'minute';
}

/** Every group of the range with its value, from the figures of the smallest groups; several of one start add up. */
export function aggregationsOf(query: MetricAggregationQuery, figures: readonly MetricFigures[]): MetricAggregations {
  const groupBy = groupOf(query);
  const groups = new Map<number, MetricFigures | undefined>();
  for (let at = startOf(groupBy, query.from); at < query.before; at = nextAfter(groupBy, at)) groups.set(at, undefined);
  for (const one of figures) {
    const start = startOf(groupBy, one.start);
    groups.set(start, addFigures(groups.get(start), { ...one, start }));
  }
  const aggregations = [...groups].map(([date, found]) => {
    const value = valueOf(query.aggregation, found);
    return { name: query.name, ...(value === undefined ? {} : { value }), date };
  });
  return { groupBy, aggregations };
}

/** The figures of two sets of values of one group. */
export const addFigures = (one: MetricFigures | undefined, other: MetricFigures): MetricFigures =>
  one === undefined
    ? other
    : {
        start: one.start,
        sum: one.sum + other.sum,
        min: Math.min(one.min, other.min),
        max: Math.max(one.max, other.max),
        count: one.count + other.count,
      };

function valueOf(
  aggregation: MetricAggregationQuery['aggregation'],
  figures: MetricFigures | undefined,
): number | undefined {
  if (figures === undefined) return aggregation === 'sum' ? 0 : undefined;
  return aggregation === 'avg' ? figures.sum / figures.count : figures[aggregation];
}

function startOf(groupBy: GroupBy, at: number): number {
  const day = Math.floor(at / DAY);
  if (groupBy === 'month') {
    const date = new Date(at);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  }
  // The epoch was a Thursday.
  if (groupBy === 'week') return (day - ((((day + 3) % 7) + 7) % 7)) * DAY;
  return Math.floor(at / BASE[groupBy]) * BASE[groupBy];
}

function nextAfter(groupBy: GroupBy, start: number): number {
  if (groupBy === 'month') {
    const date = new Date(start);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  }
  return start + (groupBy === 'week' ? 7 * DAY : BASE[groupBy]);
}
