import { randomBytes } from 'node:crypto';
import {
  newId,
  WORKER_GROUP_KEY_PATTERN,
  WORKER_GROUPS_KEY,
  type WorkerGroup,
  type WorkerGroupChange,
} from '@millrace/model';
import { isLiveWorkerOf } from '@millrace/resources';
import { presentMember } from '../cluster/members.js';
import { resourceOf } from '../flows/commands.js';
import { json } from '../http/answer.js';
import { jsonBody } from '../http/body.js';
import { HttpError, notFound } from '../http/errors.js';
import { named } from '../http/named.js';
import { superAdmin, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

const MANAGES = superAdmin('says where the jobs of every tenant run');

const GROUP = jsonBody<Pick<WorkerGroup, 'key' | 'description'> & { readonly allowedTenants?: readonly string[] }>({
  type: 'object',
  required: ['key'],
  properties: {
    key: { type: 'string', pattern: WORKER_GROUP_KEY_PATTERN },
    description: { type: 'string', maxLength: 2_000 },
    allowedTenants: { type: 'array', maxItems: 1_000, items: { type: 'string', minLength: 1, maxLength: 100 } },
  },
  additionalProperties: true,
});

/** Worker groups (spec security.md §8). The default group has no record: it is not listed, and nobody changes it. */
export function workerGroupRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'instance',
      path: '/instance/workergroups',
      access: MANAGES,
      summary: 'Worker groups, and how many workers each has',
      async handle() {
        const { workerGroups } = await refreshed(services);
        const groups = workerGroups.registered();
        return json({
          workerGroups: groups.map((group) => ({ ...group, activeWorkers: liveWorkers(services, group).length })),
        });
      },
    },
    {
      method: 'POST',
      area: 'instance',
      path: '/instance/workergroups',
      body: GROUP,
      access: MANAGES,
      summary: 'Register a worker group',
      handle: async (call) => json(await created(services, call)),
    },
    {
      method: 'GET',
      area: 'instance',
      path: '/instance/workergroups/:workerGroup',
      access: MANAGES,
      summary: 'One worker group with its workers',
      async handle(call) {
        const group = await groupOf(services, call);
        return json({ ...group, workers: liveWorkers(services, group).map(presentMember) });
      },
    },
    {
      method: 'PUT',
      area: 'instance',
      path: '/instance/workergroups/:workerGroup',
      body: GROUP,
      access: MANAGES,
      summary: 'Change the description and the tenants of a worker group; its key stays',
      async handle(call) {
        const written = await GROUP.read(call.request);
        const { id } = await groupOf(services, call);
        return json(await changed(services, { kind: 'update-worker-group', group: groupWith(id, written) }));
      },
    },
    {
      method: 'DELETE',
      area: 'instance',
      path: '/instance/workergroups/:workerGroup',
      access: MANAGES,
      summary: 'Remove a worker group that no worker, flow, namespace or tenant uses',
      handle: async (call) => json(await removed(services, call)),
    },
  ];
}

/** Brings both copies up to date. */
async function refreshed(services: RouteServices) {
  const running = services.running();
  await Promise.all([running.workerGroups.refresh(), running.members.refresh()]);
  return running;
}

const liveWorkers = (services: RouteServices, { key }: WorkerGroup) =>
  services
    .running()
    .members.active()
    .filter((member) => isLiveWorkerOf(member, key));

async function groupOf(services: RouteServices, call: Call): Promise<WorkerGroup> {
  const id = call.parameter('workerGroup');
  const { workerGroups } = await refreshed(services);
  const groups = workerGroups.registered();
  const group = groups.find((known) => known.id === id);
  if (group !== undefined) return group;
  const known = groups.map((one) => `${one.id} (${one.key})`).join(', ') || 'none';
  throw notFound(`There is no worker group with the id '${id}'. Registered are: ${known}`);
}

type WrittenGroup = Awaited<ReturnType<typeof GROUP.read>>;

const groupWith = (id: string, { key, description, allowedTenants = [] }: WrittenGroup): WorkerGroup => ({
  id,
  key,
  ...(description === undefined ? {} : { description }),
  allowedTenants: [...new Set(allowedTenants)],
});

async function created(services: RouteServices, call: Call): Promise<WorkerGroup> {
  const group = groupWith(newId(services.context.clock.now(), randomBytes(16)), await GROUP.read(call.request));
  const { queue, topics } = services.starting;
  // Where topics are made they are made when somebody asks about them: from the answer on the group can be used, and an
  // installation that must not make topics refuses it now, not when the first job is to go there.
  await queue.backlog(topics.jobs(group.key), '');
  return changed(services, { kind: 'create-worker-group', group });
}

async function removed(services: RouteServices, call: Call): Promise<WorkerGroup> {
  const group = await groupOf(services, call);
  const workers = liveWorkers(services, group).map(({ instance, host }) => `${instance} (${host})`);
  const { workerGroups, settings } = services.running();
  const flows = workerGroups.flowsNaming(group.key);
  const { namespaces, tenants } = settings.naming(group.key);
  const users = [
    ...(workers.length === 0 ? [] : [`the workers ${named(workers)}`]),
    ...(flows.length === 0 ? [] : [`the flows ${named(flows)}`]),
    ...(namespaces.length === 0 ? [] : [`the namespaces ${named(namespaces)}`]),
    ...(tenants.length === 0 ? [] : [`the tenants ${named(tenants)}`]),
  ];
  if (users.length > 0) {
    throw new HttpError(
      409,
      `The worker group '${group.key}' is used by ${users.join(' and ')}: stop or change them first`,
    );
  }
  return changed(services, { kind: 'delete-worker-group', id: group.id });
}

/** Resolves when this server sees the change. @throws HttpError 404, 422, 504 */
async function changed(services: RouteServices, change: WorkerGroupChange): Promise<WorkerGroup> {
  const { commands, workerGroups } = services.running();
  const { resource } = resourceOf(await commands.send(WORKER_GROUPS_KEY, change));
  if (resource.kind !== 'worker-group')
    throw new Error(`The owner of the worker groups answered with a ${resource.kind}`);
  const { group } = resource;
  const isSeen = await workerGroups.seen(group.id, change.kind === 'delete-worker-group' ? undefined : group);
  if (!isSeen)
    throw new HttpError(504, 'The worker group is stored, but this server does not see it yet: look again later');
  return group;
}
