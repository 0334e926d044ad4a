import { QueueError, type WorkOptions } from '../contract.js';
import type { EncodedRecord } from '../shell/commit.js';
import { createFailure } from '../shell/failure.js';
import type { JobRow, JobSource } from '../shell/job-loop.js';
import type { Write } from '../store/faults.js';
import { delay, waitForBroker } from './broker-time.js';
import type { Following } from './feeds.js';
import { JobLanes, type AssignedLane, type LaneJob } from './job-lanes.js';
import { HOPS, ORDER, removedTopic } from './job-topics.js';
import { Membership } from './membership.js';
import type { KafkaParts } from './parts.js';
import { EARLIEST, offsetsAt } from './range.js';
import type { KafkaRecord, LogRecord } from './records.js';
import { SLOTS_TOPIC, type SlotBoard } from './slot-board.js';
import { Trimming } from './trim.js';

/** A job that was passed on so often stays where it is. */
const HOPS_MAX = 3;
/** Statuses follow changes at once, but not faster than this; without a change they are repeated. */
const STATUS_LEAST_MS = 50;
const STATUS_MOST_MS = 1_000;
/** Tries to store a place; the next job that is taken tries again. */
const STORE_TRIES = 8;
/** Jobs that were handed out are kept so long, for people who look. */
const HANDED_OUT_KEPT_MS = 3_600_000;
/** A distribution of the group does not wait longer for a claim that is on its way. */
const SETTLE_MS = 1_000;

/** Jobs of one topic, from the partitions that the group gives to this worker. */
export class KafkaJobSource implements JobSource {
  readonly #parts: KafkaParts;
  readonly #board: SlotBoard;
  readonly #options: WorkOptions;
  readonly #name: string;
  readonly #lanes: JobLanes;
  readonly #listeners = new Set<() => void>();
  /** Jobs that were removed, and when. */
  readonly #removed = new Map<string, number>();
  readonly #failure = createFailure();
  /** Where the group goes on, by partition, as far as it was stored here. */
  readonly #stored = new Map<number, number>();
  #trimming: Trimming | undefined;
  #membership: Membership | undefined;
  #marks: Following | undefined;
  #stopBoard: () => void = () => undefined;
  #free = 0;
  #taking = 0;
  #opening = 0;
  #passing = false;
  /** The group is being distributed anew: nothing is taken until that is done. */
  #rebalancing = false;
  #storing: Promise<void> | undefined;
  #statusTimer: ReturnType<typeof setTimeout> | undefined;
  #statusAt = 0;
  #closed = false;

  constructor(parts: KafkaParts, board: SlotBoard, options: WorkOptions) {
    this.#parts = parts;
    this.#board = board;
    this.#options = options;
    this.#name = parts.topics.nameOf(options.topic);
    this.#lanes = new JobLanes(({ key, timestamp }) => (this.#removed.get(key) ?? -1) >= timestamp);
  }

  get failed(): Promise<never> {
    return this.#failure.failed;
  }

