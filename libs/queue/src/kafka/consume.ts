import { QueueError, type ConsumeOptions, type Running } from '../contract.js';
import { createFailure, isClosed } from '../shell/failure.js';
import { waitForBroker } from './broker-time.js';
import { ConsumedPartition } from './consumed-partition.js';
import { Membership } from './membership.js';
import type { KafkaParts } from './parts.js';
import { EARLIEST, offsetAt } from './range.js';

/** How often the group is told where reading goes on. */
const STORE_MS = 1_000;
/** Characters that wait in memory for all partitions of one topic together, and the least for each. */
const READ_AHEAD_CHARACTERS = 16 * 1024 * 1024;
const PARTITION_CHARACTERS_LEAST = 128 * 1024;
const LOUD_FAILURES = 5;

export interface KafkaConsuming extends Running {
  /** Everything that was read has been handled. */
  readonly isIdle: boolean;
  /** The process is gone: nothing is stored, the group is not left. */
  abandon(): void;
}

interface Owned<Value> {
  /** undefined while it is looked up where reading begins. */
  consumed: ConsumedPartition<Value> | undefined;
  isLost: boolean;
  /** Resolves when its handler has nothing in hand any more. */
  ended: Promise<void>;
}

/** Reads a topic as a member of a group (`LogQueue.consume`). */
export async function startConsuming<Value>(
  parts: KafkaParts,
  options: ConsumeOptions<Value>,
): Promise<KafkaConsuming> {
  await parts.topics.ensure([options.topic]);
  const consumption = new Consumption(parts, options);
  try {
    await consumption.start();
  } catch (thrown) {
    await consumption.close();
    throw thrown;
  }
  return consumption;
}

class Consumption<Value> implements KafkaConsuming {
  readonly #parts: KafkaParts;
  readonly #options: ConsumeOptions<Value>;
  readonly #topic: string;
  readonly #owned = new Map<number, Owned<Value>>();
  readonly #failure = createFailure();
  /** What the group has stored, as far as this member knows. */
  readonly #stored = new Map<number, number>();
  /** Read from their start once; then this member goes on where it was. */
  readonly #begun = new Set<number>();
  #membership: Membership | undefined;
  #assigned: readonly number[] = [];
  #storing: Promise<void> = Promise.resolve();
  #storeTimer: ReturnType<typeof setInterval> | undefined;
  #failures = 0;
  #closing: Promise<void> | undefined;
  #abandoned = false;

  constructor(parts: KafkaParts, options: ConsumeOptions<Value>) {
    this.#parts = parts;
    this.#options = options;
    this.#topic = parts.topics.nameOf(options.topic);
  }

  get failed(): Promise<never> {
    return this.#failure.failed;
  }

