import type { Flow } from '@millrace/model';
import { isoDate } from '@millrace/model';
import { presentFlowForExecution } from '../executions/flow-for-execution.js';
import { execution } from '../executions/operations.js';
import { json, type Answer } from '../http/answer.js';
import { jsonBody } from '../http/body.js';
import { notFound } from '../http/errors.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

const FLOWS_MAX = 200;

const FLOW_FILTERS = jsonBody<{ namespace: string; id: string }[]>({
  type: 'array',
  maxItems: FLOWS_MAX,
  items: {
    type: 'object',
    required: ['namespace', 'id'],
    properties: { namespace: { type: 'string', maxLength: 150 }, id: { type: 'string', maxLength: 100 } },
  },
});

/** Routes of executions that tell of flows: what may be executed, and what was. */
export function executionFlowRoutes(services: RouteServices): readonly Route[] {
  return [...executableRoutes(services), ...flowRoutes(services)];
}

function executableRoutes(services: RouteServices): readonly Route[] {
  const executable = ({ scope }: Call): readonly Flow[] =>
    services
      .running()
      .flows.all(scope)
      .filter(({ definition }) => definition.disabled !== true);
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/namespaces',
      access: permission('FLOW', 'EXECUTE', 'filter'),
      summary: 'Namespaces with flows that may be executed',
      handle: (call) => json([...new Set(executable(call).map(({ namespace }) => namespace))]),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/namespaces/:namespace/flows',
      access: permission('FLOW', 'EXECUTE', 'path'),
      summary: 'Flows of a namespace that may be executed',
      handle: (call) =>
        json(
          executable(call)
            .filter(({ namespace }) => namespace === call.parameter('namespace'))
            .map((flow) => presentFlowForExecution(flow, services.taskTypes.catalog)),
        ),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/latest',
      body: FLOW_FILTERS,
      access: permission('EXECUTION', 'LIST', 'filter'),
      summary: 'The last execution of each of the given flows',
      handle: (call) => latest(services, call),
    },
  ];
}

function flowRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/flows/:namespace/:flowId',
      parameters: ['revision'],
      access: permission('EXECUTION', 'VIEW', 'path'),
      summary: 'A flow as readers of its executions see it',
      async handle(call) {
        const { flows } = services.running();
        await flows.refresh();
        const [namespace, id] = [call.parameter('namespace'), call.parameter('flowId')];
        const revision = call.query.integer('revision', { min: 1, max: 2 ** 31 - 1 });
        const flow =
          revision === undefined
            ? flows.latest(call.scope, namespace, id)
            : flows.revision(call.scope, namespace, id, revision);
        if (!flow) throw notFound(`There is no flow '${namespace}.${id}'`);
        return json(presentFlowForExecution(flow, services.taskTypes.catalog));
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/:executionId/flow',
      access: permission('EXECUTION', 'VIEW', 'entity'),
      summary: 'The flow of an execution, in its revision, as readers of the execution see it',
      async handle(call) {
        const { head } = await execution(services, call.scope, call.parameter('executionId'));
        const { namespace, flowId, flowRevision } = head;
        const flow = services.running().flows.revision(call.scope, namespace, flowId, flowRevision);
        if (!flow) throw notFound(`Revision ${flowRevision} of the flow '${namespace}.${flowId}' is gone`);
        return json(presentFlowForExecution(flow, services.taskTypes.catalog));
      },
    },
  ];
}

async function latest({ repository, context }: RouteServices, { request, scope }: Call): Promise<Answer> {
  const flows = await FLOW_FILTERS.read(request);
  const found: unknown[] = [];
  for (const { namespace, id } of flows) {
    const { results } = await repository.searchExecutions(scope, {
      page: 1,
      size: 1,
      sort: [{ field: 'startDate', direction: 'desc' }],
      filters: [
        { field: 'namespace', operation: 'EQUALS', value: namespace },
        { field: 'flowId', operation: 'EQUALS', value: id },
      ],
      now: context.clock.now(),
    });
    for (const { head } of results) {
      found.push({
        id: head.executionId,
        flowId: head.flowId,
        namespace: head.namespace,
        startDate: isoDate(head.histories[0]?.date ?? 0),
        status: head.state,
      });
    }
  }
  return json(found);
}
