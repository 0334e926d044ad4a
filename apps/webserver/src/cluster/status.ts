import {
  DEFAULT_GROUP,
  type Clock,
  type Maintenance,
  type ServiceInstance,
  type Topic,
  type Topics,
} from '@millrace/model';
import type { Queue } from '@millrace/queue';
import type { DeadLetters } from './dead-letters.js';
import type { IndexStatus } from './index-watch.js';
import type { Members } from './members.js';
import { problemsOf, type Problem } from './problems.js';
import { processorsOf } from './processors.js';

/** How the installation does, for people and machines. Counts of what waits are of the moment. */
export interface ClusterStatus {
  /** Nothing needs a person. */
  readonly healthy: boolean;
  readonly problems: readonly Problem[];
  readonly maintenance?: Maintenance;
  /** Format in which all servers write records (decision 0016). */
  readonly formatLevel: number;
  readonly members: readonly MemberStatus[];
  readonly processors: readonly ProcessorStatus[];
  readonly groups: readonly GroupStatus[];
  /** Absent where nothing is indexed. */
  readonly index?: IndexStatus;
  /** Letters that nobody had published again, by processor. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

export interface MemberStatus extends Pick<
  ServiceInstance,
  'instance' | 'role' | 'host' | 'version' | 'state' | 'group' | 'slots' | 'freeSlots' | 'partitions'
> {
  readonly uptimeSeconds: number;
  readonly heartbeatSecondsAgo: number;
  /** It has been silent for longer than a server that lives can be. */
  readonly silent: boolean;
}

export interface ProcessorStatus {
  readonly name: string;
  readonly topic: string;
  readonly partitions: number;
  /** Partitions by instance. */
  readonly owners: Readonly<Record<string, readonly number[]>>;
  readonly withoutOwner: readonly number[];
  /** Events that are committed and not applied; absent when it could not be asked. */
  readonly lag?: number;
}

export interface GroupStatus {
  readonly group: string;
  readonly workers: number;
  readonly slots: number;
  readonly running: number;
  /** Jobs that no worker has taken; absent when it could not be asked. */
  readonly waiting?: number;
}

export interface StatusOptions {
  readonly queue: Pick<Queue, 'backlog'>;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly members: Members;
  /** Keys of the registered worker groups, the default one too. */
  groups(): readonly string[];
  /** What the index lacks; undefined where nothing is indexed. */
  index(): Promise<IndexStatus | undefined>;
  readonly deadLetters: DeadLetters;
  maintenance(): Maintenance | undefined;
}

/** Looks at everything once. What a queue that stands still cannot answer is left out, and is a problem. */
export async function clusterStatus(options: StatusOptions): Promise<ClusterStatus> {
  const { clock, members, deadLetters } = options;
  const active = members.active();
  const [processors, groups, index] = await Promise.all([
    processorStatuses(options, active),
    groupStatuses(options, active),
    options.index().catch(() => undefined),
  ]);
  const now = clock.now();
  const memberStatuses = active.map((member) => memberStatus(member, now, members.isSilent(member)));
  const maintenance = options.maintenance();
  const found = {
    ...(maintenance?.active === true ? { maintenance } : {}),
    formatLevel: options.topics.executions.cluster.format,
    members: memberStatuses,
    processors,
    groups,
    ...(index === undefined ? {} : { index }),
    deadLetters: Object.fromEntries(deadLetters.open()),
  };
  const problems = problemsOf(found, { newLetters: deadLetters.openSince(now - DAY_MS) });
  return { healthy: problems.length === 0, problems, ...found };
}

const DAY_MS = 86_400_000;

const memberStatus = (member: ServiceInstance, now: number, silent: boolean): MemberStatus => {
  const { instance, role, host, version, state, group, slots, freeSlots, partitions } = member;
  return {
    instance,
    role,
    host,
    state,
    ...(version === undefined ? {} : { version }),
    ...(group === undefined ? {} : { group }),
    ...(slots === undefined ? {} : { slots }),
    ...(freeSlots === undefined ? {} : { freeSlots }),
    ...(partitions === undefined ? {} : { partitions }),
    uptimeSeconds: seconds(now - member.startedAt),
    heartbeatSecondsAgo: seconds(now - member.heartbeatAt),
    silent,
  };
};

const seconds = (milliseconds: number): number => Math.max(0, Math.round(milliseconds / 1_000));

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0);

/** What waits in all partitions; undefined when the queue does not answer. */
async function waiting(
  { queue }: Pick<StatusOptions, 'queue'>,
  topic: Topic<unknown>,
  reader: string | ReadonlyMap<number, number>,
): Promise<number | undefined> {
  try {
    return sum((await queue.backlog(topic, reader)).values());
  } catch {
    return undefined;
  }
}

export async function processorStatuses(
  options: Pick<StatusOptions, 'queue' | 'topics'>,
  active: readonly ServiceInstance[],
): Promise<readonly ProcessorStatus[]> {
  const statuses = processorsOf(options.topics).map(async ({ name, input }) => {
    const owners: Record<string, readonly number[]> = {};
    for (const { instance, partitions } of active) {
      const own = partitions?.[name];
      if (own !== undefined && own.length > 0) owners[instance] = own;
    }
    const owned = new Set(Object.values(owners).flat());
    const all = Array.from({ length: input.partitions }, (_, partition) => partition);
    const lag = await waiting(options, input, name);
    return {
      name,
      topic: input.name,
      partitions: input.partitions,
      owners,
      withoutOwner: all.filter((partition) => !owned.has(partition)),
      ...(lag === undefined ? {} : { lag }),
    };
  });
  return Promise.all(statuses);
}

export async function groupStatuses(
  options: Pick<StatusOptions, 'queue' | 'topics' | 'groups'>,
  active: readonly ServiceInstance[],
): Promise<readonly GroupStatus[]> {
  const workers = active.filter(({ role }) => role === 'worker');
  const groups = new Set([...options.groups(), ...workers.flatMap(({ group }) => group ?? [])]);
  const statuses = [...groups].map(async (group) => {
    const own = workers.filter((worker) => (worker.group ?? DEFAULT_GROUP) === group);
    const slots = sum(own.map((worker) => worker.slots ?? 0));
    const free = sum(own.map((worker) => worker.freeSlots ?? 0));
    const jobs = await waiting(options, options.topics.jobs(group), '');
    return {
      group,
      workers: own.length,
      slots,
      running: slots - free,
      ...(jobs === undefined ? {} : { waiting: jobs }),
    };
  });
  return Promise.all(statuses);
}
