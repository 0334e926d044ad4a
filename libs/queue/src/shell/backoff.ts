import type { Clock } from '@millrace/model';

const FIRST_MS = 50;
const LONGEST_MS = 5_000;

/** Waits between tries: none before the first repeat, then longer each time. */
export interface Backoff {
  wait(): Promise<void>;
  /** It worked; the next failure is the first one again. */
  reset(): void;
  /** Failures in a row. */
  failures(): number;
  /** Ends a wait at once. */
  cancel(): void;
}

export function createBackoff(clock: Clock): Backoff {
  let failures = 0;
  let end: (() => void) | undefined;
  return {
    async wait() {
      failures++;
      if (failures === 1) return;
      const delayMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 2, 10));
      await new Promise<void>((resolve) => {
        const cancelTimer = clock.after(delayMs, resolve);
        end = () => {
          cancelTimer();
          resolve();
        };
      });
      end = undefined;
    },
    reset() {
      failures = 0;
    },
    failures: () => failures,
    cancel: () => end?.(),
  };
}
