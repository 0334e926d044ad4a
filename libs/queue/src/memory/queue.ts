import type { Clock } from '@millrace/model';
import type { Queue } from '../contract.js';
import { withFaults, type Faults } from '../store/faults.js';
import { createStoreQueue } from '../store/queue.js';
import { createMemoryStore, type MemoryStore } from './data.js';
import { openSession } from './session.js';

export interface MemoryQueueOptions {
  /** Every timer and every date comes from it, so that a virtual one makes a run repeatable. */
  readonly clock: Clock;
  /** What outlives this instance; a new one when absent. Instances with the same store are servers of one cluster. */
  readonly store?: MemoryStore;
  readonly faults?: Faults;
  /** How long a partition stays with a server that does not renew its lease. Default 3,000 ms. */
  readonly leaseMs?: number;
}

export interface MemoryQueue extends Queue {
  /** Name of this instance as owner of leases and in `Write`. */
  readonly instance: string;
  /** The process is gone from one moment to the next: nothing is flushed, nothing released, nothing answered any more. */
  kill(): void;
}

/** The queue in one process, without files: for tests, simulations and throw-away servers. */
export function createMemoryQueue({
  clock,
  store = createMemoryStore(),
  faults,
  leaseMs = 3_000,
}: MemoryQueueOptions): MemoryQueue {
  const instance = `memory-${++store.sessions}`;
  const session = openSession({ store, clock, instance, leaseMs });
  const faulty = faults === undefined ? session : withFaults(session, faults, instance);
  const { abandon, ...queue } = createStoreQueue({ store: faulty, clock, instance });
  return {
    ...queue,
    instance,
    kill() {
      session.cut();
      abandon();
    },
  };
}
