import { indexerGroup, type Clock, type OutgoingRecord, type Topics } from '@millrace/model';
import { QueueError, type LogQueue, type Running } from '@millrace/queue';
import { INDEXED_TOPICS, type IndexedTopic, type IndexStore } from '@millrace/repository';
import type { Logger, Metrics } from '@millrace/service';
import { refusedRecord, unreadableRecord } from './dead-letters.js';
import { indexedTopic } from './indexed-topics.js';
import { createFigures, type Figures } from './figures.js';
import { Outages } from './outages.js';
import { Progress, type ProgressSink } from './progress.js';
import { TopicWriter } from './topic-writer.js';

export interface IndexingOptions {
  readonly queue: Pick<LogQueue, 'consume' | 'publish'>;
  readonly topics: Topics;
  readonly store: Pick<IndexStore, 'write' | 'refresh' | 'generation'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Records of a bulk. */
  readonly batchSize: number;
  /** How long a small batch waits for those of other partitions. */
  readonly gatherMs: number;
  readonly refreshIntervalMs: number;
  /** Reads everything that is kept, whatever was read before. */
  readonly fromStart: boolean;
  /** Between 0 and 1. */
  readonly random: () => number;
}

/**
 * Writes one generation of the index from the topics, together with all others that do so: each partition is one member's.
 * What is searchable is told to the sink.
 */
export class Indexing {
  readonly #options: IndexingOptions;
  readonly #progress: Progress;
  readonly #outages: Outages;
  readonly #figures: Figures;
  readonly #running: Running[] = [];
  #sink: ProgressSink;
  /** Partitions have come since the last refresh. */
  #hasGained = true;
  #cancelTimer: () => void = () => undefined;
  #telling: Promise<void> = Promise.resolve();
  /** Before the next try, after a refresh that failed. */
  #pause: Promise<void> = Promise.resolve();
  #isOver = false;
  #fail: (error: unknown) => void = () => undefined;
  /** Rejects when it cannot go on. */
  readonly failed: Promise<never>;

  constructor(options: IndexingOptions, sink: ProgressSink) {
    const { clock, log, random, metrics } = options;
    this.#options = options;
    this.#sink = sink;
    this.#progress = new Progress(clock);
    this.#outages = new Outages(clock, log, random);
    this.#figures = createFigures(metrics, clock);
    this.failed = new Promise<never>((_resolve, reject) => (this.#fail = reject));
    this.failed.catch(() => undefined);
  }

  get generation(): number {
    return this.#options.store.generation;
  }

  /** Resolves when it is a member of the group of every topic. @throws QueueError */
  async start(): Promise<void> {
    // Together: a group that is new may wait some seconds for further members.
    const joining = await Promise.allSettled(INDEXED_TOPICS.map((name) => this.#consume(name)));
    const refused = joining.find((joined) => joined.status === 'rejected');
    if (refused !== undefined) {
      await this.close();
      throw refused.reason;
    }
    await this.tell();
    this.#tellLater();
  }

  /** What is this member's, by consumer group. */
  get partitions(): Readonly<Record<string, readonly number[]>> {
    const { generation } = this;
    return Object.fromEntries(
      INDEXED_TOPICS.map((name) => [indexerGroup(generation, name), this.#progress.partitionsOf(name)]),
    );
  }

  /** True while the partition is this member's. */
  owns(topic: IndexedTopic, partition: number): boolean {
    return this.#progress.has(topic, partition);
  }

  /** All before it was written to the index; undefined: the partition is not this member's. */
  offsetOf(topic: IndexedTopic, partition: number): number | undefined {
    return this.#progress.offsetOf(topic, partition);
  }

  /** From now on progress is told there. */
  tellTo(sink: ProgressSink): void {
    this.#sink = sink;
    this.#progress.forgetWhatWasTold();
  }

  /** Makes searchable what was written and tells it, if that works. Never rejects: what fails is tried again. */
  tell(): Promise<void> {
    this.#telling = this.#telling.then(() => this.#tellNow());
    return this.#telling;
  }

  /** Lets go of the partitions. What is being written may still arrive; it is written again by whoever goes on. */
  async close(): Promise<void> {
    if (!this.#isOver) {
      await this.tell();
      this.#isOver = true;
    }
    this.#cancelTimer();
    const closing = this.#running.splice(0).map((running) => running.close());
    this.#outages.close();
    await Promise.all(closing);
    await this.#telling;
  }

  async #consume(name: IndexedTopic): Promise<void> {
    const { queue, topics, store, batchSize, gatherMs, clock, fromStart } = this.#options;
    const circumstances = (reason: string) => ({ topic: name, reason, at: clock.now() });
    const writer = new TopicWriter({
      topic: name,
      store,
      batchSize,
      gatherMs,
      partitions: () => this.#progress.partitionsOf(name).length,
      clock,
      outages: this.#outages,
      figures: this.#figures,
      refuse: (refused) =>
        this.#keep(
          name,
          refused.map(({ record, reason }) => refusedRecord(topics, record, circumstances(reason))),
        ),
    });
    const running = await queue.consume<unknown>({
      topic: indexedTopic(topics, name),
      group: indexerGroup(store.generation, name),
      batchSize,
      fromStart,
      onBatch: async (partition, records, signal) => {
        await writer.write(records, signal);
        const last = records.at(-1);
        if (signal.aborted || last === undefined) return;
        this.#progress.wrote(name, partition, last.writtenAt);
      },
      onUnreadable: (record, reason) => this.#keep(name, [unreadableRecord(topics, record, circumstances(reason))]),
      onPosition: (partition, offset) => this.#progress.reached(name, partition, offset),
      onLost: (partition) => this.#progress.lost(name, partition),
    });
    this.#running.push(running);
    running.failed.catch(this.#fail);
  }

  /** Resolves when the letters are kept: only then their records may be passed. */
  async #keep(topic: IndexedTopic, letters: readonly OutgoingRecord[]): Promise<void> {
    const { queue, log } = this.#options;
    while (!this.#isOver) {
      try {
        await queue.publish(letters);
        for (const { key } of letters) {
          this.#figures.deadLetter(topic);
          log.error({ topic, key }, 'The index refuses a record: it is among the dead letters, and the others go on');
        }
        return this.#outages.worked('dead letters');
      } catch (error) {
        if (!(error instanceof QueueError) || !error.retryable) throw error;
        await this.#outages.failed('dead letters', error);
      }
    }
  }

  #tellLater(): void {
    if (this.#isOver) return;
    const { clock, refreshIntervalMs } = this.#options;
    this.#cancelTimer = clock.after(refreshIntervalMs, () => {
      void this.tell()
        .then(() => this.#pause)
        .then(() => this.#tellLater());
    });
  }

  async #tellNow(): Promise<void> {
    const { store, log } = this.#options;
    if (this.#isOver) return;
    const news = this.#progress.news(this.#sink);
    if (news.length === 0) return;
    this.#hasGained ||= this.#progress.takeGained();
    try {
      await store.refresh(this.#hasGained ? 'all' : 'mine');
      this.#hasGained = false;
      this.#outages.worked('refresh');
    } catch (error) {
      this.#pause = this.#outages.failed('refresh', error);
      return;
    }
    // A partition that went to another meanwhile is the other's to tell of.
    const mine = news.filter(({ topic, partition }) => this.#progress.has(topic, partition));
    try {
      if (mine.length > 0) await this.#sink.publish(mine);
      this.#progress.told(mine);
    } catch (error) {
      log.debug({ error }, 'The progress of the index could not be published; trying again');
    }
  }
}
