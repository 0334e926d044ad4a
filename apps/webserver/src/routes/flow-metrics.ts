import { isoDate } from '@millrace/model';
import { AGGREGATIONS, type MetricSource } from '@millrace/repository';
import { json, type Answer } from '../http/answer.js';
import { unprocessable } from '../http/errors.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

/** How far back a range reaches whose start is not given. */
const RANGE_MS = 30 * 24 * 3_600_000;
const CHOICES = ['SUM', 'AVG', 'MIN', 'MAX'] as const;
const access = permission('EXECUTION', 'VIEW', 'path');
const RANGE = ['startDate', 'endDate', 'aggregation'];

/** Routes of the metrics of a flow over all its executions. */
export function flowMetricRoutes(services: RouteServices): readonly Route[] {
  const { repository } = services;
  const get = (path: string, summary: string, handle: Route['handle'], parameters?: readonly string[]): Route => ({
    method: 'GET',
    area: 'tenant',
    path: `/metrics/${path}`,
    access,
    summary,
    ...(parameters ? { parameters } : {}),
    handle,
  });
  return [
    get('names/:namespace/:flowId', 'Names of the metrics of a flow', async (call) =>
      json(await repository.metricNames(call.scope, sourceOf(call))),
    ),
    get('names/:namespace/:flowId/:taskId', 'Names of the metrics of a task', async (call) =>
      json(await repository.metricNames(call.scope, sourceOf(call, call.parameter('taskId')))),
    ),
    get('tasks/:namespace/:flowId', 'Tasks of a flow that have published metrics', async (call) =>
      json(await repository.metricTasks(call.scope, sourceOf(call))),
    ),
    get(
      'aggregates/:namespace/:flowId/:metric',
      'A metric of a flow over time',
      (call) => aggregate(services, call, sourceOf(call)),
      RANGE,
    ),
    get(
      'aggregates/:namespace/:flowId/:taskId/:metric',
      'A metric of a task over time',
      (call) => aggregate(services, call, sourceOf(call, call.parameter('taskId'))),
      RANGE,
    ),
  ];
}

const sourceOf = ({ parameter }: Call, taskId?: string): MetricSource => ({
  namespace: parameter('namespace'),
  flowId: parameter('flowId'),
  ...(taskId === undefined ? {} : { taskId }),
});

async function aggregate(
  { repository, context }: RouteServices,
  { scope, query, parameter }: Call,
  source: MetricSource,
): Promise<Answer> {
  const before = dateOf(query, 'endDate') ?? context.clock.now() + 1;
  const from = dateOf(query, 'startDate') ?? before - RANGE_MS;
  const chosen = query.choice('aggregation', CHOICES) ?? 'SUM';
  const aggregation = AGGREGATIONS[CHOICES.indexOf(chosen)] ?? 'sum';
  const wanted = { ...source, name: parameter('metric'), aggregation, from, before };
  const { groupBy, aggregations } = await repository.aggregateMetric(scope, wanted);
  return json({
    groupBy,
    aggregations: aggregations.map(({ name, value, date }) => ({
      name,
      ...(value === undefined ? {} : { value }),
      date: isoDate(date),
    })),
  });
}

function dateOf(query: Call['query'], name: string): number | undefined {
  const written = query.text(name);
  if (written === undefined || written === '') return undefined;
  const date = /^\d{4}-\d{2}-\d{2}/.test(written) ? Date.parse(written) : Number.NaN;
  if (Number.isNaN(date))
    throw unprocessable(`'${name}' must be an ISO-8601 date with an offset, but is '${written.slice(0, 80)}'`);
  return date;
}
