import { presentExecution, presentListedExecution } from '@millrace/repository';
import { followExecution } from '../executions/follow.js';
import { json, type Answer } from '../http/answer.js';
import { listed } from '../http/listed.js';
import { EXECUTION_FLAT, filtersOf } from '../http/filters.js';
import { pagingOf } from '../http/paging.js';
import { permission, type Call, type Route } from '../http/route.js';
import { openEventStream } from '../http/server-sent-events.js';
import { executionBulkRoutes } from './execution-bulk.js';
import { executionFlowRoutes } from './execution-flows.js';
import { executionOperationRoutes } from './execution-operations.js';
import { executionReplayRoutes } from './execution-replay.js';
import { executionResumeRoutes } from './execution-resume.js';
import { executionStartRoutes } from './execution-start.js';
import type { RouteServices } from './services.js';

/** Query parameters of a search for executions besides `filters[…]`. */
export const EXECUTION_FILTERS = [
  'q',
  'namespace',
  'flowId',
  'state',
  'labels',
  'startDate',
  'endDate',
  'timeRange',
  'triggerExecutionId',
  'childFilter',
  'scope',
  'kind',
];

/** Routes of executions. Fixed paths come before those with a parameter in the same place. */
export function executionRoutes(services: RouteServices): readonly Route[] {
  return [
    ...searchRoutes(services),
    ...executionFlowRoutes(services),
    ...executionBulkRoutes(services),
    ...executionOperationRoutes(services),
    ...executionReplayRoutes(services),
    ...executionResumeRoutes(services),
    ...singleExecutionRoutes(services),
    ...executionStartRoutes(services),
  ];
}

function searchRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/search',
      parameters: ['page', 'size', 'sort', ...EXECUTION_FILTERS],
      access: permission('EXECUTION', 'LIST', 'filter'),
      summary: 'Search executions; without their task runs',
      handle: (call) => search(services, call),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions',
      parameters: ['namespace', 'flowId', 'page', 'size'],
      access: permission('EXECUTION', 'LIST', 'filter'),
      summary: 'Executions of a flow',
      handle(call) {
        call.query.required('namespace');
        call.query.required('flowId');
        return search(services, call, [
          { parameter: 'namespace', field: 'namespace', operation: 'EQUALS' },
          { parameter: 'flowId', field: 'flowId', operation: 'EQUALS' },
        ]);
      },
    },
  ];
}

/** Reading one execution. */
function singleExecutionRoutes(services: RouteServices): readonly Route[] {
  const { repository, context } = services;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/:executionId',
      access: permission('EXECUTION', 'VIEW', 'entity'),
      summary: 'One execution with its task runs',
      handle: async (call) =>
        json(presentExecution(await services.running().executions.get(call.scope, call.parameter('executionId')))),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/:executionId/follow',
      access: permission('EXECUTION', 'FOLLOW', 'entity'),
      summary: 'Follow an execution (server-sent events)',
      async handle(call) {
        const executionId = call.parameter('executionId');
        const { executions, live } = services.running();
        await executions.get(call.scope, executionId);
        await followExecution(
          { repository, live, clock: context.clock },
          call.scope,
          executionId,
          openEventStream(call, context.clock),
        );
      },
    },
  ];
}

async function search(
  { repository, context }: RouteServices,
  { scope, query }: Call,
  flat = EXECUTION_FLAT,
): Promise<Answer> {
  const page = await repository.searchExecutions(scope, {
    ...pagingOf(query),
    filters: filtersOf(query, flat),
    now: context.clock.now(),
  });
  return listed(page, page.results.map(presentListedExecution));
}
