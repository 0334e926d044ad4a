import type { Permission, Scope } from '@millrace/authorization';
import { parseFlow, withDisabled } from '@millrace/flow';
import type { Flow } from '@millrace/model';
import { documentsOf } from '../flows/documents.js';
import { presentFlow } from '../flows/presentation.js';
import { searchFlows } from '../flows/search.js';
import {
  acceptedFlow,
  forEachOf,
  parseOptions,
  removeFlow,
  saveFlow,
  seeWorkerGroups,
  type AcceptedFlow,
} from '../flows/store-flow.js';
import { json, type Answer } from '../http/answer.js';
import { jsonBody, readYaml } from '../http/body.js';
import { HttpError, unprocessable } from '../http/errors.js';
import { filtersOf, FLOW_FLAT } from '../http/filters.js';
import { permission, type Call, type Route } from '../http/route.js';
import { checkDocumentCount } from './flow-validation.js';
import type { RouteServices } from './services.js';

const BULK_MAX = 1_000;

interface IdWithNamespace {
  readonly namespace: string;
  readonly id: string;
}

/** Flows by their names, as bulk requests list them. */
export const FLOW_IDS = jsonBody<IdWithNamespace[]>({
  type: 'array',
  maxItems: BULK_MAX,
  items: {
    type: 'object',
    properties: { namespace: { type: 'string', maxLength: 150 }, id: { type: 'string', maxLength: 100 } },
    required: ['namespace', 'id'],
  },
});

type Change = (services: RouteServices, call: Call, flows: readonly Flow[]) => Promise<number>;

const ACTIONS: readonly {
  readonly name: 'delete' | 'disable' | 'enable';
  readonly method: Route['method'];
  readonly action: 'DELETE' | 'DISABLE' | 'ENABLE';
  readonly summary: string;
  readonly change: Change;
}[] = [
  { name: 'delete', method: 'DELETE', action: 'DELETE', summary: 'Delete flows', change: removeAll },
  { name: 'disable', method: 'POST', action: 'DISABLE', summary: 'Disable flows', change: switching(true) },
  { name: 'enable', method: 'POST', action: 'ENABLE', summary: 'Enable flows', change: switching(false) },
];

/** Routes that change many flows at once. */
export function flowBulkRoutes(services: RouteServices): readonly Route[] {
  return [
    ...ACTIONS.flatMap(({ name, method, action, summary, change }): readonly Route[] => [
      {
        method,
        area: 'tenant',
        path: `/flows/${name}/by-ids`,
        body: FLOW_IDS,
        access: permission('FLOW', action, 'each'),
        summary: `${summary}; all or none`,
        handle: async (call) => json({ count: await change(services, call, await flowsByIds(services, call)) }),
      },
      {
        method,
        area: 'tenant',
        path: `/flows/${name}/by-query`,
        parameters: FLOW_FLAT.map(({ parameter }) => parameter),
        access: permission('FLOW', action, 'filter'),
        summary: `${summary} that a search finds`,
        handle: async (call) => json({ count: await change(services, call, await flowsByQuery(services, call)) }),
      },
    ]),
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows/bulk',
      parameters: ['delete', 'namespace', 'allowNamespaceChild'],
      body: { type: 'application/x-yaml' },
      access: permission('FLOW', 'CREATE', 'body'),
      summary: 'Create or update the flows of a text, documents apart by ---; all or none',
      handle: (call) => replaceMany(services, call),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows/:namespace',
      parameters: ['delete', 'override'],
      body: { type: 'application/x-yaml' },
      access: permission('FLOW', 'CREATE', 'path'),
      summary: 'Create or update the flows of a namespace; all or none',
      handle: (call) => replaceNamespace(services, call),
    },
  ];
}

/** The flows of a list of names. @throws HttpError 422 naming each that the caller cannot see */
export async function flowsByIds(services: RouteServices, call: Call): Promise<readonly Flow[]> {
  const names = await FLOW_IDS.read(call.request);
  const { flows } = services.running();
  await flows.refresh();
  const found = new Map<string, Flow>();
  const invalids: object[] = [];
  for (const { namespace, id } of names) {
    const flow = flows.latest(call.scope, namespace, id);
    if (flow) found.set(`${namespace}/${id}`, flow);
    else invalids.push({ message: 'flow not found', invalidValue: `${namespace}.${id}`, path: 'id' });
  }
  if (invalids.length > 0)
    throw new HttpError(422, 'Some flows do not exist; nothing was done', { members: { invalids } });
  return [...found.values()];
}

/** The flows that the filters of a request find. @throws HttpError 422 for too many */
export async function flowsByQuery(services: RouteServices, call: Call): Promise<readonly Flow[]> {
  const { flows } = services.running();
  await flows.refresh();
  const found = searchFlows(flows.all(call.scope), filtersOf(call.query, FLOW_FLAT), []);
  if (found.length > BULK_MAX)
    throw unprocessable(`The search finds ${found.length} flows; at most ${BULK_MAX} are changed at once: narrow it`);
  return found;
}

async function removeAll(services: RouteServices, call: Call, flows: readonly Flow[]): Promise<number> {
  await forEachOf(flows, ({ namespace, id }) => removeFlow(services, call.tenant, namespace, id));
  return flows.length;
}

