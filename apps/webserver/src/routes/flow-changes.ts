import { parseFlow, type Fault, type ParsedFlow } from '@millrace/flow';
import { flowKey, type Flow, type FlowSource } from '@millrace/model';
import { readYaml } from '../http/body.js';
import { HttpError, notFound, unprocessable } from '../http/errors.js';
import { json, NO_CONTENT, type Answer } from '../http/answer.js';
import { permission, type Call, type Route } from '../http/route.js';
import { resourceOf } from '../flows/commands.js';
import { presentFlow } from '../flows/presentation.js';
import type { RouteServices } from './services.js';

/** Routes that change flows. The owner of a flow decides; the answer comes when this server sees the change too. */
export function flowChangeRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows',
      body: { type: 'application/x-yaml' },
      access: permission('FLOW', 'CREATE', 'body'),
      summary: 'Create a flow from YAML',
      handle: (call) => create(services, call),
    },
    {
      method: 'PUT',
      area: 'tenant',
      path: '/flows/:namespace/:flowId',
      body: { type: 'application/x-yaml' },
      access: permission('FLOW', 'UPDATE', 'path'),
      summary: 'Save a new revision of a flow',
      handle: (call) => update(services, call),
    },
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/flows/:namespace/:flowId',
      access: permission('FLOW', 'DELETE', 'path'),
      summary: 'Delete a flow; its revisions stay readable',
      handle: (call) => remove(services, call),
    },
  ];
}

async function create(services: RouteServices, call: Call): Promise<Answer> {
  const source = await readYaml(call.request);
  const definition = accepted(parseFlow(source, { catalog: services.taskTypes.catalog }));
  call.permit({ resource: 'FLOW', action: 'CREATE' }, definition.namespace);
  return json(presentFlow(await save(services, call, 'create', source, definition), { source: true }));
}

async function update(services: RouteServices, call: Call): Promise<Answer> {
  const [namespace, id] = [call.parameter('namespace'), call.parameter('flowId')];
  const source = await readYaml(call.request);
  await services.running().flows.refresh();
  if (!services.running().flows.latest(call.scope, namespace, id))
    throw notFound(`There is no flow '${namespace}.${id}'`);
  const definition = accepted(parseFlow(source, { catalog: services.taskTypes.catalog }));
  const faults = [
    ...(definition.id === id
      ? []
      : [
          { message: `The id cannot change: it is '${id}' in the path and '${definition.id}' in the flow`, path: 'id' },
        ]),
    ...(definition.namespace === namespace
      ? []
      : [
          {
            message: `The namespace cannot change: it is '${namespace}' in the path and '${definition.namespace}' in the flow`,
            path: 'namespace',
          },
        ]),
  ];
  if (faults.length > 0) throw unprocessable(faults.map(({ message }) => message).join('; '), faults);
  return json(presentFlow(await save(services, call, 'update', source, definition), { source: true }));
}

async function remove(services: RouteServices, call: Call): Promise<Answer> {
  const [namespace, id] = [call.parameter('namespace'), call.parameter('flowId')];
  const { flows, commands } = services.running();
  const change = { kind: 'delete-flow', tenant: call.tenant, namespace, id } as const;
  const { resource } = resourceOf(await commands.send(flowKey(call.tenant, namespace, id), change));
  if (resource.kind === 'flow') await waitUntilSeen(flows.seen(resource.flow));
  return NO_CONTENT;
}

async function save(
  services: RouteServices,
  call: Call,
  mode: 'create' | 'update',
  source: string,
  definition: FlowSource,
): Promise<Flow> {
  const { flows, commands } = services.running();
  const { namespace, id } = definition;
  const flow = { tenant: call.tenant, namespace, id, source: withoutRevision(source), definition };
  const { resource } = resourceOf(
    await commands.send(flowKey(call.tenant, namespace, id), { kind: 'save-flow', mode, flow }),
  );
  if (resource.kind !== 'flow') throw new HttpError(500, 'The owner of the flow answered with something else');
  await waitUntilSeen(flows.seen(resource.flow));
  return resource.flow;
}

async function waitUntilSeen(seen: Promise<boolean>): Promise<void> {
  if (!(await seen))
    throw new HttpError(504, 'The flow is saved, but this server does not see it yet: look again later');
}

/** The revision is the server's to give: a line that names it is no part of what was written. */
const withoutRevision = (source: string): string => source.replace(/^revision:[^\n]*(\n|$)/m, '');

/** The definition of a flow without faults. @throws HttpError 422 with all faults */
export function accepted(parsed: ParsedFlow): FlowSource {
  if (parsed.definition) return parsed.definition;
  throw unprocessable(
    faultsText(parsed.faults),
    parsed.faults.map(({ message, path, line, column }) => ({ message, path, line, column })),
  );
}

const FAULTS_SHOWN = 20;

/** All faults in one text, one a line; the list beside it has all of them. */
export function faultsText(faults: readonly Fault[]): string {
  const shown = faults
    .slice(0, FAULTS_SHOWN)
    .map(({ path, message, line, column }) => `${line}:${column} ${path === '' ? '' : `${path}: `}${message}`);
  const rest = faults.length > FAULTS_SHOWN ? [`… and ${faults.length - FAULTS_SHOWN} more`] : [];
  return ['The flow is not valid:', ...shown, ...rest].join('\n');
}
