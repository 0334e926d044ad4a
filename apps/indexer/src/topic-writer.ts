import type { Clock } from '@millrace/model';
import type { LoggedRecord } from '@millrace/queue';
import { RepositoryError, type IndexedTopic, type IndexStore, type Settlement } from '@millrace/repository';
import type { Figures } from './figures.js';
import type { Outages } from './outages.js';

/** Bulks of one topic under way. */
const IN_FLIGHT = 2;

export interface TopicWriterOptions {
  readonly topic: IndexedTopic;
  readonly store: Pick<IndexStore, 'write'>;
  /** Records of a bulk, unless one batch has more. */
  readonly batchSize: number;
  /** How long a batch that is not full waits for those of other partitions. */
  readonly gatherMs: number;
  /** How many partitions there are whose batches could come. */
  readonly partitions: () => number;
  readonly clock: Clock;
  readonly outages: Outages;
  readonly figures: Figures;
  /** Keeps records that the index refuses; resolves when they are kept. */
  refuse(records: readonly { readonly record: LoggedRecord<unknown>; readonly reason: string }[]): Promise<void>;
}

/** A batch of one partition. */
interface Batch {
  readonly records: readonly LoggedRecord<unknown>[];
  readonly signal: AbortSignal;
  /** Records that are not settled. */
  left: number;
  resolve(): void;
  reject(error: unknown): void;
}

interface Item {
  readonly record: LoggedRecord<unknown>;
  readonly batch: Batch;
}

/**
 * Writes the records of one topic. Small batches of different partitions share a bulk; a batch is done when every one of
 * its records is written, known to be older than what is there, or kept among the dead letters. Until then it is tried
 * again, however long that takes; only what is not settled is written again.
 */
export class TopicWriter {
  readonly #options: TopicWriterOptions;
  #waiting: Batch[] = [];
  #waitingRecords = 0;
  readonly #writing = new Set<Batch>();
  #inFlight = 0;
  /** Those who wait have waited for long enough. */
  #isDue = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: TopicWriterOptions) {
    this.#options = options;
    options.figures.watch(options.topic, () => this.#oldest());
  }

