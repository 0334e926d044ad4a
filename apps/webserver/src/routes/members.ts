import { outgoing, ROLES, type Role, type ServiceInstance } from '@millrace/model';
import { isActive, presentMember, presentMemberDetails } from '../cluster/members.js';
import { json } from '../http/answer.js';
import { HttpError, notFound, unprocessable } from '../http/errors.js';
import { pageOf, pagingOf, type Paging } from '../http/paging.js';
import type { Query } from '../http/query.js';
import { superAdmin, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

const MANAGES = superAdmin('names the servers of the installation');

/** States of the reference; servers of Millrace are in some of them only. */
const STATES: readonly string[] = [
  'CREATED',
  'RUNNING',
  'ERROR',
  'DISCONNECTED',
  'TERMINATING',
  'TERMINATED_GRACEFULLY',
  'TERMINATED_FORCED',
  'NOT_RUNNING',
  'INACTIVE',
  'MAINTENANCE',
];

/** The servers of the installation: lists, how they do, and how one is drained. */
export function memberRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'instance',
      path: '/instance/status',
      access: MANAGES,
      summary: 'How the installation does: servers, partitions, lag, jobs, index, dead letters',
      async handle() {
        const { members, status } = services.running();
        await members.refresh();
        return json(await status());
      },
    },
    {
      method: 'GET',
      area: 'instance',
      path: '/instance/services/active',
      access: MANAGES,
      summary: 'How many servers of each kind are alive',
      async handle() {
        const { members } = services.running();
        await members.refresh();
        return json(counted(members.active()));
      },
    },
    {
      method: 'GET',
      area: 'instance',
      path: '/instance/services/search',
      parameters: ['page', 'size', 'sort', 'state', 'type'],
      access: MANAGES,
      summary: 'Servers, those that ended too',
      async handle({ query }) {
        const { members } = services.running();
        await members.refresh();
        const paging = pagingOf(query);
        const { results, total } = pageOf(sorted(filtered(members.all(), query), paging), paging);
        return json({ results: results.map(presentMember), total });
      },
    },
    {
      method: 'GET',
      area: 'instance',
      path: '/instance/services/:instance',
      access: MANAGES,
      summary: 'One server',
      handle: async (call) => json(presentMemberDetails(await memberOf(services, call))),
    },
    {
      method: 'POST',
      area: 'instance',
      path: '/instance/services/:instance/drain',
      access: MANAGES,
      summary: 'Have a server finish its work and stop, as a first SIGTERM would',
      handle: (call) => drained(services, call),
    },
  ];
}

function counted(active: readonly ServiceInstance[]) {
  const counts = new Map<Role, number>();
  for (const { role } of active) counts.set(role, (counts.get(role) ?? 0) + 1);
  return {
    total: active.length,
    services: [...counts].map(([role, total]) => ({ type: role.toUpperCase(), total })),
  };
}

function filtered(members: readonly ServiceInstance[], query: Query): readonly ServiceInstance[] {
  const states = chosen(query, 'state', STATES);
  const types = chosen(
    query,
    'type',
    ROLES.map((role) => role.toUpperCase()),
  );
  return members.filter(
    ({ state, role }) =>
      (states.length === 0 || states.includes(state)) && (types.length === 0 || types.includes(role.toUpperCase())),
  );
}

/** Values of a parameter that may be repeated, or hold several with commas between them. */
function chosen(query: Query, name: string, allowed: readonly string[]): readonly string[] {
  const values = query
    .all(name)
    .flatMap((value) => value.split(','))
    .filter((value) => value !== '')
    .map((value) => value.toUpperCase());
  const unknown = values.find((value) => !allowed.includes(value));
  if (unknown === undefined) return values;
  throw unprocessable(`'${name}' must be one of ${allowed.join(', ')}, but is '${unknown.slice(0, 40)}'`);
}

const FIELDS: Readonly<Record<string, (member: ServiceInstance) => string | number>> = {
  id: ({ instance }) => instance,
  type: ({ role }) => role,
  state: ({ state }) => state,
  hostname: ({ host }) => host,
  createdAt: ({ startedAt }) => startedAt,
  updatedAt: ({ heartbeatAt }) => heartbeatAt,
};

function sorted(members: readonly ServiceInstance[], { sort }: Paging): readonly ServiceInstance[] {
  const orders = sort.map(({ field, direction }) => {
    const of = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
    if (of === undefined)
      throw unprocessable(`Servers can be sorted by ${Object.keys(FIELDS).join(', ')}, not '${field}'`);
    return { of, sign: direction === 'desc' ? -1 : 1 };
  });
  return [...members].sort((one, other) => {
    for (const { of, sign } of orders) {
      const [left, right] = [of(one), of(other)];
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  });
}

async function memberOf(services: RouteServices, call: Call): Promise<ServiceInstance> {
  const { members } = services.running();
  const instance = call.parameter('instance');
  await members.refresh();
  const member = members.find(instance);
  if (member !== undefined) return member;
  throw notFound(`There is no server '${instance}'. Alive are: ${namesOf(members.active())}`);
}

async function drained(services: RouteServices, call: Call) {
  const member = await memberOf(services, call);
  const { instance, state } = member;
  if (!isActive(member)) {
    const alive = namesOf(services.running().members.active());
    throw new HttpError(409, `The server '${instance}' has ended already: it is ${state}. Alive are: ${alive}`);
  }
  const { queue, topics } = services.starting;
  await queue.publish([outgoing({ topic: topics.workerCommands, key: instance, value: { kind: 'drain', instance } })]);
  return json(presentMember(member), 202);
}

const namesOf = (members: readonly ServiceInstance[]): string =>
  members.length === 0 ? 'none' : members.map(({ role, instance, host }) => `${role} ${instance} (${host})`).join(', ');