  get isIdle(): boolean {
    const isBusy =
      this.#trimming?.isBusy === true ||
      this.#taking > 0 ||
      this.#opening > 0 ||
      this.#passing ||
      this.#storing !== undefined;
    return !isBusy && !this.#lanes.hasMoved && (this.#free === 0 || this.#lanes.waiting === 0);
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
      onRebalance: () => this.#settleDown(),
      onAssigned: (partitions) => this.#assign(partitions),
      onFailure: (failure) => this.#failure.fail(failure),
    });
    this.#trimming = new Trimming(this.#parts, { name: topic.name, retentionMs: HANDED_OUT_KEPT_MS }, () =>
      this.#done(),
    );
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
    return this.#write(records);
  }

  async take(
    limit: number,
    claim: (job: JobRow) => readonly EncodedRecord[],
    accept: (job: JobRow) => boolean,
  ): Promise<readonly JobRow[]> {
    if (this.#rebalancing) return [];
    this.#taking++;
    try {
      await this.#strike('before', 'take-jobs');
      const { jobs, rows } = this.#choose(limit, accept);
      if (jobs.length === 0) return [];
      await this.#claim(rows.flatMap(claim));
      this.#lanes.settle(jobs);
      this.#storePlaces();
      await this.#strike('after', 'take-jobs');
      await this.#repeat(jobs);
      return rows;
    } finally {
      this.#taking--;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#statusTimer);
    this.#trimming?.stop();
    this.#stopBoard();
    this.#marks?.close();
    this.#lanes.close();
    await this.#storing;
    this.#storePlaces();
    await this.#storing;
    await this.#membership?.close();
  }

  abandon(): void {
    this.#closed = true;
    clearTimeout(this.#statusTimer);
    this.#trimming?.stop();
    this.#stopBoard();
    this.#lanes.close();
    void this.#membership?.close();
  }

  // ── partitions ──────────────────────────────────────────────────────────────────────────────────────────────────

  #assign(partitions: readonly number[]): void {
    if (this.#closed) return;
    this.#rebalancing = false;
    const added = this.#lanes.assign(partitions);
    if (added.length > 0) {
      this.#opening++;
      void this.#openLanes(added).finally(() => this.#opening--);
    }
    // What could not be stored while the group was distributed anew.
    this.#storePlaces();
    this.#tellStatus();
    for (const listener of this.#listeners) listener();
  }

  /** What was taken is stored before its partition may go to another, so that it is not handed over once more. */
  async #settleDown(): Promise<void> {
    this.#rebalancing = true;
    for (let waited = 0; waited < SETTLE_MS && (this.#taking > 0 || this.#passing); waited++) await delay(1);
    await this.#storing;
    this.#storePlaces();
    await this.#storing;
  }

  /** Reads on where the group stopped. */
  async #openLanes(lanes: readonly AssignedLane[]): Promise<void> {
    const { wire, reader, log } = this.#parts;
    const partitions = lanes.map(({ partition }) => partition);
    for (let failures = 0; !this.#closed; failures++) {
      try {
        const committed = await this.#membership?.committed(partitions);
        if (committed === undefined) {
          // The first distribution comes before `join` has answered.
          await waitForBroker(0);
          continue;
        }
        const starts = await offsetsAt(wire, this.#name, partitions, EARLIEST);
        for (const lane of lanes) {
          const { partition } = lane;
          const offset = Math.max(committed.get(partition) ?? -1, starts.get(partition) ?? 0);
          const read: Parameters<JobLanes['open']>[2] = (onRecords, onGap) =>
            reader.open({ topic: this.#name, partition, offset, onRecords, onGap });
          this.#lanes.open(lane, offset, read, () => this.#onJobs());
        }
        return;
      } catch (thrown) {
        log.debug({ reason: String(thrown) }, 'The jobs of a partition cannot be read yet; trying again');
        await waitForBroker(failures);
        await wire.recover(thrown);
      }
    }
  }

  #onJobs(): void {
    for (const listener of this.#listeners) listener();
    if (this.#free === 0) this.#tellStatus();
    this.#passOn();
  }

  /** What nobody needs any more, and what no job can be asked for any more. */
  #done(): ReadonlyMap<number, number> {
    const oldest = this.#parts.clock.now() - (removedTopic(this.#options.topic).retentionMs ?? Infinity);
    for (const [key, timestamp] of this.#removed) if (timestamp < oldest) this.#removed.delete(key);
    const mine = new Set(this.#lanes.partitions);
    return new Map([...this.#stored].filter(([partition]) => mine.has(partition)));
  }

  // ── taking ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #choose(limit: number, accept: (job: JobRow) => boolean) {
    const answers = new Map<LogRecord, { readonly row: JobRow; readonly isAccepted: boolean }>();
    // Asked once for each: what is accepted counts as taken.
    const answerFor = (record: LogRecord) => {
      const known = answers.get(record);
      if (known !== undefined) return known;
      const row = { key: record.key, text: record.text ?? '' };
      const answer = { row, isAccepted: accept(row) };
      answers.set(record, answer);
      return answer;
    };
    const jobs = this.#lanes.take(limit, (record) => answerFor(record).isAccepted);
    if (this.#lanes.hasMoved) this.#storePlaces();
    return { jobs, rows: jobs.map(({ record }) => answerFor(record).row) };
  }

  /** The claims must be durable before anything runs, and before the group may forget the jobs. */
  async #claim(claims: readonly EncodedRecord[]): Promise<void> {
    for (let failures = 0; ;) {
      try {
        return await this.#write(claims);
      } catch (thrown) {
        if (this.#closed || (thrown instanceof QueueError && !thrown.retryable)) throw thrown;
        this.#parts.log.debug({ reason: String(thrown) }, 'Claims could not be published; trying again');
        await waitForBroker(failures++);
      }
    }
  }

  /**
   * Stores how far jobs were claimed, one request at a time. It follows the claims: a worker that dies in between has its
   * jobs handed over once more, and the newest claim counts.
   */
  #storePlaces(): void {
    if (this.#storing !== undefined || !this.#lanes.hasMoved) return;
    this.#storing = this.#storeAll().finally(() => (this.#storing = undefined));
  }

  async #storeAll(): Promise<void> {
    for (let failures = 0; this.#lanes.hasMoved;) {
      const places = this.#lanes.places();
      try {
        const isStored = await this.#membership?.commit(places);
        failures = 0;
        if (isStored === true) {
          for (const [partition, place] of places) this.#stored.set(partition, place);
          continue;
        }
        // The group is being distributed anew: after that.
        this.#lanes.moved(places.keys());
        return;
      } catch (thrown) {
        this.#lanes.moved(places.keys());
        if (this.#closed || failures === STORE_TRIES) return;
        this.#parts.log.debug({ reason: String(thrown) }, 'The place in the jobs could not be stored; trying again');
        await waitForBroker(failures++);
      }
    }
  }

  // ── slots ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Without a free slot here, jobs that wait go to workers that have some. */
  #passOn(): void {
    if (this.#closed || this.#rebalancing || this.#passing || this.#free > 0 || this.#taking > 0) return;
    const moved: { readonly job: LaneJob; readonly to: number }[] = [];
    while (this.#lanes.waiting > 0) {
      const to = this.#board.slots.placeElsewhere(this.#name, this.#options.instance, Date.now());
      if (to === undefined) break;
      const [job] = this.#lanes.take(1, (record) => hopsOf(record) < HOPS_MAX);
      if (job === undefined) break;
      moved.push({ job, to });
    }
    if (moved.length === 0) return;
    this.#passing = true;
    void this.#move(moved).finally(() => {
      this.#passing = false;
      this.#storePlaces();
    });
  }

  /** The place is stored after the job is written elsewhere: at worst it is handed over twice. */
  async #move(moved: readonly { readonly job: LaneJob; readonly to: number }[]): Promise<void> {
    const records = moved.map(({ job: { record }, to }): KafkaRecord => {
      const order = record.header(ORDER);
      const headers = { [HOPS]: String(hopsOf(record) + 1), ...(order === undefined ? {} : { [ORDER]: order }) };
      return { ...jobRecord(this.#options.topic, record, to), headers, timestamp: record.timestamp };
    });
    for (let failures = 0; !this.#closed;) {
      try {
        await this.#parts.publisher.publish(records);
        return this.#lanes.settle(moved.map(({ job }) => job));
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
    const timer = this.#statusTimer;
    const { instance } = this.#options;
    const free = this.#free - this.#lanes.waiting;
    const value = { group: this.#name, instance, partitions: this.#lanes.partitions, free };
    const record = { topic: SLOTS_TOPIC, partition: 0, key: `${this.#name}/${instance}`, id: '', value };
    try {
      await this.#parts.publisher.publish([{ ...record, text: JSON.stringify(value), broadcast: false }]);
    } catch (thrown) {
      this.#parts.log.debug({ reason: String(thrown) }, 'The free slots could not be told; the next status follows');
    }
    // A newer status is already to follow.
    if (this.#closed || this.#statusTimer !== timer) return;
    this.#statusTimer = setTimeout(() => void this.#sendStatus(), STATUS_MOST_MS);
    this.#statusTimer.unref();
  }

  // ── faults of the contract suite ────────────────────────────────────────────────────────────────────────────────

  async #write(records: readonly EncodedRecord[]): Promise<void> {
    const topics = [...new Set(records.map(({ topic }) => topic.name))];
    await this.#strike('before', 'publish', topics);
    await this.#parts.publisher.publish(await this.#parts.outgoing(records));
    await this.#strike('after', 'publish', topics);
  }

  async #strike(
    point: 'before' | 'after',
    kind: Write['kind'],
    topics: readonly string[] = [this.#options.topic.name],
  ) {
    await this.#parts.faults?.[point]?.({ kind, instance: this.#parts.instance, topics });
  }

  async #repeat(jobs: readonly LaneJob[]): Promise<void> {
    const again = jobs.filter(({ record }) => this.#parts.faults?.repeatJob?.(record.key) === true);
    if (again.length === 0) return;
    await this.#parts.publisher.publish(again.map(({ record }) => jobRecord(this.#options.topic, record, 0)));
  }
}

const hopsOf = (record: LogRecord): number => Number(record.header(HOPS) ?? 0);

const jobRecord = (topic: WorkOptions['topic'], { key, text }: LogRecord, partition: number): EncodedRecord => ({
  topic,
  partition,
  key,
  id: '',
  value: undefined,
  text,
  broadcast: false,
});
