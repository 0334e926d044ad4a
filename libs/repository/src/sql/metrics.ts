import { sql, type CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import type { MetricQuery } from '../contract.js';
import { metricSort } from '../filtering/logs.js';
import type { PlacedMetric, Window, WithoutPositions } from '../part.js';
import { all, before, column, operandsOf, TRUE, within } from './conditions.js';
import type { Row } from './reader.js';
import { statements } from './tables.js';

const inValue = (path: string) => sql<unknown>`json_extract(value, ${sql.lit(path)})`;
const operandOf = operandsOf({
  timestamp: column('timestamp'),
  name: inValue('$.name'),
  value: inValue('$.value'),
  taskId: inValue('$.taskId'),
});

/** The metrics of one execution: the rows of a page, and how many there are. */
export function executionMetrics(
  scope: Scope,
  executionId: string,
  query: Omit<MetricQuery, 'page' | 'size'>,
  window: Window,
  without?: WithoutPositions,
): { readonly page: CompiledQuery; readonly total: CompiledQuery } {
  let matching = statements
    .selectFrom('metrics')
    .where(within(scope, column('tenant'), column('namespace')))
    .where('execution_id', '=', executionId)
    .where(all([TRUE, ...before(without)]));
  if (query.taskRunId !== undefined) matching = matching.where(inValue('$.taskRunId'), '=', query.taskRunId);
  if (query.taskId !== undefined) matching = matching.where(inValue('$.taskId'), '=', query.taskId);
  let page = matching.select(['value', 'partition', 'position']);
  for (const { field, direction } of metricSort(query.sort)) page = page.orderBy(operandOf(field), direction);
  return {
    page: page.orderBy('position').limit(window.size).offset(window.from).compile(),
    total: matching.select(sql<number>`count(*)`.as('total')).compile(),
  };
}

export const placedMetricOf = (row: Row): PlacedMetric => ({
  entry: JSON.parse(String(row['value'])),
  partition: Number(row['partition']),
  position: Number(row['position']),
});