  /** Resolves when all are settled, or the signal was aborted. Rejects only when records cannot be kept for good. */
  write(records: readonly LoggedRecord<unknown>[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      // Whoever lets go of the partition does not wait for an answer of the index.
      const end = (): void => {
        signal.removeEventListener('abort', end);
        resolve();
      };
      signal.addEventListener('abort', end);
      this.#waiting.push({ records, signal, left: records.length, resolve: end, reject });
      this.#waitingRecords += records.length;
      this.#pump();
    });
  }

  #pump(): void {
    const { batchSize, gatherMs, clock } = this.#options;
    while (this.#waiting.length > 0 && this.#inFlight < IN_FLIGHT) {
      if (this.#waitingRecords < batchSize && !this.#isDue && gatherMs > 0 && this.#mayMoreCome()) {
        this.#cancelTimer ??= clock.after(gatherMs, () => {
          this.#cancelTimer = undefined;
          this.#isDue = true;
          this.#pump();
        });
        return;
      }
      this.#start(this.#take());
    }
  }

  /** A partition has one batch at a time: when all have, waiting gathers nothing. */
  #mayMoreCome(): boolean {
    return this.#waiting.length + this.#writing.size < this.#options.partitions();
  }

  #take(): readonly Batch[] {
    const taken: Batch[] = [];
    for (let records = 0; this.#waiting[0] !== undefined;) {
      const { length } = this.#waiting[0].records;
      if (taken.length > 0 && records + length > this.#options.batchSize) break;
      records += length;
      taken.push(...this.#waiting.splice(0, 1));
      this.#waitingRecords -= length;
    }
    if (this.#waiting.length === 0) {
      this.#isDue = false;
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
    }
    return taken;
  }

  #start(batches: readonly Batch[]): void {
    this.#inFlight++;
    for (const batch of batches) this.#writing.add(batch);
    this.#settle(batches)
      .then(
        () => batches.forEach(({ resolve }) => resolve()),
        (error: unknown) => batches.forEach(({ reject }) => reject(error)),
      )
      .finally(() => {
        for (const batch of batches) this.#writing.delete(batch);
        this.#inFlight--;
        this.#pump();
      });
  }

  async #settle(batches: readonly Batch[]): Promise<void> {
    const { topic, outages, figures } = this.#options;
    let items = batches.flatMap((batch) => batch.records.map((record): Item => ({ record, batch })));
    for (;;) {
      items = items.filter(({ batch }) => !batch.signal.aborted);
      if (items.length === 0) return;
      const settlements = await this.#write(items);
      if (settlements === undefined) continue;
      const again = await this.#sort(items, settlements);
      if (again.length === 0) outages.worked(topic);
      else {
        figures.settled(topic, 'retry', again.length);
        await outages.failed(topic, new Error(again[0]?.reason));
      }
      items = again.map(({ item }) => item);
    }
  }

  /** undefined: nothing can be said of them, and the next try is due. */
  async #write(items: readonly Item[]): Promise<readonly Settlement[] | undefined> {
    const { topic, store, clock, outages, figures } = this.#options;
    const startedAt = clock.now();
    try {
      const records = items.map(({ record }) => record);
      const settlements = await store.write(topic, records);
      figures.acknowledged(topic, startedAt, Math.min(...records.map(({ writtenAt }) => writtenAt)));
      return settlements;
    } catch (error) {
      if (error instanceof RepositoryError) {
        await outages.failed(topic, error);
        return undefined;
      }
      // No outage: one of the records is what the store cannot make anything of. The others must not wait for it.
      return this.#writeApart(items, error);
    }
  }

  async #writeApart(items: readonly Item[], error: unknown): Promise<readonly Settlement[]> {
    if (items.length === 1) {
      return [{ kind: 'rejected', reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }];
    }
    const half = Math.ceil(items.length / 2);
    const settlements: Settlement[] = [];
    for (const part of [items.slice(0, half), items.slice(half)]) {
      const again: Settlement = { kind: 'retry', reason: 'The index became unreachable while a batch was taken apart' };
      settlements.push(...((await this.#write(part)) ?? part.map(() => again)));
    }
    return settlements;
  }

  /** Counts, keeps what is refused, lets go of batches that are done; answers what is to be written again. */
  async #sort(
    items: readonly Item[],
    settlements: readonly Settlement[],
  ): Promise<readonly { readonly item: Item; readonly reason: string }[]> {
    const { topic, figures, refuse } = this.#options;
    const counts = new Map<Settlement['kind'], number>();
    const refused: { record: LoggedRecord<unknown>; reason: string }[] = [];
    const again: { item: Item; reason: string }[] = [];
    const settled: Batch[] = [];
    items.forEach((item, at) => {
      const settlement = settlements[at] ?? { kind: 'retry', reason: 'The index did not say what became of it' };
      if (settlement.kind === 'retry') {
        again.push({ item, reason: settlement.reason });
        return;
      }
      counts.set(settlement.kind, (counts.get(settlement.kind) ?? 0) + 1);
      if (settlement.kind === 'rejected') refused.push({ record: item.record, reason: settlement.reason });
      settled.push(item.batch);
    });
    if (refused.length > 0) await refuse(refused);
    for (const batch of settled) if (--batch.left === 0) batch.resolve();
    for (const [kind, count] of counts) figures.settled(topic, kind, count);
    return again;
  }

  #oldest(): number | undefined {
    let oldest: number | undefined;
    for (const { records, left } of [...this.#writing, ...this.#waiting]) {
      const { writtenAt } = records[0] ?? {};
      if (left > 0 && writtenAt !== undefined) oldest = Math.min(oldest ?? writtenAt, writtenAt);
    }
    return oldest;
  }
}
