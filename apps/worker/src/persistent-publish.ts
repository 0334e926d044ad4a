import type { Clock, OutgoingRecord } from '@millrace/model';
import { QueueError, type Queue } from '@millrace/queue';

const FIRST_DELAY_MS = 100;
const DELAY_MAX_MS = 5_000;

const wait = (clock: Clock, milliseconds: number): Promise<void> =>
  new Promise((resolve) => clock.after(milliseconds, resolve));

/** Waits for `work`, but not longer than `milliseconds`; leaves no timer behind. */
export async function waitAtMost(clock: Clock, work: Promise<unknown>, milliseconds: number): Promise<void> {
  let cancel: () => void = () => undefined;
  const timeout = new Promise<void>((resolve) => {
    cancel = clock.after(milliseconds, resolve);
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    cancel();
  }
}

/**
 * Publishes, and tries again for as long as the queue cannot be reached.
 * @throws QueueError when trying again does not help (the queue was closed)
 */
export async function publishPersistently(
  queue: Pick<Queue, 'publish'>,
  clock: Clock,
  records: readonly OutgoingRecord[],
): Promise<void> {
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(2 * delay, DELAY_MAX_MS)) {
    try {
      return await queue.publish(records);
    } catch (error) {
      if (!(error instanceof QueueError && error.retryable)) throw error;
    }
    await wait(clock, delay);
  }
}
