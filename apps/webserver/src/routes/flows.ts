import { parseFlows, taskTree } from '@millrace/flow';
import type { Flow } from '@millrace/model';
import { json } from '../http/answer.js';
import { readYaml } from '../http/body.js';
import { notFound, unprocessable } from '../http/errors.js';
import { filtersOf, FLOW_FLAT } from '../http/filters.js';
import { pageOf, pagingOf } from '../http/paging.js';
import { permission, type Call, type Route } from '../http/route.js';
import { presentFlow } from '../flows/presentation.js';
import { searchFlows } from '../flows/search.js';
import { faultsText } from './flow-changes.js';
import type { RouteServices } from './services.js';

const REVISION = { min: 1, max: 2 ** 31 - 1 } as const;

/** Routes that read flows, and the check of a source. */
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
        return json({ results: results.map((flow) => presentFlow(flow, { source: false })), total });
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
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows/validate',
      body: { type: 'application/x-yaml' },
      access: permission('FLOW', 'VALIDATE', 'tenant'),
      summary: 'Check the YAML of flows, documents apart by ---; one entry each',
      async handle(call) {
        const source = await readYaml(call.request);
        checkDocumentCount(source);
        return json(validations(services, call, source));
      },
    },
  ];
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
            .map((flow) => presentFlow(flow, { source: false })),
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

async function oneFlow(services: RouteServices, { scope, query, parameter }: Call): Promise<Flow> {
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

const DOCUMENTS_MAX = 100;

/** What begins another document; `...` before `---` or at the end begins none of its own. */
const DOCUMENT_MARK = /^(?:---(?=\s|$)|\.\.\.(?=\s)(?!\s*(?:---|(?![^]))))/m;

/** @throws HttpError 422 for more documents than are checked at once: each takes its time */
function checkDocumentCount(source: string): void {
  const [before = '', ...others] = source.split(DOCUMENT_MARK);
  const count = others.length + (before.trim() === '' ? 0 : 1);
  if (count > DOCUMENTS_MAX)
    throw unprocessable(`The text has ${count} documents; at most ${DOCUMENTS_MAX} are checked at once: send fewer`);
}

function validations(services: RouteServices, call: Call, source: string): readonly object[] {
  const visible = services.running().flows;
  return parseFlows(source, { catalog: services.taskTypes.catalog }).map((parsed, index) => {
    const { definition, faults, warnings, infos, deprecations } = parsed;
    const known = definition && visible.latest(call.scope, definition.namespace, definition.id);
    return {
      index,
      ...(definition && { flow: definition.id, namespace: definition.namespace }),
      ...(faults.length > 0 && {
        constraints: faultsText(faults),
        errors: faults.map(({ message, path, line, column }) => ({ message, path, line, column })),
      }),
      outdated: known !== undefined && definition?.revision !== undefined && definition.revision < known.revision,
      deprecationPaths: deprecations,
      warnings: warnings.map(({ message, path, line }) => `${line}: ${path === '' ? '' : `${path}: `}${message}`),
      infos: infos.map(({ message, path, line }) => `${line}: ${path === '' ? '' : `${path}: `}${message}`),
    };
  });
}
