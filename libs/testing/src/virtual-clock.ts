import { Heap, type Clock, type Instant } from '@millrace/model';

export interface VirtualClockOptions {
  readonly start: Instant;
  /** Orders timers of the same instant: the smaller number comes first. Default: the order in which they were set. */
  readonly tieBreak?: () => number;
}

/**
 * Time that passes only when nothing is left to do at the present instant. Everything that takes its time from here, and
 * does no I/O, runs the same way again and again.
 */
export interface VirtualClock extends Clock {
  /** Timers that are set and have not run. */
  readonly pending: number;
  /** Timers that have run. */
  readonly steps: number;
  /**
   * Lets everything run, jumping from timer to timer, until `done` answers true (asked after each timer). Answers false
   * when there is no timer left up to `limit`; then the time is `limit`.
   */
  runUntil(done: () => boolean, limit: Instant): Promise<boolean>;
}

interface Timer {
  readonly at: Instant;
  readonly tie: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

const isBefore = (one: Timer, other: Timer): boolean =>
  one.at !== other.at ? one.at < other.at : one.tie !== other.tie ? one.tie < other.tie : one.order < other.order;

/** All promises that can go on have gone on: they run before the event loop takes its next turn. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A clock for tests and simulations. */
export function createVirtualClock({ start, tieBreak = () => 0 }: VirtualClockOptions): VirtualClock {
  const heap = new Heap(isBefore);
  let now = start;
  let order = 0;
  let pending = 0;
  let steps = 0;

  function next(limit: Instant): Timer | undefined {
    while (heap.first()?.isCancelled) heap.pop();
    const first = heap.first();
    return first === undefined || first.at > limit ? undefined : heap.pop();
  }

  return {
    now: () => now,
    get pending() {
      return pending;
    },
    get steps() {
      return steps;
    },
    after(delayMs, run) {
      const timer: Timer = { at: now + Math.max(0, delayMs), tie: tieBreak(), order: order++, run, isCancelled: false };
      heap.push(timer);
      pending++;
      return () => {
        if (!timer.isCancelled) pending--;
        timer.isCancelled = true;
      };
    },
    async runUntil(done, limit) {
      for (;;) {
        await settled();
        if (done()) return true;
        const timer = next(limit);
        if (timer === undefined) {
          now = Math.max(now, limit);
          return false;
        }
        now = Math.max(now, timer.at);
        // Cancelling it from now on changes nothing.
        timer.isCancelled = true;
        pending--;
        steps++;
        timer.run();
      }
    },
  };
}
