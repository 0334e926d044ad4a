import { taskTree } from '@millrace/flow';
import type { Flow } from '@millrace/model';
import { json } from '../http/answer.js';
import { notFound } from '../http/errors.js';
import { filtersOf, FLOW_FLAT } from '../http/filters.js';
import { pageOf, pagingOf } from '../http/paging.js';
import { permission, type Call, type Route } from '../http/route.js';
import { presentFlow } from '../flows/presentation.js';
import { flowFault } from '../flows/invalid-flow.js';
import { searchFlows } from '../flows/search.js';
import { searchSources } from '../flows/source-search.js';
import type { RouteServices } from './services.js';

const REVISION = { min: 1, max: 2 ** 31 - 1 } as const;

/** Routes that read flows. */
export function flowRoutes(services: RouteServices): readonly Route[] {
  return [...flowListRoutes(services), ...singleFlowRoutes(services)];
}

function flowListRoutes(services: RouteServices): readonly Route[] {
  const catalog = () => services.running().flows;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/search',
      parameters: ['page', 'size', 'sort', 'q', 'namespace', 'flowId', 'labels', 'scope'],
      access: permission('FLOW', 'LIST', 'filter'),
      summary: 'Search flows',
      handle(call) {
        const paging = pagingOf(call.query);
        const { results, total } = pageOf(
          searchFlows(catalog().all(call.scope), filtersOf(call.query, FLOW_FLAT), paging.sort),
          paging,
        );
        return json({ results: results.map((flow) => listed(services, flow)), total });
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/source',
      parameters: ['page', 'size', 'sort', 'q', 'namespace'],
      access: permission('FLOW', 'LIST', 'filter'),
      summary: 'Search the texts of flows',
      handle(call) {
        const paging = pagingOf(call.query);
        const namespace = call.query.text('namespace');
        const filters = namespace ? [{ field: 'namespace', operation: 'PREFIX', value: namespace } as const] : [];
        const flows = searchFlows(catalog().all(call.scope), filters, paging.sort);
        const { results, total } = pageOf(searchSources(flows, call.query.text('q') ?? ''), paging);
        return json({
          results: results.map(({ flow, fragments }) => ({ model: presentFlow(flow, { source: false }), fragments })),
          total,
        });
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/distinct-namespaces',
      parameters: ['q'],
      access: permission('FLOW', 'LIST', 'filter'),
      summary: 'Namespaces that have flows',
      handle(call) {
        const wanted = (call.query.text('q') ?? '').toLowerCase();
        return json(
          [
            ...new Set(
              catalog()
                .all(call.scope)
                .map(({ namespace }) => namespace),
            ),
          ].filter((namespace) => namespace.includes(wanted)),
        );
      },
    },
  ];
}

/** A flow of a list; one that cannot run any more says why. */
function listed({ taskTypes }: RouteServices, flow: Flow): object {
  const exception = flowFault(flow, taskTypes.catalog);
  return { ...presentFlow(flow, { source: false }), ...(exception !== undefined && { exception }) };
}

/** Routes of one flow or one namespace. */
function singleFlowRoutes(services: RouteServices): readonly Route[] {
  const catalog = () => services.running().flows;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/:namespace',
      access: permission('FLOW', 'LIST', 'path'),
      summary: 'Flows of a namespace',
      handle: (call) =>
        json(
          catalog()
            .all(call.scope)
            .filter(({ namespace }) => namespace === call.parameter('namespace'))
            .map((flow) => listed(services, flow)),
        ),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/:namespace/:flowId',
      parameters: ['source', 'revision', 'allowDeleted'],
      access: permission('FLOW', 'VIEW', 'path'),
      summary: 'One flow, the newest revision unless another is named',
      handle: async (call) =>
        json(presentFlow(await oneFlow(services, call), { source: call.query.flag('source', false) })),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/:namespace/:flowId/revisions',
      parameters: ['allowDelete'],
      access: permission('FLOW', 'VIEW', 'path'),
      summary: 'Every revision with its source',
      async handle(call) {
        const [namespace, id] = [call.parameter('namespace'), call.parameter('flowId')];
        await catalog().refresh();
        const revisions = catalog().revisions(call.scope, namespace, id);
        const deleted = call.query.flag('allowDelete', false);
        if (revisions.length === 0 || (revisions.at(-1)?.deleted && !deleted))
          throw notFound(`There is no flow '${namespace}.${id}'`);
        return json(revisions.map((flow) => presentFlow(flow, { source: true })));
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/:namespace/:flowId/tasks/:taskId',
      parameters: ['revision'],
      access: permission('FLOW', 'VIEW', 'path'),
      summary: 'One task of a flow, as it is written',
      async handle(call) {
        const flow = await oneFlow(services, call);
        const taskId = call.parameter('taskId');
        const task = taskTree(flow.definition, services.taskTypes.catalog).find((node) => node.task.id === taskId);
        if (!task) throw notFound(`The flow '${flow.namespace}.${flow.id}' has no task '${taskId}'`);
        return json(task.task);
      },
    },
  ];
}

/** The flow of the path, of the revision that the query names. @throws HttpError 404 */
export async function oneFlow(services: RouteServices, { scope, query, parameter }: Call): Promise<Flow> {
  const [namespace, id] = [parameter('namespace'), parameter('flowId')];
  const revision = query.integer('revision', REVISION);
  const deleted = query.flag('allowDeleted', false);
  const { flows } = services.running();
  await flows.refresh();
  const latest = flows.latest(scope, namespace, id, { deleted });
  const flow = revision === undefined ? latest : latest && flows.revision(scope, namespace, id, revision);
  if (!flow)
    throw notFound(
      `There is no flow '${namespace}.${id}'${revision === undefined ? '' : ` with revision ${revision}`}`,
    );
  return flow;
}
