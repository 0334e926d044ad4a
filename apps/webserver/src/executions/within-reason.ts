import type { Clock } from '@millrace/model';

/** A reader that lags longer than this is answered with what there is. */
const CATCH_UP_MS = 1_000;

/** Waits until a copy has caught up, but not for ever: an unreachable queue is no reason to answer nothing at all. */
export async function withinReason(clock: Clock, caughtUp: Promise<unknown>): Promise<void> {
  let cancel = (): void => undefined;
  const over = new Promise<void>((resolve) => (cancel = clock.after(CATCH_UP_MS, resolve)));
  try {
    await Promise.race([caughtUp.catch(() => undefined), over]);
  } finally {
    cancel();
  }
}
