import { type Flow } from '@millrace/model';
import { presentExecution } from '@millrace/repository';
import { breakpointsOf } from '../executions/breakpoints.js';
import type { EndOfExecution } from '../executions/executions.js';
import { startExecution } from '../executions/start.js';
import { json, type Answer } from '../http/answer.js';
import { notFound, unprocessable } from '../http/errors.js';
import type { Query } from '../http/query.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

/** Routes that start executions; after every other POST below `/executions`, which their paths would take. */
export function executionStartRoutes(services: RouteServices): readonly Route[] {
  return ['/executions/trigger/:namespace/:flowId', '/executions/:namespace/:flowId'].map((path): Route => ({
    method: 'POST',
    area: 'tenant',
    path,
    body: { type: 'multipart/form-data' },
    parameters: ['labels', 'wait', 'revision', 'kind', 'scheduleDate', 'breakpoints'],
    access: permission('FLOW', 'EXECUTE', 'path'),
    summary: 'Start an execution; form parts are its inputs',
    handle: (call) => start(services, call),
  }));
}

async function start(services: RouteServices, call: Call): Promise<Answer> {
  const { query, scope, request } = call;
  await services.running().flows.refresh();
  const flow = flowToStart(services, call);
  const wait = query.flag('wait', false);
  const kind = query.choice('kind', ['NORMAL', 'TEST', 'PLAYGROUND']);
  const scheduleDate = dateOf(query, 'scheduleDate');
  const breakpoints = breakpointsOf(query, flow, services.taskTypes.catalog);
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
      ...(scheduleDate !== undefined && { scheduleDate }),
      ...(breakpoints && { breakpoints }),
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

const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

/** @throws HttpError 422 when it is no date with a time and an offset */
function dateOf(query: Query, name: string): number | undefined {
  const text = query.text(name);
  if (text === undefined || text === '') return undefined;
  // A plus sign in a query means a space unless it is encoded.
  const date = ISO_DATE.test(text.replace(' ', '+')) ? Date.parse(text.replace(' ', '+')) : Number.NaN;
  if (Number.isNaN(date)) {
    throw unprocessable(
      `'${name}' must be a date such as 2030-01-31T08:00:00Z, with a time and an offset, but is '${text.slice(0, 40)}'`,
      [{ message: 'must be an ISO-8601 date', path: name }],
    );
  }
  return date;
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
