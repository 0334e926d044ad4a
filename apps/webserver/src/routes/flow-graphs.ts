import type { Scope } from '@millrace/authorization';
import { flowGraph, GraphTooLargeError, type FlowGraph, type GraphNode } from '@millrace/flow';
import type { Flow, FlowSource } from '@millrace/model';
import { presentExecution, type ExecutionRecords } from '@millrace/repository';
import { acceptedFlow, seeWorkerGroups } from '../flows/store-flow.js';
import { json, type Answer } from '../http/answer.js';
import { readYaml } from '../http/body.js';
import { notFound, unprocessable } from '../http/errors.js';
import { permission, type Call, type Route } from '../http/route.js';
import { oneFlow } from './flows.js';
import type { RouteServices } from './services.js';

/** Routes that draw flows. */
export function flowGraphRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows/graph',
      parameters: ['subflows'],
      body: { type: 'application/x-yaml' },
      access: permission('FLOW', 'VALIDATE', 'tenant'),
      summary: 'The graph of a flow that need not be stored',
      async handle(call) {
        const source = await readYaml(call.request);
        await seeWorkerGroups(services, source);
        const { definition } = acceptedFlow(services, call.scope, source);
        const scope = call.permit({ resource: 'FLOW', action: 'VIEW' });
        return json(drawn(services, scope, definition, call));
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/:namespace/:flowId/graph',
      parameters: ['revision', 'subflows'],
      access: permission('FLOW', 'VIEW', 'path'),
      summary: 'The graph of a flow',
      handle: async (call) => json(drawn(services, call.scope, (await oneFlow(services, call)).definition, call)),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/executions/:executionId/graph',
      parameters: ['subflows'],
      access: permission('EXECUTION', 'VIEW', 'entity'),
      summary: 'The graph of the flow of an execution, with its task runs',
      handle: (call) => executionGraph(services, call),
    },
  ];
}

/** Of its subflows those are drawn that the query names and the caller may see. */
function drawn(services: RouteServices, scope: Scope, definition: FlowSource, { query }: Call): FlowGraph {
  const { flows } = services.running();
  const subflows = new Set(query.all('subflows').flatMap((uids) => uids.split(',')));
  try {
    return flowGraph(definition, {
      catalog: services.taskTypes.catalog,
      subflows,
      findFlow: (namespace, id, revision) => {
        const flow: Flow | undefined =
          revision === undefined ? flows.latest(scope, namespace, id) : flows.revision(scope, namespace, id, revision);
        return flow?.definition;
      },
    });
  } catch (error) {
    if (error instanceof GraphTooLargeError) throw unprocessable(error.message);
    throw error;
  }
}

async function executionGraph(services: RouteServices, call: Call): Promise<Answer> {
  const { executions, flows } = services.running();
  const execution = await executions.get(call.scope, call.parameter('executionId'));
  const { namespace, flowId, flowRevision } = execution.head;
  const flow = flows.revision(call.scope, namespace, flowId, flowRevision);
  if (!flow) throw notFound(`Revision ${flowRevision} of the flow '${namespace}.${flowId}' is gone`);
  const graph = drawn(services, call.permit({ resource: 'FLOW', action: 'VIEW' }), flow.definition, call);
  return json({ ...graph, nodes: withTaskRuns(graph.nodes, execution) });
}

/** The last task run of each task of the execution itself; a loop's tasks have more, which the execution tells. */
function withTaskRuns(nodes: readonly GraphNode[], execution: ExecutionRecords): readonly object[] {
  const { taskRunList } = presentExecution(execution);
  const runs = new Map<string, object>();
  for (const run of Array.isArray(taskRunList) ? taskRunList : []) runs.set(`root.${String(run.taskId)}`, run);
  return nodes.map((node) => {
    const taskRun = runs.get(node.uid);
    return taskRun === undefined ? node : { ...node, taskRun };
  });
}
