import { complete } from '../http/listed.js';
import type { Permission } from '@millrace/authorization';
import { shownNextDate, isoDate, type TriggerChange, type TriggerState } from '@millrace/model';
import type { SearchQuery } from '@millrace/repository';
import { json, text, type Answer } from '../http/answer.js';
import { jsonBody } from '../http/body.js';
import { HttpError, unprocessable } from '../http/errors.js';
import { permission, type Call, type Route } from '../http/route.js';
import { csvLine } from '../http/csv.js';
import { TRIGGER_NAME, type NamedTrigger } from '../triggers/named-trigger.js';
import type { RouteServices } from './services.js';
import { queryOf } from './triggers.js';

/** Triggers that one request changes. */
const BULK_MAX = 1_000;
/** Commands that wait for their answer at a time. */
const AT_A_TIME = 50;
const EXPORTED_MAX = 100_000;
const PAGE = 1_000;

const LIST = { type: 'array', maxItems: BULK_MAX, items: { type: 'object', ...TRIGGER_NAME } };
const TRIGGERS = jsonBody<readonly NamedTrigger[]>(LIST);
const SET_DISABLED = jsonBody<{ readonly triggers: readonly NamedTrigger[]; readonly disabled: boolean }>({
  type: 'object',
  required: ['triggers', 'disabled'],
  properties: { triggers: LIST, disabled: { type: 'boolean' } },
});

interface Bulk {
  readonly method: 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly action: Extract<Permission, { resource: 'TRIGGER' }>['action'];
  readonly change: TriggerChange;
  readonly summary: string;
}

const BULKS: readonly Bulk[] = [
  {
    method: 'POST',
    path: '/triggers/backfill/delete',
    action: 'BACKFILL',
    change: { kind: 'delete-backfill' },
    summary: 'Delete backfills',
  },
  {
    method: 'POST',
    path: '/triggers/backfill/pause',
    action: 'BACKFILL',
    change: { kind: 'pause-backfill' },
    summary: 'Pause backfills',
  },
  {
    method: 'POST',
    path: '/triggers/backfill/unpause',
    action: 'BACKFILL',
    change: { kind: 'unpause-backfill' },
    summary: 'Let backfills go on',
  },
  {
    method: 'DELETE',
    path: '/triggers/delete',
    action: 'DELETE',
    change: { kind: 'delete' },
    summary: 'Delete states',
  },
  {
    method: 'POST',
    path: '/triggers/unlock',
    action: 'UNLOCK',
    change: { kind: 'unlock' },
    summary: 'Unlock triggers',
  },
];

