import type { Clock } from '@millrace/model';
import { QueueError, type View } from '@millrace/queue';
import { coalesceRefreshes } from '@millrace/resources';

/** Between two tries to bring the copy up to date, in milliseconds. */
const AGAIN_MS = 500;

/** Brings a copy up to date: it shows what was changed before the call. An outage of the queue is waited for. */
export const patientRefresh = (view: Pick<View<unknown>, 'refresh'>, clock: Clock): (() => Promise<void>) =>
  coalesceRefreshes(async () => {
    for (;;) {
      try {
        return await view.refresh();
      } catch (thrown) {
        if (!(thrown instanceof QueueError) || !thrown.retryable) throw thrown;
        await new Promise<void>((resolve) => void clock.after(AGAIN_MS, resolve));
      }
    }
  });
