import type { Clock, OutgoingRecord, Topic } from '@millrace/model';
import type { Queue, Tail, TailOptions, View, Worker, WorkOptions } from '../contract.js';
import type { EncodedRecord } from '../shell/commit.js';
import { encode } from '../shell/encode.js';
import type { QueueStore } from './contract.js';
import { closedError } from '../shell/failure.js';
import { startProcessing, type Processing, type QueueParts } from './process.js';
import { startRetention, type Retention } from './retention.js';
import { createSubscriptions } from './subscriptions.js';
import { openTail } from './tail.js';
import { openView } from './view.js';
import type { Working } from '../shell/job-loop.js';
import { startWorking } from './work.js';

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
export const createStoreQueue = ({ store, clock, instance }: StoreQueueOptions): AbandonableQueue =>
  new StoreQueue(store, clock, instance);

class StoreQueue implements AbandonableQueue {
  readonly #parts: QueueParts;
  readonly #unfollow: () => void;
  readonly #retention: Retention;
  readonly #processors = new Set<Processing>();
  readonly #workers = new Set<Working>();
  #closing: Promise<void> | undefined;
  #abandoned = false;

  constructor(store: QueueStore, clock: Clock, instance: string) {
    const subscriptions = createSubscriptions();
    this.#parts = { store, clock, instance, subscriptions };
    this.#unfollow = store.follow((records) => subscriptions.deliver(records));
    this.#retention = startRetention(store, clock);
  }

  publish = async (records: readonly OutgoingRecord[]): Promise<void> => {
    this.#assertOpen();
    const encoded: EncodedRecord[] = [];
    for (const record of records) encode(record, encoded);
    if (encoded.length > 0) await this.#parts.store.publish(encoded);
  };

  process: Queue['process'] = async (definition) => {
    this.#assertOpen();
    return this.#keep(this.#processors, await startProcessing(this.#parts, definition));
  };

  work = async (options: WorkOptions): Promise<Worker> => {
    this.#assertOpen();
    return this.#keep(this.#workers, await startWorking(this.#parts, options));
  };

  view = async <Value>(topic: Topic<Value>): Promise<View<Value>> => {
    this.#assertOpen();
    return this.#whileOpen(await openView(this.#parts, topic));
  };

  tail = async <Value>(topic: Topic<Value>, options: TailOptions<Value>): Promise<Tail> => {
    this.#assertOpen();
    return this.#whileOpen(await openTail(this.#parts, topic, options));
  };

  backlog: Queue['backlog'] = async (topic, reader) => {
    this.#assertOpen();
    await this.#parts.store.declare(topic);
    return this.#parts.store.backlog(topic, reader);
  };

  close = (): Promise<void> => (this.#closing ??= this.#shutDown());

  abandon = (): void => {
    this.#abandoned = true;
    this.#closing ??= Promise.resolve();
    this.#retention.stop();
    this.#unfollow();
    for (const part of [...this.#workers, ...this.#processors]) part.abandon();
  };

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  /** Remembers what was started, unless the queue was closed while it started. */
  async #keep<Part extends Processing | Working>(parts: Set<Part>, started: Part): Promise<Part> {
    if (this.#abandoned) started.abandon();
    else if (this.#closing !== undefined) await started.close();
    this.#assertOpen();
    parts.add(started);
    return started;
  }

  #whileOpen<Reader extends { close(): void }>(reader: Reader): Reader {
    if (this.#closing !== undefined) reader.close();
    this.#assertOpen();
    return reader;
  }

  async #shutDown(): Promise<void> {
    this.#retention.stop();
    await Promise.all([...this.#workers].map((worker) => worker.close()));
    await Promise.all([...this.#processors].map((processor) => processor.close()));
    // Views and tails end with it.
    this.#unfollow();
    await this.#parts.store.close();
  }
}
