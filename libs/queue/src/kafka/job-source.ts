import type { WorkOptions } from '../contract.js';
import type { EncodedRecord } from '../shell/commit.js';
import { createFailure } from '../shell/failure.js';
import { startJobLoop, type JobRow, type JobSource, type Working } from '../shell/job-loop.js';
import type { Write } from '../store/faults.js';
import { waitForBroker } from './broker-time.js';
import type { Following } from './feeds.js';
import { HOPS, ORDER, removedTopic } from './job-topics.js';
import { Membership } from './membership.js';
import type { KafkaParts } from './parts.js';
import { EARLIEST, offsetsAt, type Reading } from './reader.js';
import type { LogRecord } from './records.js';
import { SLOTS_TOPIC, type SlotBoard } from './slot-board.js';

/** Jobs read ahead for each partition; the others wait in the log. */
const AHEAD = 32;
const AHEAD_CHARACTERS = 1024 * 1024;
/** A job that was passed on so often stays where it is. */
const HOPS_MAX = 3;
/** Statuses follow changes at once, but not faster than this; without a change they are repeated. */
const STATUS_LEAST_MS = 50;
const STATUS_MOST_MS = 1_000;

/** The jobs of one partition that were read and not yet taken. */
interface Lane {
  reading: Reading | undefined;
  waiting: LogRecord[];
  characters: number;
  paused: boolean;
  /** Where the group goes on when the partition gets another owner. */
  next: number;
}

export interface KafkaWorking extends Working {
  readonly isIdle: boolean;
}

/** A worker of a group: a consumer group on the jobs' topic decides whose partitions are whose. */
export async function startWorking(parts: KafkaParts, board: SlotBoard, options: WorkOptions): Promise<KafkaWorking> {
  const { topic } = options;
  await parts.topics.ensure([topic, removedTopic(topic), SLOTS_TOPIC]);
  await board.open();
  const source = new KafkaJobSource(parts, board, options);
  await source.open();
  const loop = startJobLoop(source, parts.clock, options);
  const failed = Promise.race([loop.failed, source.failed]);
  failed.catch(() => undefined);
  let drained: Promise<void> | undefined;
  return {
    failed,
    pause: () => loop.pause(),
    resume: () => loop.resume(),
    get freeSlots() {
      return loop.freeSlots;
    },
    get isIdle() {
      return source.isIdle;
    },
    async close() {
      await loop.close();
      await source.close();
    },
    drain() {
      // Its partitions go to others before the running jobs have ended.
      drained ??= (async () => {
        const ended = loop.drain();
        await source.close();
        await ended;
      })();
      return drained;
    },
    abandon() {
      loop.abandon();
      source.abandon();
    },
  };
}

class KafkaJobSource implements JobSource {
  readonly #parts: KafkaParts;
  readonly #board: SlotBoard;
  readonly #options: WorkOptions;
  readonly #name: string;
  readonly #lanes = new Map<number, Lane>();
  readonly #listeners = new Set<() => void>();
  /** Jobs that were removed, and when. */
  readonly #removed = new Map<string, number>();
  readonly #failure = createFailure();
  #membership: Membership | undefined;
  #marks: Following | undefined;
  #stopBoard: () => void = () => undefined;
  #free = 0;
  #taking = 0;
  #opening = 0;
  #passing = false;
  /** Offsets that are not stored yet, and the storing that is under way. */
  #dirty = new Set<number>();
  #storing: Promise<void> | undefined;
  #statusTimer: ReturnType<typeof setTimeout> | undefined;
  #statusAt = 0;
  #closed = false;

  constructor(parts: KafkaParts, board: SlotBoard, options: WorkOptions) {
    this.#parts = parts;
    this.#board = board;
    this.#options = options;
    this.#name = parts.topics.nameOf(options.topic);
  }

  get failed(): Promise<never> {
    return this.#failure.failed;
  }

  get isIdle(): boolean {
    const jobsWait = this.#free > 0 && [...this.#lanes.values()].some(({ waiting }) => waiting.length > 0);
    const isBusy = this.#taking > 0 || this.#opening > 0 || this.#passing || this.#storing !== undefined;
    return !jobsWait && !isBusy && this.#dirty.size === 0;
  }

