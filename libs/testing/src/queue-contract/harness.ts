import type { Queue } from '@millrace/queue';
import type { Faults } from '@millrace/queue/memory';
import type { ManualClock } from './clock.js';

/** A queue as one server process has it. */
export interface Server {
  readonly queue: Queue;
  /** The process is gone: nothing flushed, nothing released. */
  kill(): void;
}

/** A store, and servers on it. Made anew for each test. */
export interface QueueHarness {
  readonly clock: ManualClock;
  /** Starts a server; one at a time where the store allows only one process. */
  start(faults?: Faults): Promise<Server>;
  /** Resolves when nothing is on its way any more, as far as it is not held up by the test itself. */
  settle(): Promise<void>;
  /** After every test: closes what is open, removes the store. */
  dispose(): Promise<void>;
}

/**
 * Where adapters may differ, with the reason; everything else holds for all.
 *
 * | adapter | servers on one store | reason |
 * | memory | several | they share an object |
 * | sql (SQLite) | one at a time | the file is locked for its process |
 * | kafka | several | that is what it is for; a dead member's partitions are free when the broker's session is over |
 *
 * | adapter | state of ended keys after the processor's `retention` | reason |
 * | memory | kept | it stands for `sql` in tests |
 * | sql (SQLite) | kept | it is the history that users search; it costs no memory, for only live keys are restored |
 * | kafka | removed by the partition's owner | a compacted topic keeps every key for ever, and its owner the place of each |
 */
export interface QueueDifferences {
  readonly servers: 'one' | 'several';
  readonly ended: 'kept' | 'removed';
  /** Steps of virtual time until something counts as never: more where real time must pass, too. */
  readonly patience?: number;
}

export type MakeHarness = (clock: ManualClock) => QueueHarness;

/** Lets every callback that is ready run, those of the event loop included, a few rounds long. */
export async function settleHere(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** Moves the clock on until `done`: for what the adapter itself does by timers (leases, repeats, retention). */
export async function advanceUntil({ clock, settle, patience }: Waiting, done: () => boolean): Promise<void> {
  for (let step = 0; step < patience; step++) {
    await settle();
    if (done()) return;
    clock.advance(250);
  }
  throw new Error(`It did not happen within ${patience / 4} s of virtual time`);
}

/** What waiting needs of a setting. */
export interface Waiting {
  readonly clock: ManualClock;
  settle(): Promise<void>;
  readonly patience: number;
}
