import type { Clock, Instant } from '@millrace/model';

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves it and runs what came due, in order. */
  advance(ms: number): void;
  /** Moves it back without running anything: the host's clock was corrected. */
  setBack(ms: number): void;
}

interface Timer {
  readonly at: Instant;
  readonly run: () => void;
}

export function createManualClock(start: Instant): ManualClock {
  let now = start;
  let timers: Timer[] = [];
  const nextDue = (until: Instant): Timer | undefined =>
    timers
      .filter(({ at }) => at <= until)
      .reduce<Timer | undefined>(
        (first, timer) => (first === undefined || timer.at < first.at ? timer : first),
        undefined,
      );
  return {
    now: () => now,
    after(delayMs, run) {
      const timer = { at: now + delayMs, run };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
    advance(ms) {
      const until = now + ms;
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        const due = timer;
        timers = timers.filter((other) => other !== due);
        now = Math.max(now, due.at);
        due.run();
      }
      now = until;
    },
    setBack(ms) {
      now -= ms;
    },
  };
}
