import { isPlainObject, type Label, type PlainObject, type TriggerChange, type TriggerState } from '@millrace/model';
import { presentTrigger, type SearchQuery } from '@millrace/repository';
import { instantOf, zoneOf } from '@millrace/schedule';
import { json, type Answer } from '../http/answer.js';
import { listed } from '../http/listed.js';
import { jsonBody } from '../http/body.js';
import { notFound, unprocessable } from '../http/errors.js';
import { filtersOf, TRIGGER_FLAT } from '../http/filters.js';
import { pagingOf } from '../http/paging.js';
import { permission, type Call, type Route } from '../http/route.js';
import { TRIGGER_NAME, type NamedTrigger } from '../triggers/named-trigger.js';
import type { RouteServices } from './services.js';

interface TriggerBody extends NamedTrigger {
  readonly disabled?: boolean;
  readonly backfill?: {
    readonly start: string;
    readonly end?: string | null;
    readonly inputs?: PlainObject | null;
    readonly labels?: PlainObject | readonly Label[] | null;
  } | null;
}

/** What a trigger's state may be sent with: what the API shows of it, of which only a part is read. */
const TRIGGER = jsonBody<TriggerBody>({
  type: 'object',
  required: [...TRIGGER_NAME.required],
  properties: {
    ...TRIGGER_NAME.properties,
    disabled: { type: 'boolean' },
    backfill: {
      type: ['object', 'null'],
      required: ['start'],
      properties: {
        start: { type: 'string', maxLength: 64 },
        end: { type: ['string', 'null'], maxLength: 64 },
        inputs: { type: ['object', 'null'] },
        labels: {
          anyOf: [
            { type: 'null' },
            { type: 'object', maxProperties: 100 },
            {
              type: 'array',
              maxItems: 100,
              items: { type: 'object', required: ['key'], properties: { key: { type: 'string' }, value: {} } },
            },
          ],
        },
      },
    },
  },
});

const SEARCH_PARAMETERS = ['page', 'size', 'sort', ...TRIGGER_FLAT.map(({ parameter }) => parameter)];

/** Routes of triggers, one at a time; those of many are in `trigger-bulk.ts`. */
export function triggerRoutes(services: RouteServices): readonly Route[] {
  return [...readingRoutes(services), ...backfillRoutes(services), ...changeRoutes(services)];
}

function readingRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/triggers/search',
      parameters: SEARCH_PARAMETERS,
      access: permission('TRIGGER', 'LIST', 'filter'),
      summary: 'Search triggers: each with its definition and its state',
      async handle(call) {
        const page = await services.repository.searchTriggers(call.scope, queryOf(services, call));
        await services.running().flows.refresh();
        const shown = page.results.map((state) => ({
          abstractTrigger: definitionOf(services, call, state),
          triggerContext: presentTrigger(state),
        }));
        return listed(page, shown);
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/triggers/:namespace/:flowId',
      parameters: ['page', 'size', 'sort', 'q'],
      access: permission('TRIGGER', 'LIST', 'path'),
      summary: 'States of the triggers of a flow',
      async handle(call) {
        const query = queryOf(services, call);
        const own = [
          { field: 'namespace', operation: 'EQUALS', value: call.parameter('namespace') },
          { field: 'flowId', operation: 'EQUALS', value: call.parameter('flowId') },
        ] as const;
        const page = await services.repository.searchTriggers(call.scope, {
          ...query,
          filters: [...query.filters, ...own],
        });
        return listed(page, page.results.map(presentTrigger));
      },
    },
  ];
}

/** What a query asks of triggers. */
export const queryOf = ({ context }: RouteServices, { query }: Call): SearchQuery => ({
  ...pagingOf(query),
  filters: filtersOf(query, TRIGGER_FLAT),
  now: context.clock.now(),
});

/** The trigger as the flow has it now; absent when the flow has changed since. */
function definitionOf(services: RouteServices, { scope }: Call, state: TriggerState): PlainObject | undefined {
  const flow = services.running().flows.latest(scope, state.namespace, state.flowId);
  return flow?.definition.triggers?.find(({ id }) => id === state.triggerId);
}

