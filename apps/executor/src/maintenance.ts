import type { Clock, Resource } from '@millrace/model';
import { QueueError, type View } from '@millrace/queue';
import { coalesceRefreshes, isInMaintenance } from '@millrace/resources';

/** Between two tries to bring the copy up to date, in milliseconds. */
const AGAIN_MS = 500;

/**
 * Answers whether the installation is in maintenance mode. While the copy says so it is brought up to date before each answer:
 * the end of the mode wakes what waits for it, so nothing may begin to wait by a copy from before that end (decision 0018).
 * An outage of the queue is waited for.
 */
export function maintenanceCheck(resources: View<Resource>, clock: Clock): () => boolean | Promise<boolean> {
  const refresh = coalesceRefreshes(async () => {
    for (;;) {
      try {
        return await resources.refresh();
      } catch (thrown) {
        if (!(thrown instanceof QueueError) || !thrown.retryable) throw thrown;
        await new Promise<void>((resolve) => void clock.after(AGAIN_MS, resolve));
      }
    }
  });
  return () => isInMaintenance(resources) && refresh().then(() => isInMaintenance(resources));
}