  get isIdle(): boolean {
    return [...this.#owned.values()].every(({ consumed }) => consumed?.isIdle === true);
  }

  async start(): Promise<void> {
    const { connections, topics, group, log } = this.#parts;
    this.#membership = await Membership.join({
      connections,
      group: topics.nameOf({ name: this.#options.group }),
      topic: this.#topic,
      partitions: this.#options.topic.partitions,
      times: group,
      log,
      // Whoever gets a partition begins where this member has stored.
      onRebalance: () => this.#store(),
      onAssigned: (partitions) => {
        this.#assigned = partitions;
        this.#distribute();
      },
      onFailure: (failure) => this.#fail(failure),
    });
    this.#distribute();
    this.#storeTimer = setInterval(() => void this.#store(), STORE_MS);
    this.#storeTimer.unref();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#shutDown());
  }

  abandon(): void {
    this.#abandoned = true;
    clearInterval(this.#storeTimer);
    for (const [partition, owned] of this.#owned) this.#drop(partition, owned);
    void this.#membership?.close();
  }

  get #isOver(): boolean {
    return this.#abandoned || this.#closing !== undefined;
  }

  #fail(thrown: unknown): void {
    if (!this.#isOver && !isClosed(thrown)) this.#failure.fail(thrown);
  }

  /** The first distribution comes before `join` has answered, and waits for it. */
  #distribute(): void {
    if (this.#membership === undefined || this.#isOver) return;
    const assigned = new Set(this.#assigned);
    for (const [partition, owned] of this.#owned) if (!assigned.has(partition)) this.#drop(partition, owned);
    for (const partition of assigned) if (!this.#owned.has(partition)) this.#own(partition, this.#membership);
  }

  #own(partition: number, membership: Membership): void {
    const owned: Owned<Value> = { consumed: undefined, isLost: false, ended: Promise.resolve() };
    this.#owned.set(partition, owned);
    owned.ended = this.#run(partition, owned, membership).catch((thrown: unknown) => this.#fail(thrown));
  }

  #drop(partition: number, owned: Owned<Value>): void {
    owned.isLost = true;
    this.#owned.delete(partition);
    this.#stored.delete(partition);
    owned.consumed?.stop();
    this.#options.onLost?.(partition);
  }

  async #run(partition: number, owned: Owned<Value>, membership: Membership): Promise<void> {
    const from = await this.#begin(partition, owned, membership);
    if (from === undefined || owned.isLost) return;
    const { topic, batchSize, onUnreadable, onPosition } = this.#options;
    const consumed = new ConsumedPartition<Value>({
      topic,
      batchSize,
      partition,
      from,
      charactersMax: () => Math.max(PARTITION_CHARACTERS_LEAST, READ_AHEAD_CHARACTERS / this.#owned.size),
      onBatch: (at, records, signal) => this.#options.onBatch(at, records, signal),
      ...(onUnreadable && { onUnreadable }),
      ...(onPosition && { onPosition }),
    });
    owned.consumed = consumed;
    await consumed.run(() =>
      this.#parts.reader.open({
        topic: this.#topic,
        partition,
        offset: from,
        onRecords: (records, next) => consumed.offer(records, next),
        onGap: (earliest) => {
          this.#warnOfGap(partition, consumed.handled, earliest);
          consumed.restart(earliest);
        },
      }),
    );
  }

  /** Where reading begins; tried until it is known, or nobody asks any more. */
  async #begin(partition: number, owned: Owned<Value>, membership: Membership): Promise<number | undefined> {
    const { wire, brokers, log } = this.#parts;
    for (let failures = 0; !owned.isLost && !this.#isOver; failures++) {
      try {
        const stored = (await membership.committed([partition])).get(partition) ?? -1;
        const isFirst = this.#options.fromStart === true && !this.#begun.has(partition);
        const earliest = await offsetAt(wire, this.#topic, partition, EARLIEST);
        this.#begun.add(partition);
        if (isFirst || stored < 0) return earliest;
        this.#stored.set(partition, stored);
        if (stored < earliest) this.#warnOfGap(partition, stored, earliest);
        return Math.max(stored, earliest);
      } catch (thrown) {
        if (thrown instanceof QueueError && !thrown.retryable) throw thrown;
        if (failures === LOUD_FAILURES) {
          const reason = thrown instanceof Error ? thrown.message : String(thrown);
          const { group } = this.#options;
          log.warn({ group, partition, brokers, reason }, 'Where to go on cannot be looked up; trying again');
        }
        await waitForBroker(failures);
        await wire.recover(thrown);
      }
    }
    return undefined;
  }

  #warnOfGap(partition: number, before: number, earliest: number): void {
    const { group, topic } = this.#options;
    this.#parts.log.warn(
      { group, topic: topic.name, partition, before, earliest },
      earliest > before
        ? 'This group was behind for longer than the topic is kept: records were missed'
        : 'The topic was made anew, or lost its end: it is read again from its beginning',
    );
  }

  /** Stores where each partition goes on; one request at a time. Never rejects: what is not stored comes once more. */
  #store(): Promise<void> {
    this.#storing = this.#storing.then(async () => {
      const moved = new Map<number, number>();
      for (const [partition, { consumed }] of this.#owned) {
        // While this member closes the group may have given the partition to another, who is further.
        const isMine = this.#assigned.includes(partition);
        if (isMine && consumed !== undefined && consumed.handled !== this.#stored.get(partition))
          moved.set(partition, consumed.handled);
      }
      if (moved.size === 0 || this.#abandoned) return;
      try {
        if (await this.#membership?.commit(moved))
          for (const [partition, offset] of moved) if (this.#owned.has(partition)) this.#stored.set(partition, offset);
        this.#failures = 0;
      } catch (thrown) {
        if (++this.#failures === LOUD_FAILURES) {
          const reason = thrown instanceof Error ? thrown.message : String(thrown);
          this.#parts.log.warn({ group: this.#options.group, reason }, 'Offsets cannot be stored; trying again');
        }
      }
    });
    return this.#storing;
  }

  async #shutDown(): Promise<void> {
    clearInterval(this.#storeTimer);
    for (const { consumed } of this.#owned.values()) consumed?.stop();
    await Promise.all([...this.#owned.values()].map(({ ended }) => ended));
    await this.#store();
    for (const [partition, owned] of this.#owned) this.#drop(partition, owned);
    await this.#membership?.close();
  }
}
