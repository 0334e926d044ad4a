import { flowKey } from '@millrace/model';
import { readYaml } from '../http/body.js';
import { notFound, unprocessable } from '../http/errors.js';
import { json, NO_CONTENT, type Answer } from '../http/answer.js';
import { permission, type Call, type Route } from '../http/route.js';
import { resourceOf } from '../flows/commands.js';
import { presentFlow } from '../flows/presentation.js';
import { acceptedFlow, removeFlow, saveFlow, seeWorkerGroups } from '../flows/store-flow.js';
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
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/flows/:namespace/:flowId/revisions',
      parameters: ['revisions'],
      access: permission('FLOW', 'DELETE', 'path'),
      summary: 'Delete old revisions for good; not the newest one',
      handle: (call) => removeRevisions(services, call),
    },
  ];
}

async function create(services: RouteServices, call: Call): Promise<Answer> {
  const source = await readYaml(call.request);
  await seeWorkerGroups(services, source);
  const flow = acceptedFlow(services, call.scope, source);
  const { definition } = flow;
  call.permit({ resource: 'FLOW', action: 'CREATE' }, definition.namespace);
  return json(presentFlow(await saveFlow(services, call.tenant, 'create', flow), { source: true }));
}

async function update(services: RouteServices, call: Call): Promise<Answer> {
  const [namespace, id] = [call.parameter('namespace'), call.parameter('flowId')];
  const source = await readYaml(call.request);
  await services.running().flows.refresh();
  if (!services.running().flows.latest(call.scope, namespace, id))
    throw notFound(`There is no flow '${namespace}.${id}'`);
  const flow = acceptedFlow(services, call.scope, source);
  const { definition } = flow;
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
  return json(presentFlow(await saveFlow(services, call.tenant, 'update', flow), { source: true }));
}

async function remove(services: RouteServices, call: Call): Promise<Answer> {
  await removeFlow(services, call.tenant, call.parameter('namespace'), call.parameter('flowId'));
  return NO_CONTENT;
}

/** Most revisions that one request deletes. */
const REVISIONS_MAX = 100;

async function removeRevisions(services: RouteServices, call: Call): Promise<Answer> {
  const [namespace, id] = [call.parameter('namespace'), call.parameter('flowId')];
  const texts = call.query.all('revisions').flatMap((text) => text.split(','));
  const revisions = texts.map((text) => (/^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN));
  if (revisions.length === 0 || revisions.length > REVISIONS_MAX || revisions.some(Number.isNaN)) {
    throw unprocessable(
      `'revisions' must be 1 to ${REVISIONS_MAX} numbers of revisions, such as revisions=1&revisions=2`,
    );
  }
  const { flows, commands } = services.running();
  await flows.refresh();
  if (!flows.latest(call.scope, namespace, id, { deleted: true }))
    throw notFound(`There is no flow '${namespace}.${id}'`);
  resourceOf(await commands.send(flowKey(call.tenant, namespace, id), { kind: 'delete-revisions', revisions }));
  return json({});
}
