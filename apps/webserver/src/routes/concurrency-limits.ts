import { flowKey, outgoing } from '@millrace/model';
import { json } from '../http/answer.js';
import { jsonBody } from '../http/body.js';
import { notFound } from '../http/errors.js';
import { pageOf, pagingOf } from '../http/paging.js';
import { publishSent } from '../http/publish.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { ConcurrencyLimit } from '../flows/slots.js';
import type { RouteServices } from './services.js';

/** `running` is what the caller believes; who really runs is found out. */
const LIMIT = jsonBody<{ readonly running?: number }>({
  type: 'object',
  properties: { running: { type: 'integer', minimum: 0 } },
  additionalProperties: true,
});

/** Routes of the limits of concurrent executions. */
export function concurrencyLimitRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/concurrency-limit/search',
      parameters: ['page', 'size'],
      access: permission('FLOW', 'LIST', 'filter'),
      summary: 'Flows that limit their concurrent executions, and how many run',
      async handle(call) {
        const { slots } = services.running();
        await slots.refresh();
        const { results, total } = pageOf(slots.all(call.scope), pagingOf(call.query));
        return json({ results, total });
      },
    },
    {
      method: 'PUT',
      area: 'tenant',
      path: '/concurrency-limit/:namespace/:flowId',
      body: LIMIT,
      access: permission('FLOW', 'UPDATE', 'path'),
      summary: 'Have the running executions of a flow counted anew',
      async handle(call) {
        await LIMIT.read(call.request);
        return json(await recounted(services, call));
      },
    },
  ];
}

/** Every holder of a slot is asked whether it still is one; what comes of that is shown a moment later. */
async function recounted(services: RouteServices, call: Call): Promise<ConcurrencyLimit> {
  const { queue, topics } = services.starting;
  const { slots } = services.running();
  const [namespace, flowId] = [call.parameter('namespace'), call.parameter('flowId')];
  await slots.refresh();
  if (!slots.one(call.scope, namespace, flowId)) {
    throw notFound(`The flow '${namespace}.${flowId}' does not limit its concurrent executions`);
  }
  const place = { tenant: call.tenant, namespace, flowId };
  const record = outgoing({
    topic: topics.flowEvents,
    key: flowKey(call.tenant, namespace, flowId),
    value: { ...place, kind: 'slots-recounted' },
  });
  await publishSent(queue, record, { what: 'The count', advice: 'try again' });
  await slots.refresh();
  return slots.one(call.scope, namespace, flowId) ?? { tenantId: call.tenant, namespace, flowId, running: 0 };
}
