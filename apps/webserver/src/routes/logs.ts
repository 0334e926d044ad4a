import { once } from 'node:events';
import { LOG_LEVELS } from '@millrace/model';
import {
  PAGE_SIZE_MAX,
  presentLogEntry,
  presentMetricEntry,
  type LogFilter,
  type LogPlace,
  type PlacedLogEntry,
} from '@millrace/repository';
import { json } from '../http/answer.js';
import { filtersOf, LOG_FLAT } from '../http/filters.js';
import { pagingOf } from '../http/paging.js';
import { permission, type Call, type Route } from '../http/route.js';
import { openEventStream } from '../http/server-sent-events.js';
import { followLog } from '../executions/follow.js';
import { downloadHeaders } from './file-headers.js';
import type { RouteServices } from './services.js';

/** Entries that one answer of `logs/{executionId}` has at most; the download has all of them. */
const ENTRIES_MAX = 100_000;
const LOG_PARAMETERS = ['minLevel', 'taskRunId', 'taskId', 'attempt'];

/** Routes of log entries and metrics. */
export function logRoutes(services: RouteServices): readonly Route[] {
  return [...logReadingRoutes(services), ...logStreamRoutes(services)];
}

function logReadingRoutes(services: RouteServices): readonly Route[] {
  const { repository, context } = services;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/logs/search',
      parameters: [
        'page',
        'size',
        'sort',
        'q',
        'namespace',
        'flowId',
        'executionId',
        'triggerId',
        'minLevel',
        'startDate',
        'endDate',
        'timeRange',
        'scope',
      ],
      access: permission('EXECUTION', 'ACCESS_LOGS', 'filter'),
      summary: 'Search log entries',
      async handle({ scope, query }) {
        const { results, total } = await repository.searchLogs(scope, {
          ...pagingOf(query),
          filters: filtersOf(query, LOG_FLAT),
          now: context.clock.now(),
        });
        return json({ results: results.map(presentLogEntry), total });
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/logs/:executionId',
      parameters: LOG_PARAMETERS,
      access: permission('EXECUTION', 'ACCESS_LOGS', 'entity'),
      summary: 'Log of an execution',
      async handle(call) {
        await services.running().executions.get(call.scope, call.parameter('executionId'));
        const entries = [];
        for await (const { entry } of entriesOf(services, call, ENTRIES_MAX)) entries.push(presentLogEntry(entry));
        return json(entries);
      },
    },
  ];
}

/** Downloads, following, and metrics. */
function logStreamRoutes(services: RouteServices): readonly Route[] {
  const { repository, context } = services;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/logs/:executionId/download',
      parameters: LOG_PARAMETERS,
      access: permission('EXECUTION', 'ACCESS_LOGS', 'entity'),
      summary: 'Log of an execution as text',
      handle: (call) => download(services, call),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/logs/:executionId/follow',
      parameters: ['minLevel'],
      access: permission('EXECUTION', 'ACCESS_LOGS', 'entity'),
      summary: 'Follow the log of an execution (server-sent events)',
      async handle(call) {
        const executionId = call.parameter('executionId');
        call.permit({ resource: 'EXECUTION', action: 'FOLLOW' });
        const minLevel = call.query.choice('minLevel', LOG_LEVELS);
        const { executions, live } = services.running();
        await executions.get(call.scope, executionId);
        const stream = openEventStream(call, context.clock);
        await followLog({ repository, live, clock: context.clock }, call.scope, { executionId, minLevel }, stream);
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/metrics/:executionId',
      parameters: ['page', 'size', 'sort', 'taskRunId', 'taskId'],
      access: permission('EXECUTION', 'VIEW', 'entity'),
      summary: 'Metrics of an execution',
      async handle({ scope, query, parameter }) {
        const [taskRunId, taskId] = [query.text('taskRunId'), query.text('taskId')];
        const { results, total } = await repository.metrics(scope, parameter('executionId'), {
          ...pagingOf(query),
          ...(taskRunId !== undefined && { taskRunId }),
          ...(taskId !== undefined && { taskId }),
        });
        return json({ results: results.map(presentMetricEntry), total });
      },
    },
  ];
}

function filterOf({ query }: Call): Omit<LogFilter, 'limit'> {
  const minLevel = query.choice('minLevel', LOG_LEVELS);
  const [taskRunId, taskId] = [query.text('taskRunId'), query.text('taskId')];
  const attempt = query.integer('attempt', { min: 0, max: 1_000_000 });
  return {
    ...(minLevel && { minLevel }),
    ...(taskRunId !== undefined && { taskRunId }),
    ...(taskId !== undefined && { taskId }),
    ...(attempt !== undefined && { attempt }),
  };
}

async function* entriesOf({ repository }: RouteServices, call: Call, max: number): AsyncGenerator<PlacedLogEntry> {
  const filter = filterOf(call);
  let after: LogPlace | undefined;
  for (let left = max; left > 0; left -= PAGE_SIZE_MAX) {
    const page = await repository.logs(call.scope, call.parameter('executionId'), {
      ...filter,
      limit: Math.min(left, PAGE_SIZE_MAX),
      ...(after && { after }),
    });
    yield* page;
    if (page.length < PAGE_SIZE_MAX) return;
    after = page.at(-1)?.place;
  }
}

async function download(services: RouteServices, call: Call): Promise<void> {
  const { response } = call;
  const executionId = call.parameter('executionId');
  await services.running().executions.get(call.scope, executionId);
  const entries = entriesOf(services, call, Number.POSITIVE_INFINITY);
  // The first one before the headers, so that a refusal is still an answer of its own.
  let next = await entries.next();
  response.writeHead(200, { ...downloadHeaders(`${executionId}.log`), 'Content-Type': 'text/plain; charset=utf-8' });
  while (!next.done && !response.destroyed) {
    const { timestamp, level, taskId, message } = presentLogEntry(next.value.entry);
    const line = `${timestamp} ${level} ${taskId === undefined ? '' : `${taskId} `}${message}\n`;
    if (!response.write(line) && !response.destroyed)
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
    next = await entries.next();
  }
  response.end();
}
