import { LIVENESS, type InstanceLost, type ServiceEvent, type ServiceInstance, type Topics } from '@millrace/model';
import { nothing, type Decided, type Records, type Wake } from './records.js';

/** A wake later than this shows that the processor itself stood still: then nobody is declared lost yet. */
const OWN_GAP_MS = 2_000;
/**
 * When a loss is announced once more, after it was noticed: a lost worker may have stood still while it took a job, which
 * it then has under its lost id. Later than any write that was on its way.
 */
const ANNOUNCE_AGAIN_MS = 30_000;
const SERVICE = 'service';

/** What is kept of an instance. */
type KnownService = ServiceInstance & {
  /** Its lease has run out; it is lost then, unless a heartbeat comes or waits to be read. */
  readonly lostAt?: number;
  readonly announceAgainAt?: number;
};
type State = Records<KnownService>;

/** The instance as it is known from now on. */
export type LivenessFact = KnownService;
export type LivenessEffect = InstanceLost | LeaseOver;
type LeaseOver = Extract<ServiceEvent, { kind: 'lease-over' }>;

export interface LivenessContext {
  readonly now: number;
}

/**
 * Who is alive: a processor over the heartbeats, single partition (protocols.md part 3.5). An instance without a heartbeat
 * for the lease and the grace is lost for good, which is broadcast to the owners of its jobs. A gap in the processor's own time extends
 * the leases, so that an outage of the queue, or a stopped machine, declares nobody dead. And a loss is declared only when the
 * processor has read back its own question about it: a reader that has fallen behind the log has not read the answer.
 */
export function livenessProcessor(topics: Pick<Topics, 'serviceEvents' | 'services'>) {
  return {
    name: 'liveness',
    input: topics.serviceEvents,
    stateTopics: [topics.services],
    topicOf: () => topics.services,
    open: (_key: string, records: State) => records,
    decide,
    evolve: (state: State, fact: LivenessFact) => state.put(SERVICE, fact),
    fail: () => nothing<LivenessFact, LivenessEffect>(),
    dueAt: (state: State) => {
      const service = state.get(SERVICE);
      if (service === undefined) return undefined;
      return isAlive(service) ? leaseEnd(service) : service.announceAgainAt;
    },
    ended: (state: State) => {
      const service = state.get(SERVICE);
      return service !== undefined && !isAlive(service) && service.announceAgainAt === undefined;
    },
    continuation: (): never => {
      throw new Error('A heartbeat is decided in one step');
    },
    pendingOf: () => undefined,
    *spread(event: ServiceEvent, live: Iterable<readonly [string, State]>): Iterable<readonly [string, ServiceEvent]> {
      if (event.kind !== 'all-earlier-lost') return;
      for (const [key, state] of live) {
        const service = state.get(SERVICE);
        if (service && isAlive(service) && !event.keep.includes(service.instance)) {
          yield [key, { kind: 'declared-lost', instance: service.instance }];
        }
      }
    },
  };
}

/** It is there, or is not known to be gone. */
export const isAlive = ({ state }: ServiceInstance): boolean =>
  state === 'RUNNING' || state === 'MAINTENANCE' || state === 'TERMINATING';

function decide(
  state: State,
  input: ServiceEvent | Wake,
  { now }: LivenessContext,
): Decided<LivenessFact, LivenessEffect> {
  const known = state.get(SERVICE);
  switch (input.kind) {
    case 'heartbeat': {
      // A lost instance never comes back; what one that goes on under its old id has taken since is given to others.
      if (known && !isAlive(known)) return { facts: [], effects: [lostEvent(known.instance)], next: [] };
      const { service } = input;
      if (isAlive(service)) return { facts: [{ ...service, seenAt: now }], effects: [], next: [] };
      return lost({ ...service, seenAt: now }, service.state, now);
    }
    case 'lease-over':
      // A heartbeat that was read since has taken `lostAt` away.
      return known && isAlive(known) && known.lostAt !== undefined && known.seenAt === input.seenAt
        ? lost(known, 'DISCONNECTED', now)
        : nothing();
    case 'declared-lost':
      return known && isAlive(known) ? lost(known, 'DISCONNECTED', now) : nothing();
    case 'wake':
      if (!known) return nothing();
      return isAlive(known) ? leaseDue(known, now) : announceAgain(known, now);
    case 'all-earlier-lost':
      return nothing();
    default:
      return input satisfies never;
  }
}

const leaseEnd = ({ lostAt, seenAt = 0 }: KnownService): number => lostAt ?? seenAt + LIVENESS.leaseMs;

/**
 * First the lease ends, and after the grace, when the worker has stopped its tasks by itself, the instance is lost
 * (protocols.md part 3.6). In between heartbeats are read that waited for a new owner of this partition.
 */
function leaseDue(service: KnownService, now: number): Decided<LivenessFact, LivenessEffect> {
  const dueAt = leaseEnd(service);
  if (now < dueAt) return nothing();
  const { lostAt, ...seen } = service;
  if (now - dueAt > OWN_GAP_MS) return { facts: [{ ...seen, seenAt: now }], effects: [], next: [] };
  const waiting: LivenessFact = { ...seen, lostAt: now + LIVENESS.graceMs };
  if (lostAt === undefined) return { facts: [waiting], effects: [], next: [] };
  // Asked again when the answer does not come.
  const question: LeaseOver = { kind: 'lease-over', instance: seen.instance, seenAt: seen.seenAt ?? 0 };
  return { facts: [waiting], effects: [question], next: [] };
}

const lostEvent = (instance: string): InstanceLost => ({ kind: 'instance-lost', instance });

function lost(
  { lostAt: _over, ...service }: KnownService,
  state: ServiceInstance['state'],
  now: number,
): Decided<LivenessFact, LivenessEffect> {
  return {
    facts: [{ ...service, state, announceAgainAt: now + ANNOUNCE_AGAIN_MS }],
    effects: [lostEvent(service.instance)],
    next: [],
  };
}

function announceAgain(service: KnownService, now: number): Decided<LivenessFact, LivenessEffect> {
  const { announceAgainAt, ...settled } = service;
  if (announceAgainAt === undefined || now < announceAgainAt) return nothing();
  return { facts: [settled], effects: [lostEvent(service.instance)], next: [] };
}
