import { LIVENESS, type InstanceLost, type ServiceEvent, type ServiceInstance, type Topics } from '@millrace/model';
import { nothing, type Decided, type Records, type Wake } from './records.js';

/** A wake later than this shows that the processor itself stood still: then nobody is declared lost yet. */
const OWN_GAP_MS = 2_000;
const SERVICE = 'service';

type State = Records<ServiceInstance>;

/** The instance as it is known from now on. */
export type LivenessFact = ServiceInstance;
export type LivenessEffect = InstanceLost;

export interface LivenessContext {
  readonly now: number;
}

/**
 * Who is alive: a processor over the heartbeats, single partition (protocols.md part 3.5). An instance without a heartbeat
 * for the lease is lost for good, which is broadcast to the owners of its jobs. A gap in the processor's own time extends
 * the leases, so that an outage of the queue, or a stopped machine, declares nobody dead.
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
      return service && isAlive(service) ? (service.seenAt ?? 0) + LIVENESS.leaseMs : undefined;
    },
    ended: (state: State) => {
      const service = state.get(SERVICE);
      return service !== undefined && !isAlive(service);
    },
    continuation: (): never => {
      throw new Error('A heartbeat is decided in one step');
    },
    pendingOf: () => undefined,
    *spread(event: ServiceEvent, live: Iterable<readonly [string, State]>): Iterable<readonly [string, ServiceEvent]> {
      if (event.kind !== 'all-earlier-lost') return;
      for (const [key, state] of live) {
        const service = state.get(SERVICE);
        if (service && !event.keep.includes(service.instance)) {
          yield [key, { kind: 'declared-lost', instance: service.instance }];
        }
      }
    },
  };
}

const isAlive = ({ state }: ServiceInstance): boolean => state === 'RUNNING' || state === 'TERMINATING';

function decide(
  state: State,
  input: ServiceEvent | Wake,
  { now }: LivenessContext,
): Decided<LivenessFact, LivenessEffect> {
  const known = state.get(SERVICE);
  switch (input.kind) {
    case 'heartbeat': {
      // A lost instance never comes back; one that goes on under its old id finds its claims refused.
      if (known && !isAlive(known)) return nothing();
      const { service } = input;
      const effects = isAlive(service) ? [] : [lostEvent(service.instance)];
      return { facts: [{ ...service, seenAt: now }], effects, next: [] };
    }
    case 'declared-lost':
      return known && isAlive(known) ? lost(known) : nothing();
    case 'wake': {
      if (!known || !isAlive(known)) return nothing();
      const dueAt = (known.seenAt ?? 0) + LIVENESS.leaseMs;
      if (now < dueAt) return nothing();
      return now - dueAt > OWN_GAP_MS ? { facts: [{ ...known, seenAt: now }], effects: [], next: [] } : lost(known);
    }
    case 'all-earlier-lost':
      return nothing();
    default:
      return input satisfies never;
  }
}

const lostEvent = (instance: string): InstanceLost => ({ kind: 'instance-lost', instance });

const lost = (service: ServiceInstance): Decided<LivenessFact, LivenessEffect> => ({
  facts: [{ ...service, state: 'DISCONNECTED' }],
  effects: [lostEvent(service.instance)],
  next: [],
});
