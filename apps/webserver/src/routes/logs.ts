import { setImmediate as nextTurn } from 'node:timers/promises';
import { LOG_LEVELS } from '@millrace/model';
import {
  presentLogEntry,
  presentMetricEntry,
  type LogFilter,
  type LogPlace,
  type PlacedLogEntry,
} from '@millrace/repository';
import { listed } from '../http/listed.js';
import { drained } from '../http/drained.js';
import { filtersOf, LOG_FLAT } from '../http/filters.js';
import { pagingOf } from '../http/paging.js';
import { permission, type Call, type Route } from '../http/route.js';
import { openEventStream } from '../http/server-sent-events.js';
import { followLog, LOG_PAGE } from '../executions/follow.js';
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
        const page = await repository.searchLogs(scope, {
          ...pagingOf(query),
          filters: filtersOf(query, LOG_FLAT),
          now: context.clock.now(),
        });
        return listed(page, page.results.map(presentLogEntry));
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/logs/:executionId',
      parameters: LOG_PARAMETERS,
      access: permission('EXECUTION', 'ACCESS_LOGS', 'entity'),
      summary: 'Log of an execution',
      handle: (call) => list(services, call),
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
        const page = await repository.metrics(scope, parameter('executionId'), {
          ...pagingOf(query),
          ...(taskRunId !== undefined && { taskRunId }),
          ...(taskId !== undefined && { taskId }),
        });
        return listed(page, page.results.map(presentMetricEntry));
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
  for (let left = max; left > 0; left -= LOG_PAGE) {
    const limit = Math.min(left, LOG_PAGE);
    const page = await repository.logs(call.scope, call.parameter('executionId'), {
      ...filter,
      limit,
      ...(after && { after }),
    });
    yield* page;
    if (page.length < limit) return;
    after = page.at(-1)?.place;
    // A client that reads as fast as it gets must not keep others waiting.
    await nextTurn();
  }
}

/** The entries as a JSON array. */
const list = (services: RouteServices, call: Call): Promise<void> =>
  sendEntries(services, call, {
    max: ENTRIES_MAX,
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    text: ({ entry }, index) => `${index === 0 ? '' : ','}${JSON.stringify(presentLogEntry(entry))}`,
    around: ['[', ']'],
  });

const download = (services: RouteServices, call: Call): Promise<void> =>
  sendEntries(services, call, {
    max: Number.POSITIVE_INFINITY,
    headers: {
      ...downloadHeaders(`${call.parameter('executionId')}.log`),
      'Content-Type': 'text/plain; charset=utf-8',
    },
    text({ entry }) {
      const { timestamp, level, taskId, message } = presentLogEntry(entry);
      return `${timestamp} ${level} ${taskId === undefined ? '' : `${taskId} `}${message}\n`;
    },
    around: ['', ''],
  });

interface EntryFormat {
  /** Entries at most. */
  readonly max: number;
  readonly headers: Readonly<Record<string, string>>;
  text(entry: PlacedLogEntry, index: number): string;
  /** What is written before and after all entries. */
  readonly around: readonly [string, string];
}

/** Writes entries as they are read, as fast as the client takes them. */
async function sendEntries(
  services: RouteServices,
  call: Call,
  { max, headers, text, around: [before, after] }: EntryFormat,
): Promise<void> {
  const { response } = call;
  await services.running().executions.get(call.scope, call.parameter('executionId'));
  const entries = entriesOf(services, call, max);
  // The first one before the headers, so that a refusal is still an answer of its own.
  let next = await entries.next();
  response.writeHead(200, headers);
  response.write(before);
  for (let index = 0; !next.done && !response.destroyed; index++) {
    response.write(text(next.value, index));
    await drained(response);
    next = await entries.next();
  }
  response.end(after);
}
