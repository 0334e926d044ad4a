import type { Clock } from '@millrace/model';
import { QueueError } from '../contract.js';
import type { QueueStore } from './contract.js';

const ROUND_MS = 60_000;
/** Rows removed in one transaction: a few milliseconds. */
const PIECE = 1_000;

/** Removes old events in the background, in small pieces, so that nobody waits long for the writer. */
export interface Retention {
  stop(): void;
}

export function startRetention(store: QueueStore, clock: Clock): Retention {
  let cancel: (() => void) | undefined;
  let stopped = false;

  async function round(): Promise<void> {
    for (const topic of store.topics()) {
      if (topic.kind !== 'events' || topic.retentionMs === undefined) continue;
      while (!stopped && (await store.removeExpired(topic, PIECE)) === PIECE);
    }
  }

  function schedule(): void {
    if (stopped) return;
    cancel = clock.after(ROUND_MS, () => {
      round().then(schedule, (thrown: unknown) => {
        // The next round tries again; a queue that is closed needs none.
        if (thrown instanceof QueueError && thrown.code === 'QUEUE_CLOSED') return;
        schedule();
      });
    });
  }

  schedule();
  return {
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
