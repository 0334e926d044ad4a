import type { Clock } from '@millrace/model';
import type { Queue } from '../contract.js';
import type { EncodedRecord } from '../shell/commit.js';
import { encode } from '../shell/encode.js';
import type { QueueStore } from './contract.js';
import { closedError } from './failure.js';
import { startProcessing, type Processing, type QueueParts } from './process.js';
import { startRetention } from './retention.js';
import { createSubscriptions } from './subscriptions.js';
import { openTail } from './tail.js';
import { openView } from './view.js';
import { startWorking, type Working } from './work.js';

export interface StoreQueueOptions {
  readonly store: QueueStore;
  readonly clock: Clock;
  /** Tells the owners of leases apart. */
  readonly instance: string;
}

/** A queue that can also be dropped as a crash would drop it: nothing is flushed, nothing released. */
export interface AbandonableQueue extends Queue {
  abandon(): void;
}

/** The queue over a store: everything but the storing. */
export function createStoreQueue({ store, clock, instance }: StoreQueueOptions): AbandonableQueue {
  const subscriptions = createSubscriptions();
  const parts: QueueParts = { store, clock, instance, subscriptions };
  const unfollow = store.follow((records) => subscriptions.deliver(records));
  const retention = startRetention(store, clock);
  const processors = new Set<Processing>();
  const workers = new Set<Working>();
  const readers = new Set<{ close(): void }>();
  let closed = false;
  let closing: Promise<void> | undefined;
  let abandoned = false;

  const assertOpen = (): void => {
    if (closed) throw closedError();
  };

  /** Follows what was started, unless the queue was closed while it started. */
  async function keep<Started, Kept extends Started>(
    set: Set<Started>,
    starting: Promise<Kept>,
    stop: (started: Kept) => unknown,
  ): Promise<Kept> {
    const started = await starting;
    if (closed) {
      await stop(started);
      throw closedError();
    }
    set.add(started);
    return started;
  }

  const end = (started: Processing | Working): Promise<void> | void =>
    abandoned ? started.abandon() : started.close();

  async function shutDown(): Promise<void> {
    closed = true;
    retention.stop();
    for (const reader of readers) reader.close();
    await Promise.all([...workers].map((worker) => worker.close()));
    await Promise.all([...processors].map((processor) => processor.close()));
    unfollow();
    await store.close();
  }

  return {
    async publish(records) {
      assertOpen();
      const encoded: EncodedRecord[] = [];
      for (const record of records) encode(record, encoded);
      if (encoded.length === 0) return;
      await store.publish(encoded);
    },
    async process(definition) {
      assertOpen();
      return keep(processors, startProcessing(parts, definition), end);
    },
    async work(options) {
      assertOpen();
      return keep(workers, startWorking(parts, options), end);
    },
    async view(topic) {
      assertOpen();
      return keep(readers, openView(parts, topic), (started) => started.close());
    },
    async tail(topic, options) {
      assertOpen();
      return keep(readers, openTail(parts, topic, options), (started) => started.close());
    },
    close: () => (closing ??= shutDown()),
    abandon() {
      closed = true;
      abandoned = true;
      closing ??= Promise.resolve();
      retention.stop();
      unfollow();
      for (const reader of readers) reader.close();
      for (const worker of workers) worker.abandon();
      for (const processor of processors) processor.abandon();
    },
  };
}
