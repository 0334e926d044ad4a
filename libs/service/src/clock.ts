import type { Clock } from '@millrace/model';

/** The longest delay that Node's timers take; longer ones are cut into pieces. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The host's clock. Its timers keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      timer = setTimeout(
        () => (leftMs > TIMER_MAX_MS ? wait(leftMs - TIMER_MAX_MS) : run()),
        Math.max(0, Math.min(leftMs, TIMER_MAX_MS)),
      );
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
