import { keyOf, outgoing, isTerminal, type Flow } from '@millrace/model';
import { presentExecution, presentListedExecution, type ExecutionRecords } from '@millrace/repository';
import { json, type Answer } from '../http/answer.js';
import { jsonBody } from '../http/body.js';
import { HttpError, notFound, unprocessable } from '../http/errors.js';
import { EXECUTION_FLAT, filtersOf } from '../http/filters.js';
import { pagingOf } from '../http/paging.js';
import { permission, type Call, type Route } from '../http/route.js';
import { openEventStream } from '../http/server-sent-events.js';
import type { EndOfExecution } from '../executions/executions.js';
import { followExecution } from '../executions/follow.js';
import { startExecution } from '../executions/start.js';
import type { RouteServices } from './services.js';

const BULK_MAX = 1_000;
const IDS = jsonBody<string[]>({
  type: 'array',
  maxItems: BULK_MAX,
  items: { type: 'string', pattern: '^[0-9A-Za-z]{1,64}$' },
});
const SEARCH_PARAMETERS = [
  'page',
  'size',
  'sort',
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

/** Routes of executions: start, read, search, kill, follow. */
export function executionRoutes(services: RouteServices): readonly Route[] {
  return [...searchAndStartRoutes(services), ...singleExecutionRoutes(services)];
}

function searchAndStartRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/search',
      parameters: SEARCH_PARAMETERS,
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
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/executions/kill/by-ids',
      body: IDS,
      access: permission('EXECUTION', 'KILL', 'each'),
      summary: 'Kill executions; all or none',
      handle: (call) => killAll(services, call),
    },
    ...['/executions/:namespace/:flowId', '/executions/trigger/:namespace/:flowId'].map((path): Route => ({
      method: 'POST',
      area: 'tenant',
      path,
      body: { type: 'multipart/form-data' },
      parameters: ['labels', 'wait', 'revision', 'kind', 'scheduleDate'],
      access: permission('FLOW', 'EXECUTE', 'path'),
      summary: 'Start an execution; form parts are its inputs',
      handle: (call) => start(services, call),
    })),
  ];
}

/** Routes of one execution that exists. */
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
      method: 'DELETE',
      area: 'tenant',
      path: '/executions/:executionId/kill',
      parameters: ['isOnKillCascade'],
      access: permission('EXECUTION', 'KILL', 'entity'),
      summary: 'Kill an execution',
      handle: (call) => kill(services, call),
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
  const { results, total } = await repository.searchExecutions(scope, {
    ...pagingOf(query),
    filters: filtersOf(query, flat),
    now: context.clock.now(),
  });
  return json({ results: results.map(presentListedExecution), total });
}

async function start(services: RouteServices, call: Call): Promise<Answer> {
  const { query, scope, request } = call;
  await services.running().flows.refresh();
  const flow = flowToStart(services, call);
  const wait = query.flag('wait', false);
  const kind = query.choice('kind', ['NORMAL', 'TEST', 'PLAYGROUND']);
  refuseUnsupported(query);
  const { executions } = services.running();
  let end: EndOfExecution | undefined;
  if (wait) call.response.once('close', () => end?.cancel());
  try {
    const requested = await startExecution(services.starting, {
      request,
      scope,
      flow,
      labels: query.all('labels'),
      ...(kind && kind !== 'NORMAL' && { kind }),
      ...(wait && {
        beforePublish: (executionId: string) => void (end = executions.awaitEnd(scope, executionId)),
      }),
    });
    const execution = (await end?.ended) ?? requested;
    const url = `/ui/${call.tenant}/executions/${flow.namespace}/${flow.id}/${requested.head.executionId}`;
    return json({ ...presentExecution(execution), url });
  } finally {
    end?.cancel();
  }
}

function flowToStart(services: RouteServices, { query, scope, parameter }: Call): Flow {
  const [namespace, id] = [parameter('namespace'), parameter('flowId')];
  const revision = query.integer('revision', { min: 1, max: 2 ** 31 - 1 });
  const { flows } = services.running();
  const latest = flows.latest(scope, namespace, id, { deleted: true });
  const flow =
    revision === undefined || latest?.revision === revision
      ? latest
      : latest && flows.revision(scope, namespace, id, revision);
  if (!flow)
    throw notFound(
      `There is no flow '${namespace}.${id}'${revision === undefined ? '' : ` with revision ${revision}`}`,
    );
  // A revision may be old, but not of a flow that is gone.
  return latest?.deleted ? latest : flow;
}

/** What would otherwise be accepted and have no effect. */
const NOT_YET = ['scheduleDate', 'breakpoints'] as const;

function refuseUnsupported(query: Call['query']): void {
  const given = NOT_YET.find((name) => query.text(name) !== undefined);
  if (given !== undefined) throw unprocessable(`'${given}' is not supported by this version yet: leave it out`);
}

const isEnded = ({ head }: ExecutionRecords): boolean => isTerminal(head.state);

async function kill(services: RouteServices, call: Call): Promise<Answer> {
  // Accepted for compatibility; children are always killed too.
  call.query.flag('isOnKillCascade', true);
  const execution = await services.running().executions.get(call.scope, call.parameter('executionId'));
  if (isEnded(execution)) {
    throw new HttpError(409, `The execution has ended already: it is ${execution.head.state}`);
  }
  await publishKills(services, call, [execution]);
  return { status: 202 };
}

async function killAll(services: RouteServices, call: Call): Promise<Answer> {
  const ids = [...new Set(await IDS.read(call.request))];
  const found: ExecutionRecords[] = [];
  const invalids: { message: string; invalidValue: string; path: string }[] = [];
  for (const id of ids) {
    const execution = await services.repository.execution(call.scope, id);
    if (execution && !isEnded(execution)) found.push(execution);
    else
      invalids.push({
        message: execution ? 'execution has ended already' : 'execution not found',
        invalidValue: id,
        path: 'id',
      });
  }
  if (invalids.length > 0)
    throw new HttpError(422, 'Some executions cannot be killed; none was', { members: { invalids } });
  await publishKills(services, call, found);
  return json({ count: found.length });
}

async function publishKills(
  { starting: { queue, topics } }: RouteServices,
  { principal }: Call,
  executions: readonly ExecutionRecords[],
): Promise<void> {
  await queue.publish(
    executions.map(({ head: { tenant, executionId } }) =>
      outgoing({
        topic: topics.executionEvents,
        key: keyOf(tenant, executionId),
        value: { kind: 'kill-requested', tenant, executionId, ...(principal && { by: principal.username }) },
      }),
    ),
  );
}
