import { ORDER } from './job-topics.js';
import type { Reading } from './reader.js';
import type { LogRecord } from './records.js';

/** Jobs read ahead for each partition; the others wait in the log. */
const AHEAD = 32;
const AHEAD_CHARACTERS = 1024 * 1024;

/** A job in somebody's hands, and where it came from. */
export interface LaneJob {
  readonly partition: number;
  readonly record: LogRecord;
}

/** A partition that was given to this worker; another one when it was taken away and given once more. */
export interface AssignedLane {
  readonly partition: number;
}

/** The jobs of one partition that were read and not yet taken. */
interface Lane extends AssignedLane {
  reading: Reading | undefined;
  waiting: LogRecord[];
  characters: number;
  paused: boolean;
  /** The offset after the last one that was taken. */
  next: number;
  /** Offsets that were taken and are not yet claimed, or written elsewhere. */
  readonly unsettled: Set<number>;
}

/**
 * The partitions of jobs that this worker has: read ahead a little, taken oldest first. How far the group may forget is
 * told only of what is settled: a job must not be lost between its taking and its claim.
 */
export class JobLanes {
  readonly #lanes = new Map<number, Lane>();
  /** Partitions whose place has moved since it was stored. */
  readonly #moved = new Set<number>();
  readonly #isRemoved: (record: LogRecord) => boolean;

  constructor(isRemoved: (record: LogRecord) => boolean) {
    this.#isRemoved = isRemoved;
  }

  get partitions(): readonly number[] {
    return [...this.#lanes.keys()];
  }

  /** Jobs at hand. */
  get waiting(): number {
    let count = 0;
    for (const lane of this.#lanes.values()) count += lane.waiting.length;
    return count;
  }

  /** Some place must be stored. */
  get hasMoved(): boolean {
    return this.#moved.size > 0;
  }

  /** These partitions are this worker's from now on, and no others; answers those that are new. */
  assign(partitions: readonly number[]): readonly AssignedLane[] {
    for (const [partition, lane] of this.#lanes) {
      if (partitions.includes(partition)) continue;
      lane.reading?.close();
      this.#lanes.delete(partition);
      this.#moved.delete(partition);
    }
    const added: Lane[] = [];
    for (const partition of partitions) {
      if (this.#lanes.has(partition)) continue;
      const lane: Lane = {
        partition,
        reading: undefined,
        waiting: [],
        characters: 0,
        paused: false,
        next: 0,
        unsettled: new Set<number>(),
      };
      this.#lanes.set(partition, lane);
      added.push(lane);
    }
    return added;
  }

  /** Reads a partition from an offset on, unless it is read already or no longer this worker's. */
  open(
    assigned: AssignedLane,
    offset: number,
    read: (onRecords: (records: readonly LogRecord[]) => void, onGap: (earliest: number) => void) => Reading,
    onJobs: () => void,
  ): void {
    const lane = this.#lanes.get(assigned.partition);
    if (lane === undefined || lane !== assigned || lane.reading !== undefined) return;
    lane.next = offset;
    lane.reading = read(
      (records) => {
        if (records.length === 0) return;
        lane.waiting.push(...records);
        for (const { text } of records) lane.characters += text?.length ?? 0;
        if (!lane.paused && (lane.waiting.length > AHEAD || lane.characters > AHEAD_CHARACTERS)) {
          lane.paused = true;
          lane.reading?.pause();
        }
        onJobs();
      },
      (earliest) => {
        lane.next = earliest;
      },
    );
  }

  /** Takes the oldest jobs of all partitions that `isWanted`; each must be settled. */
  take(limit: number, isWanted: (record: LogRecord) => boolean): readonly LaneJob[] {
    const taken: LaneJob[] = [];
    while (taken.length < limit) {
      let oldest: { readonly partition: number; readonly lane: Lane; readonly record: LogRecord } | undefined;
      for (const [partition, lane] of this.#lanes) {
        this.#dropRemoved(partition, lane);
        const record = lane.waiting[0];
        if (record === undefined || !isWanted(record)) continue;
        if (oldest === undefined || isOlder(record, oldest.record)) oldest = { partition, lane, record };
      }
      if (oldest === undefined) break;
      const { partition, lane, record } = oldest;
      lane.unsettled.add(record.offset);
      this.#advance(partition, lane);
      taken.push({ partition, record });
    }
    return taken;
  }

  /** The jobs are claimed, or written elsewhere: nobody needs them here any more. */
  settle(jobs: readonly LaneJob[]): void {
    for (const { partition, record } of jobs) {
      if (this.#lanes.get(partition)?.unsettled.delete(record.offset) === true) this.#moved.add(partition);
    }
  }

  /** Where the group goes on in each partition that has moved; they count as stored. */
  places(): ReadonlyMap<number, number> {
    const places = new Map<number, number>();
    for (const partition of this.#moved) {
      const lane = this.#lanes.get(partition);
      if (lane !== undefined) places.set(partition, Math.min(lane.next, ...lane.unsettled));
    }
    this.#moved.clear();
    return places;
  }

  /** They could not be stored. */
  moved(partitions: Iterable<number>): void {
    // One that was given back meanwhile and is not read yet has no place of its own.
    for (const partition of partitions) {
      if (this.#lanes.get(partition)?.reading !== undefined) this.#moved.add(partition);
    }
  }

  close(): void {
    for (const lane of this.#lanes.values()) lane.reading?.close();
  }

  #dropRemoved(partition: number, lane: Lane): void {
    for (;;) {
      const record = lane.waiting[0];
      if (record === undefined || (record.text !== null && !this.#isRemoved(record))) return;
      this.#advance(partition, lane);
    }
  }

  #advance(partition: number, lane: Lane): void {
    const record = lane.waiting.shift();
    if (record === undefined) return;
    lane.characters -= record.text?.length ?? 0;
    lane.next = record.offset + 1;
    this.#moved.add(partition);
    if (lane.paused && lane.waiting.length <= AHEAD / 2 && lane.characters <= AHEAD_CHARACTERS / 2) {
      lane.paused = false;
      lane.reading?.resume();
    }
  }
}

const isOlder = (one: LogRecord, other: LogRecord): boolean =>
  one.timestamp < other.timestamp ||
  (one.timestamp === other.timestamp && Number(one.header(ORDER) ?? 0) < Number(other.header(ORDER) ?? 0));