function switching(disabled: boolean): Change {
  return async (services, call, flows) => {
    const changes = flows
      .filter(({ definition }) => (definition.disabled ?? false) !== disabled)
      .map((flow) => changed(services, flow, disabled));
    const invalids = changes.filter((change) => 'invalid' in change).map(({ invalid }) => invalid);
    if (invalids.length > 0)
      throw new HttpError(422, 'Some flows are not valid any more; none was changed', { members: { invalids } });
    const accepted = changes.flatMap((change) => ('invalid' in change ? [] : [change]));
    await forEachOf(accepted, (flow) => saveFlow(services, call.tenant, 'update', flow));
    return flows.length;
  };
}

function changed(services: RouteServices, flow: Flow, disabled: boolean): AcceptedFlow | { readonly invalid: object } {
  const source = withDisabled(flow.source, disabled);
  const { definition, faults } = parseFlow(source, parseOptions(services));
  if (definition) return { source, definition };
  const invalidValue = `${flow.namespace}.${flow.id}`;
  return { invalid: { message: faults[0]?.message ?? 'flow is not valid', invalidValue, path: 'id' } };
}

async function replaceMany(services: RouteServices, call: Call): Promise<Answer> {
  const namespace = call.query.text('namespace');
  const children = call.query.flag('allowNamespaceChild', false);
  const flows = await readFlows(services, call);
  if (namespace !== undefined) {
    const allowed = (own: string): boolean => own === namespace || (children && own.startsWith(`${namespace}.`));
    refuseForeign(flows, namespace, allowed);
  }
  // Without a namespace only those are looked at that the flows name: nobody means to empty all others.
  const covered = new Set(namespace === undefined ? flows.map(({ definition }) => definition.namespace) : [namespace]);
  const isCovered = (own: string): boolean =>
    covered.has(own) || (children && namespace !== undefined && own.startsWith(`${namespace}.`));
  return replace(services, call, flows, call.query.flag('delete', true) ? isCovered : () => false);
}

async function replaceNamespace(services: RouteServices, call: Call): Promise<Answer> {
  const namespace = call.parameter('namespace');
  const flows = await readFlows(services, call);
  if (!call.query.flag('override', false)) refuseForeign(flows, namespace, (own) => own === namespace);
  const missing = call.query.flag('delete', true) ? (own: string) => own === namespace : () => false;
  return replace(services, call, flows, missing);
}

function refuseForeign(
  flows: readonly AcceptedFlow[],
  namespace: string,
  isAllowed: (namespace: string) => boolean,
): void {
  const foreign = flows.filter(({ definition }) => !isAllowed(definition.namespace));
  if (foreign.length === 0) return;
  const faults = foreign.map(({ definition }) => ({
    message: `The flow '${definition.id}' is of namespace '${definition.namespace}' and not of '${namespace}'`,
    path: 'namespace',
  }));
  throw unprocessable(faults.map(({ message }) => message).join('; '), faults);
}

/** Every flow of the body, checked before anything is changed. @throws HttpError 422 with the faults of all */
async function readFlows(services: RouteServices, call: Call): Promise<readonly AcceptedFlow[]> {
  const source = await readYaml(call.request);
  checkDocumentCount([source]);
  await seeWorkerGroups(services, source);
  const flows = acceptedAll(services, call.scope, documentsOf(source));
  const names = flows.map(({ definition }) => `${definition.namespace}.${definition.id}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw unprocessable(`The flow '${twice}' is there twice: remove one of the two`);
  return flows;
}

function acceptedAll(services: RouteServices, scope: Scope, sources: readonly string[]): readonly AcceptedFlow[] {
  const refusals: HttpError[] = [];
  const flows = sources.flatMap((source, index) => {
    try {
      return [acceptedFlow(services, scope, source)];
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 422) throw error;
      const faults = error.faults.map((fault) => ({ ...fault, message: `Document ${index + 1}: ${fault.message}` }));
      refusals.push(unprocessable(`Document ${index + 1}: ${error.message}`, faults));
      return [];
    }
  });
  if (refusals.length === 0) return flows;
  const text = refusals.map(({ message }) => message).join('\n');
  throw unprocessable(
    text,
    refusals.flatMap(({ faults }) => faults),
  );
}

async function replace(
  services: RouteServices,
  call: Call,
  flows: readonly AcceptedFlow[],
  isMissing: (namespace: string) => boolean,
): Promise<Answer> {
  const running = services.running();
  await running.flows.refresh();
  const permit = (action: Extract<Permission, { resource: 'FLOW' }>['action'], namespace: string) =>
    call.permit({ resource: 'FLOW', action }, namespace);
  const kept = new Set(flows.map(({ definition }) => `${definition.namespace}/${definition.id}`));
  for (const { definition } of flows) {
    const exists = running.flows.latest(call.scope, definition.namespace, definition.id) !== undefined;
    permit(exists ? 'UPDATE' : 'CREATE', definition.namespace);
  }
  const gone = running.flows
    .all(call.scope)
    .filter(({ namespace, id }) => isMissing(namespace) && !kept.has(`${namespace}/${id}`));
  for (const namespace of new Set(gone.map((flow) => flow.namespace))) permit('DELETE', namespace);
  const saved = await forEachOf(flows, (flow) => saveFlow(services, call.tenant, 'save', flow));
  await forEachOf(gone, ({ namespace, id }) => removeFlow(services, call.tenant, namespace, id));
  return json(saved.map((flow) => presentFlow(flow, { source: true })));
}
