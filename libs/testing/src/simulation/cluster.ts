import type { Instant, Topics } from '@millrace/model';
import type { MemoryStore } from '@millrace/queue/memory';
import type { VirtualClock } from '../virtual-clock.js';
import type { SeededRandom } from './random.js';
import type { Scenario } from './scenario.js';
import type { Trace } from './trace.js';

/** How often what was done to the cluster. */
export interface Disturbances {
  /** Crashes of a server, at any moment. */
  kills: number;
  /** Servers that were told to stop, and stopped in order. */
  stops: number;
  /** Servers that stood still for longer than their lease. */
  stalls: number;
  /** Commits that the store refused, because another server owned the partition by then; at least so many. */
  fenced: number;
  /** Writes that were stored and whose answer was lost. */
  lostAnswers: number;
  /** Writes that never arrived. */
  lostWrites: number;
  /** Publishes that reached the log twice. */
  duplicates: number;
  /** Jobs that were handed to a second worker. */
  doubledJobs: number;
  /** Executions that left the queue. */
  left: number;
  /** Executions that came back into it. */
  returned: number;
  /** Tasks that were given up because their worker group had no worker. */
  givenUp: number;
}

/** What all parts of a simulation share. */
export interface Cluster {
  readonly scenario: Scenario;
  readonly clock: VirtualClock;
  readonly store: MemoryStore;
  readonly topics: Topics;
  readonly trace: Trace;
  readonly disturbances: Disturbances;
  /** Nothing is disturbed from this moment on. */
  readonly calmFrom: Instant;
  /** When the first servers of the older version are replaced. */
  readonly firstUpgradeAt: Instant;
  /** When the others begin to be. */
  readonly upgradeFrom: Instant;
  /** Of the format, as far as the topics show it. */
  level(): number;
  /** Of executors, milliseconds. */
  readonly leaseMs: number;
  /**
   * How often in a row a partition was taken by somebody who then did not commit. An event that meets three such owners
   * counts as poison and is given up (protocols.md part 1.4), so the simulation must not make three of them.
   */
  readonly fruitless: Map<string, number>;
  random(name: string): SeededRandom;
  /** Something that must not happen. */
  violation(text: string): void;
  /** The simulation has been judged; nobody starts anything any more. */
  isOver(): boolean;
}

export const isCalm = ({ clock, calmFrom }: Cluster): boolean => clock.now() >= calmFrom;

/** One more owner lost, and an event without a fault would be given up. */
export const isFragile = ({ fruitless }: Cluster): boolean => [...fruitless.values()].some((owners) => owners >= 2);
