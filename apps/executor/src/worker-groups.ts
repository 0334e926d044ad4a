import type { ExecutionContext, FlowPlan } from '@millrace/executor-core';
import {
  isAllowedFor,
  outgoing,
  type Clock,
  type WorkerGroupWish,
  WORKER_GROUPS_KEY,
  type Resource,
  type ServiceInstance,
  type Topics,
} from '@millrace/model';
import type { Queue, View } from '@millrace/queue';
import { followInheritedWorkerGroups, liveWorkerGroups, workerGroups } from '@millrace/resources';
import type { ServiceContext } from '@millrace/service';
import { patientRefresh } from './patient-refresh.js';

export interface WorkerGroupsOptions {
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Pick<Topics, 'executionEvents'>;
  readonly resources: Pick<View<Resource>, 'get' | 'records' | 'onChange' | 'refresh'>;
  readonly services: Pick<View<ServiceInstance>, 'keys' | 'records' | 'onChange'>;
  readonly log: Pick<ServiceContext['log'], 'warn'>;
  readonly clock: Clock;
  /** The group of the worker in this process, when no other process can have one: it is as live as the executor. */
  readonly ownGroup?: string;
}

/** The worker groups as one executor sees them. */
export interface FollowedWorkerGroups {
  readonly status: NonNullable<ExecutionContext['workerGroup']>;
  /** What namespaces and tenants say. */
  readonly inherited: NonNullable<ExecutionContext['inheritedWorkerGroups']>;
  /**
   * Resolves when the copy shows the groups that a flow, its namespace or its tenant names literally, or shows that they are
   * not there: the flow may have come to this server before the group. undefined: it shows them already.
   */
  seen(flow: Pick<FlowPlan, 'tenant' | 'namespace' | 'definition' | 'tasks'>): Promise<void> | undefined;
  /** Tells executions from now on when workers come and go, and first which groups have some. */
  tell(): void;
  stop(): void;
}

/**
 * Which groups there are, and which have a worker that takes jobs or will when maintenance is over. Every executor tells of
 * each change, so that it is told although one of them dies; executions take a repeat for nothing.
 */
export function followWorkerGroups(options: WorkerGroupsOptions): FollowedWorkerGroups {
  const { queue, topics, resources, services, log, clock, ownGroup } = options;
  const registered = (): ReadonlyMap<string, ReturnType<typeof workerGroups>[number]> =>
    new Map(workerGroups(resources).map((group) => [group.key, group]));
  const seen = (): ReadonlySet<string> =>
    new Set([...liveWorkerGroups(services), ...(ownGroup === undefined ? [] : [ownGroup])]);
  let groups = registered();
  let live = seen();
  const inherited = followInheritedWorkerGroups(resources);
  let isTelling = false;
  /** Groups that executions believe to be live, as far as this executor has told them. */
  const told = new Set<string>(ownGroup === undefined ? [] : [ownGroup]);

  function publish(group: string, isLive: boolean): void {
    if (isLive) told.add(group);
    else told.delete(group);
    const value = { kind: 'workers-changed', group, live: isLive } as const;
    queue
      .publish([outgoing({ topic: topics.executionEvents, key: '', value, broadcast: true })])
      .catch((error: unknown) => {
        // Told again with the next heartbeat of any server.
        if (isLive) told.delete(group);
        else told.add(group);
        log.warn({ error, group }, 'Executions could not be told of the workers of a group; it is tried again');
      });
  }

  function tellChanges(): void {
    for (const group of live) if (!told.has(group)) publish(group, true);
    for (const group of [...told]) if (!live.has(group)) publish(group, false);
  }

  const stops = [
    services.onChange(() => {
      live = seen();
      if (isTelling) tellChanges();
    }),
    resources.onChange(({ key }) => {
      if (key === WORKER_GROUPS_KEY) groups = registered();
    }),
    inherited.close,
  ];
  const refresh = patientRefresh(resources, clock);
  const status: FollowedWorkerGroups['status'] = (tenant, key) => {
    const group = groups.get(key);
    if (group === undefined || !isAllowedFor(group, tenant)) return 'unknown';
    return live.has(key) ? 'live' : 'no-worker';
  };
  return {
    status,
    seen(flow) {
      const { tenant, namespace } = flow;
      const isThere = (key: string): boolean => status(tenant, key) !== 'unknown';
      if (groupsNamedIn(flow).every(isThere) && literalKeys(inherited.wishes(tenant, namespace)).every(isThere)) return;
      return refresh();
    },
    inherited: inherited.wishes,
    tell() {
      isTelling = true;
      tellChanges();
    },
    stop: () => stops.forEach((stop) => stop()),
  };
}

/** A flow is asked for with each event of its executions. */
const namedIn = new WeakMap<object, readonly string[]>();

function groupsNamedIn(flow: Pick<FlowPlan, 'definition' | 'tasks'>): readonly string[] {
  const { definition, tasks } = flow;
  const known = namedIn.get(definition);
  if (known) return known;
  const wishes = [definition, ...[...tasks.values()].map((task) => task.definition)].map(
    ({ workerGroup }) => workerGroup as WorkerGroupWish | undefined,
  );
  const keys = [...new Set(literalKeys(wishes))];
  namedIn.set(definition, keys);
  return keys;
}

/** What an expression names is known only when it is rendered. */
const literalKeys = (wishes: readonly (WorkerGroupWish | undefined)[]): readonly string[] =>
  wishes.flatMap((wish) => {
    const key = wish?.key?.trim() ?? '';
    return key === '' || key.includes('{') ? [] : [key];
  });