/** Routes that change many triggers, and their export. Each counts those that it changed; others are passed. */
export function triggerBulkRoutes(services: RouteServices): readonly Route[] {
  return [
    ...BULKS.flatMap((bulk) => bulkRoutes(services, bulk)),
    {
      method: 'POST',
      area: 'tenant',
      path: '/triggers/set-disabled/by-query',
      parameters: ['disabled'],
      access: permission('TRIGGER', 'DISABLE', 'each'),
      summary: 'Disable or enable the triggers that a search finds',
      async handle(call) {
        const disabled = call.query.flag('disabled', true);
        return json({
          count: await changeAll(
            services,
            call,
            await found(services, call),
            { kind: 'set-disabled', disabled },
            disabled ? 'DISABLE' : 'ENABLE',
          ),
        });
      },
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/triggers/set-disabled/by-triggers',
      body: SET_DISABLED,
      access: permission('TRIGGER', 'DISABLE', 'each'),
      summary: 'Disable or enable triggers',
      async handle(call) {
        const { triggers, disabled } = await SET_DISABLED.read(call.request);
        return json({
          count: await changeAll(
            services,
            call,
            triggers,
            { kind: 'set-disabled', disabled },
            disabled ? 'DISABLE' : 'ENABLE',
          ),
        });
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/triggers/export/by-query/csv',
      access: permission('TRIGGER', 'EXPORT', 'filter'),
      summary: 'States of triggers as CSV',
      handle: (call) => exported(services, call),
    },
  ];
}

function bulkRoutes(services: RouteServices, { method, path, action, change, summary }: Bulk): readonly Route[] {
  const access = permission('TRIGGER', action, 'each');
  return [
    {
      method,
      area: 'tenant',
      path: `${path}/by-query`,
      access,
      summary: `${summary}: those that a search finds`,
      handle: async (call) =>
        json({ count: await changeAll(services, call, await found(services, call), change, action) }),
    },
    {
      method,
      area: 'tenant',
      path: `${path}/by-triggers`,
      body: TRIGGERS,
      access,
      summary: `${summary}: those that are named`,
      handle: async (call) =>
        json({ count: await changeAll(services, call, await TRIGGERS.read(call.request), change, action) }),
    },
  ];
}

/** The triggers of a query. @throws HttpError 422 when they are too many */
async function found(services: RouteServices, call: Call): Promise<readonly TriggerState[]> {
  const query: SearchQuery = { ...queryOf(services, call), page: 1, size: BULK_MAX };
  const { results, total } = complete(await services.repository.searchTriggers(call.scope, query));
  if (total > BULK_MAX)
    throw unprocessable(`The search finds ${total} triggers; at most ${BULK_MAX} are changed at once: narrow it`);
  return results;
}

/** Answers how many were changed: what is not there, or has nothing to change, is not counted. */
async function changeAll(
  services: RouteServices,
  call: Call,
  triggers: readonly NamedTrigger[],
  change: TriggerChange,
  action: Bulk['action'],
): Promise<number> {
  for (const namespace of new Set(triggers.map((trigger) => trigger.namespace))) {
    call.permit({ resource: 'TRIGGER', action }, namespace);
  }
  const one = async ({ namespace, flowId, triggerId }: NamedTrigger): Promise<number> => {
    try {
      await services.running().commands.trigger({ tenant: call.tenant, namespace, flowId, triggerId, change });
      return 1;
    } catch (error) {
      if (error instanceof HttpError && (error.status === 404 || error.status === 409)) return 0;
      throw error;
    }
  };
  let count = 0;
  for (let at = 0; at < triggers.length; at += AT_A_TIME) {
    for (const changed of await Promise.all(triggers.slice(at, at + AT_A_TIME).map(one))) count += changed;
  }
  return count;
}

const COLUMNS = [
  'tenantId',
  'namespace',
  'flowId',
  'triggerId',
  'date',
  'nextExecutionDate',
  'disabled',
  'executionId',
  'workerId',
] as const;

async function exported(services: RouteServices, call: Call): Promise<Answer> {
  const lines = [csvLine(COLUMNS)];
  for (let page = 1; ; page++) {
    const query: SearchQuery = { ...queryOf(services, call), page, size: PAGE };
    const { results, total } = complete(await services.repository.searchTriggers(call.scope, query));
    if (total > EXPORTED_MAX)
      throw unprocessable(`The search finds ${total} triggers; at most ${EXPORTED_MAX} are exported: narrow it`);
    for (const trigger of results) lines.push(csvLine(cellsOf(trigger)));
    if (results.length < PAGE) break;
  }
  return {
    ...text(lines.join(''), 'text/csv; charset=utf-8'),
    headers: { 'Content-Disposition': 'attachment; filename="triggers.csv"' },
  };
}

function cellsOf(trigger: TriggerState): readonly string[] {
  const { tenant, namespace, flowId, triggerId, date, disabled, executionId = '', workerId = '' } = trigger;
  const next = shownNextDate(trigger);
  return [
    tenant,
    namespace,
    flowId,
    triggerId,
    isoDate(date),
    next === undefined ? '' : isoDate(next),
    String(disabled),
    executionId,
    workerId,
  ];
}