function backfillRoutes(services: RouteServices): readonly Route[] {
  const changes = [
    ['PUT', '/triggers/backfill/pause', 'pause-backfill', 'Pause the backfill of a trigger'],
    ['PUT', '/triggers/backfill/unpause', 'unpause-backfill', 'Let the backfill of a trigger go on'],
    ['POST', '/triggers/backfill/delete', 'delete-backfill', 'Delete the backfill of a trigger'],
  ] as const;
  return changes.map(([method, path, kind, summary]): Route => ({
    method,
    area: 'tenant',
    path,
    body: TRIGGER,
    access: permission('TRIGGER', 'BACKFILL', 'body'),
    summary,
    async handle(call) {
      const named = await TRIGGER.read(call.request);
      call.permit({ resource: 'TRIGGER', action: 'BACKFILL' }, named.namespace);
      return shown(await change(services, call, named, { kind }));
    },
  }));
}

function changeRoutes(services: RouteServices): readonly Route[] {
  const named = (call: Call): NamedTrigger => ({
    namespace: call.parameter('namespace'),
    flowId: call.parameter('flowId'),
    triggerId: call.parameter('triggerId'),
  });
  return [
    {
      method: 'PUT',
      area: 'tenant',
      path: '/triggers',
      body: TRIGGER,
      access: permission('TRIGGER', 'VIEW', 'body'),
      summary: 'Disable or enable a trigger, or give it a backfill',
      handle: (call) => update(services, call),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/triggers/:namespace/:flowId/:triggerId/unlock',
      access: permission('TRIGGER', 'UNLOCK', 'path'),
      summary: 'Let a trigger go on without the end of its execution',
      handle: async (call) => shown(await change(services, call, named(call), { kind: 'unlock' })),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/triggers/:namespace/:flowId/:triggerId/restart',
      access: permission('TRIGGER', 'RESTART', 'path'),
      summary: 'Begin the evaluation of a trigger anew',
      handle: async (call) => shown(await change(services, call, named(call), { kind: 'restart' })),
    },
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/triggers/:namespace/:flowId/:triggerId',
      access: permission('TRIGGER', 'DELETE', 'path'),
      summary: 'Delete the state of a trigger',
      async handle(call) {
        await change(services, call, named(call), { kind: 'delete' });
        return json({});
      },
    },
  ];
}

const change = (
  services: RouteServices,
  { tenant }: Call,
  { namespace, flowId, triggerId }: NamedTrigger,
  wanted: TriggerChange,
): Promise<TriggerState | undefined> =>
  services.running().commands.trigger({ tenant, namespace, flowId, triggerId, change: wanted });

const shown = (trigger: TriggerState | undefined): Answer => json(trigger ? presentTrigger(trigger) : {});

async function update(services: RouteServices, call: Call): Promise<Answer> {
  const body = await TRIGGER.read(call.request);
  const { namespace, flowId, triggerId, disabled, backfill } = body;
  const scope = call.permit({ resource: 'TRIGGER', action: 'VIEW' }, namespace);
  const wanted: TriggerChange[] = [];
  const known = await services.repository.trigger(scope, { namespace, flowId, triggerId });
  if (disabled !== undefined && disabled !== known?.disabled) {
    call.permit({ resource: 'TRIGGER', action: disabled ? 'DISABLE' : 'ENABLE' }, namespace);
    wanted.push({ kind: 'set-disabled', disabled });
  }
  // What the API shows of a trigger may be sent back with a change: its own backfill is no new one.
  if (backfill && known?.backfill === undefined) {
    call.permit({ resource: 'TRIGGER', action: 'BACKFILL' }, namespace);
    wanted.push(backfillOf(backfill));
  }
  let result = known;
  for (const one of wanted) result = await change(services, call, body, one);
  if (result === undefined)
    throw notFound(`The flow '${namespace}.${flowId}' has no trigger '${triggerId}' with a state`);
  return shown(result);
}

function backfillOf({ start, end, inputs, labels }: NonNullable<TriggerBody['backfill']>): TriggerChange {
  return {
    kind: 'create-backfill',
    start: dateOf(start, 'backfill.start'),
    ...(typeof end === 'string' ? { end: dateOf(end, 'backfill.end') } : {}),
    ...(inputs ? { inputs } : {}),
    ...(labels ? { labels: mapOfLabels(labels) } : {}),
  };
}

function dateOf(text: string, path: string): number {
  const zone = zoneOf('UTC');
  const date = zone && instantOf(text, zone);
  if (date !== undefined) return date;
  throw unprocessable(`'${path}' must be a date in ISO-8601, but is '${text.slice(0, 80)}'`, [
    { message: 'must be a date in ISO-8601', path },
  ]);
}

function mapOfLabels(labels: PlainObject | readonly Label[]): PlainObject {
  if (isPlainObject(labels)) return labels;
  return Object.fromEntries(labels.map(({ key, value }) => [key, value] as const));
}