  async open(): Promise<void> {
    const { topic, instance } = this.#options;
    const { connections, group, log, feeds, faults } = this.#parts;
    // The marks first: a job that was removed must not be taken because its mark was read later.
    this.#marks = await feeds.follow(
      removedTopic(topic),
      ({ key, timestamp }) => void this.#removed.set(key, Math.max(timestamp, this.#removed.get(key) ?? 0)),
      true,
    );
    this.#stopBoard = this.#board.onChange(() => this.#passOn());
    const lease = { kind: 'lease', instance, processor: topic.name, topics: [] } as const;
    this.#membership = await Membership.join({
      connections,
      group: this.#name,
      topic: this.#name,
      partitions: topic.partitions,
      times: group,
      log,
      beforeBeat: () => faults?.before?.(lease),
      onAssigned: (partitions) => this.#assign(partitions),
      onFailure: (failure) => this.#failure.fail(failure),
    });
    this.#tellStatus();
  }

  onJobs(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  capacity(slots: number): void {
    this.#free = slots;
    this.#tellStatus();
    this.#passOn();
  }

  publish(records: readonly EncodedRecord[]): Promise<void> {
    return this.#write('publish', records);
  }

  async take(
    limit: number,
    claim: (job: JobRow) => readonly EncodedRecord[],
    accept: (job: JobRow) => boolean,
  ): Promise<readonly JobRow[]> {
    this.#taking++;
    try {
      await this.#strike('before', 'take-jobs');
      const seen = new Map<LogRecord, JobRow>();
      const rowOf = (record: LogRecord): JobRow => {
        const row = seen.get(record) ?? { key: record.key, text: record.text ?? '' };
        seen.set(record, row);
        return row;
      };
      const refused = new Set<LogRecord>();
      const taken = this.#next(limit, (record) => {
        // Asked once for each: what is accepted counts as taken.
        if (seen.has(record)) return !refused.has(record);
        const isAccepted = accept(rowOf(record));
        if (!isAccepted) refused.add(record);
        return isAccepted;
      });
      if (taken.length === 0) return [];
      const rows = taken.map(rowOf);
      const claims = rows.flatMap(claim);
      await this.#write('publish', claims);
      this.#storeOffsets();
      await this.#strike('after', 'take-jobs');
      await this.#repeat(taken);
      return rows;
    } finally {
      this.#taking--;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#statusTimer);
    this.#stopBoard();
    this.#marks?.close();
    for (const lane of this.#lanes.values()) lane.reading?.close();
    await this.#storing;
    this.#storeOffsets();
    await this.#storing;
    await this.#membership?.close();
  }

  abandon(): void {
    this.#closed = true;
    clearTimeout(this.#statusTimer);
    this.#stopBoard();
    for (const lane of this.#lanes.values()) lane.reading?.close();
    void this.#membership?.close();
  }

  // ── partitions ──────────────────────────────────────────────────────────────────────────────────────────────────

  #assign(partitions: readonly number[]): void {
    if (this.#closed) return;
    for (const [partition, lane] of this.#lanes) {
      if (partitions.includes(partition)) continue;
      lane.reading?.close();
      this.#lanes.delete(partition);
      this.#dirty.delete(partition);
    }
    const added = partitions.filter((partition) => !this.#lanes.has(partition));
    for (const partition of added) {
      this.#lanes.set(partition, { reading: undefined, waiting: [], characters: 0, paused: false, next: 0 });
    }
    if (added.length > 0) {
      this.#opening++;
      void this.#openLanes(added).finally(() => this.#opening--);
    }
    this.#tellStatus();
  }

  /** Reads on where the group stopped. */
  async #openLanes(partitions: readonly number[]): Promise<void> {
    const { wire, reader } = this.#parts;
    for (let failures = 0; !this.#closed; failures++) {
      try {
        // The first distribution comes before `join` has answered.
        await Promise.resolve();
        const committed = await this.#membership?.committed(partitions);
        if (committed === undefined) {
          await waitForBroker(0);
          continue;
        }
        const starts = await offsetsAt(wire, this.#name, partitions, EARLIEST);
        for (const partition of partitions) {
          const lane = this.#lanes.get(partition);
          if (lane === undefined || lane.reading !== undefined) continue;
          lane.next = Math.max(committed.get(partition) ?? -1, starts.get(partition) ?? 0);
          lane.reading = reader.open({
            topic: this.#name,
            partition,
            offset: lane.next,
            onRecords: (records) => this.#offer(lane, records),
            onGap: (earliest) => {
              lane.next = earliest;
            },
          });
        }
        return;
      } catch (thrown) {
        this.#parts.log.debug({ reason: String(thrown) }, 'The jobs of a partition cannot be read yet; trying again');
        await waitForBroker(failures);
        await wire.recover(thrown);
      }
    }
  }

  #offer(lane: Lane, records: readonly LogRecord[]): void {
    if (records.length === 0) return;
    lane.waiting.push(...records);
    for (const { text } of records) lane.characters += text?.length ?? 0;
    if (!lane.paused && (lane.waiting.length > AHEAD || lane.characters > AHEAD_CHARACTERS)) {
      lane.paused = true;
      lane.reading?.pause();
    }
    for (const listener of this.#listeners) listener();
    if (this.#free === 0) this.#tellStatus();
    this.#passOn();
  }

  // ── taking ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The oldest jobs of all partitions that are not removed. */
  #next(limit: number, isWanted: (record: LogRecord) => boolean = () => true): LogRecord[] {
    const taken: LogRecord[] = [];
    while (taken.length < limit) {
      let oldest: { readonly partition: number; readonly lane: Lane; readonly record: LogRecord } | undefined;
      for (const [partition, lane] of this.#lanes) {
        this.#dropRemoved(partition, lane);
        const record = lane.waiting[0];
        if (record === undefined || !isWanted(record)) continue;
        if (oldest === undefined || isOlder(record, oldest.record)) oldest = { partition, lane, record };
      }
      if (oldest === undefined) break;
      this.#advance(oldest.partition, oldest.lane);
      taken.push(oldest.record);
    }
    return taken;
  }

  #dropRemoved(partition: number, lane: Lane): void {
    for (;;) {
      const record = lane.waiting[0];
      if (record === undefined) return;
      const isRemoved = record.text === null || (this.#removed.get(record.key) ?? -1) >= record.timestamp;
      if (!isRemoved) return;
      this.#advance(partition, lane);
      this.#storeOffsets();
    }
  }

  #advance(partition: number, lane: Lane): void {
    const record = lane.waiting.shift();
    if (record === undefined) return;
    lane.characters -= record.text?.length ?? 0;
    lane.next = record.offset + 1;
    this.#dirty.add(partition);
    if (lane.paused && lane.waiting.length <= AHEAD / 2 && lane.characters <= AHEAD_CHARACTERS / 2) {
      lane.paused = false;
      lane.reading?.resume();
    }
  }

  /**
   * Stores how far jobs were taken, one request at a time. It follows the claims: a worker that dies in between has its
   * jobs handed over once more, and the newest claim counts.
   */
  #storeOffsets(): void {
    if (this.#storing !== undefined || this.#dirty.size === 0) return;
    this.#storing = (async () => {
      for (let failures = 0; this.#dirty.size > 0;) {
        const partitions = [...this.#dirty];
        this.#dirty.clear();
        const offsets = new Map<number, number>();
        for (const partition of partitions) {
          const lane = this.#lanes.get(partition);
          if (lane !== undefined) offsets.set(partition, lane.next);
        }
        try {
          await this.#membership?.commit(offsets);
          failures = 0;
        } catch (thrown) {
          if (this.#closed || failures > 8) return;
          this.#parts.log.debug({ reason: String(thrown) }, 'The place in the jobs could not be stored; trying again');
          for (const partition of partitions) this.#dirty.add(partition);
          await waitForBroker(failures++);
        }
      }
    })().finally(() => (this.#storing = undefined));
  }

  // ── slots ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Without a free slot here, jobs that wait go to workers that have some. */
  #passOn(): void {
    if (this.#closed || this.#passing || this.#free > 0 || this.#taking > 0) return;
    const { slots } = this.#board;
    const moved: { readonly record: LogRecord; readonly partition: number }[] = [];
    for (;;) {
      const isMovable = (record: LogRecord): boolean => hopsOf(record) < HOPS_MAX;
      if (![...this.#lanes.values()].some(({ waiting }) => waiting[0] !== undefined && isMovable(waiting[0]))) break;
      const partition = slots.placeElsewhere(this.#name, this.#options.instance, Date.now());
      if (partition === undefined) break;
      const [record] = this.#next(1, isMovable);
      if (record === undefined) break;
      moved.push({ record, partition });
    }
    if (moved.length === 0) return;
    this.#passing = true;
    void this.#move(moved).finally(() => {
      this.#passing = false;
      this.#storeOffsets();
    });
  }

  /** The offset is stored after the job is written elsewhere: at worst it is handed over twice. */
  async #move(moved: readonly { readonly record: LogRecord; readonly partition: number }[]): Promise<void> {
    const records = moved.map(({ record, partition }) => ({
      ...jobRecord(this.#options.topic, record, partition),
      headers: {
        [HOPS]: String(hopsOf(record) + 1),
        ...(record.header(ORDER) === undefined ? {} : { [ORDER]: record.header(ORDER) ?? '' }),
      },
      timestamp: record.timestamp,
    }));
    for (let failures = 0; !this.#closed;) {
      try {
        await this.#parts.publisher.publish(records);
        return;
      } catch (thrown) {
        this.#parts.log.debug({ reason: String(thrown) }, 'Jobs could not be passed on; trying again');
        await waitForBroker(failures++);
      }
    }
  }

  #tellStatus(): void {
    if (this.#closed || this.#membership === undefined) return;
    const wait = Math.max(0, this.#statusAt + STATUS_LEAST_MS - Date.now());
    clearTimeout(this.#statusTimer);
    this.#statusTimer = setTimeout(() => void this.#sendStatus(), wait);
    this.#statusTimer.unref();
  }

  async #sendStatus(): Promise<void> {
    this.#statusAt = Date.now();
    let waiting = 0;
    for (const lane of this.#lanes.values()) waiting += lane.waiting.length;
    const value = {
      group: this.#name,
      instance: this.#options.instance,
      partitions: [...this.#lanes.keys()],
      free: this.#free - waiting,
    };
    const record = { topic: SLOTS_TOPIC, partition: 0, key: `${this.#name}/${value.instance}`, id: '', value };
    try {
      await this.#parts.publisher.publish([{ ...record, text: JSON.stringify(value), broadcast: false }]);
    } catch (thrown) {
      this.#parts.log.debug({ reason: String(thrown) }, 'The free slots could not be told; the next status follows');
    }
    if (this.#closed) return;
    this.#statusTimer = setTimeout(() => void this.#sendStatus(), STATUS_MOST_MS);
    this.#statusTimer.unref();
  }

  // ── faults of the contract suite ────────────────────────────────────────────────────────────────────────────────

  async #write(kind: 'publish', records: readonly EncodedRecord[]): Promise<void> {
    const topics = [...new Set(records.map(({ topic }) => topic.name))];
    await this.#strike('before', kind, topics);
    await this.#parts.publisher.publish(await this.#parts.outgoing(records));
    await this.#strike('after', kind, topics);
  }

  async #strike(
    point: 'before' | 'after',
    kind: Write['kind'],
    topics: readonly string[] = [this.#options.topic.name],
  ) {
    await this.#parts.faults?.[point]?.({ kind, instance: this.#parts.instance, topics });
  }

  async #repeat(taken: readonly LogRecord[]): Promise<void> {
    const again = taken.filter(({ key }) => this.#parts.faults?.repeatJob?.(key) === true);
    if (again.length > 0)
      await this.#parts.publisher.publish(again.map((record) => jobRecord(this.#options.topic, record, 0)));
  }
}

const hopsOf = (record: LogRecord): number => Number(record.header(HOPS) ?? 0);

const isOlder = (one: LogRecord, other: LogRecord): boolean =>
  one.timestamp < other.timestamp ||
  (one.timestamp === other.timestamp && Number(one.header(ORDER) ?? 0) < Number(other.header(ORDER) ?? 0));

const jobRecord = (topic: WorkOptions['topic'], { key, text }: LogRecord, partition: number): EncodedRecord => ({
  topic,
  partition,
  key,
  id: '',
  value: undefined,
  text,
  broadcast: false,
});
