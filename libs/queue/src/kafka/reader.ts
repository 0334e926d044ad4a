/// <reference path="./kafkajs-protocol.d.ts" />
import type { FetchedPartition } from 'kafkajs/src/cluster/index.js';
import { waitForBroker } from './broker-time.js';
import type { Wire } from './connections.js';
import { kafkaError } from './failure.js';
import type { KafkaLog } from './options.js';
import { EARLIEST, LATEST, offsetAt, offsetsAt, passGap } from './range.js';
import { readPartition, type LogRecord } from './records.js';

/** How long the broker keeps a fetch that finds nothing; a partition that is opened meanwhile waits for its turn. */
const WAIT_MS = 100;
/** Of one answer; when it is used up the other partitions wait for the next. */
const FETCH_BYTES_MAX = 16 * 1024 * 1024;
const PARTITION_BYTES = 512 * 1024;
/** Answers without anything of what a partition has, after which it is asked for alone. */
const PASSED_OVER = 2;
/** Failures in a row after which they are worth a warning. */
const LOUD_FAILURES = 5;

/** Where and to whom. */
export interface ReadRequest {
  readonly topic: string;
  readonly partition: number;
  /** The first offset wanted. */
  readonly offset: number;
  /** New committed records, oldest first, and where reading goes on. Must not throw. */
  onRecords(records: readonly LogRecord[], next: number): void;
  /**
   * The log does not have what was wanted; reading goes on at its beginning, `earliest`. It is later than wanted when
   * older records were removed, and earlier when the log was made anew or lost its end. Must not throw.
   */
  onGap(earliest: number): void;
}

/** A partition that is being read. */
export interface Reading {
  /** No more records until `resume`; some that are on their way may still come. */
  pause(): void;
  resume(): void;
  close(): void;
}

interface Open extends ReadRequest {
  position: number;
  paused: boolean;
  closed: boolean;
  /** Asked for when it is asked for alone. */
  bytes: number;
  /** The next request is for this partition and no other. */
  alone: boolean;
  /** Answers in a row that had nothing of it. */
  passedOver: number;
  /** Failures in a row of requests for it alone. */
  failures: number;
  /** It failed a moment ago. */
  resting: boolean;
}

/**
 * Reads partitions as they grow, without being a member of any group: which partitions and from where is decided by the
 * caller, and no rebalance interrupts it. One request waits at each broker for all its partitions.
 */
export class LogReader {
  readonly #wire: Wire;
  readonly #log: KafkaLog;
  readonly #readings = new Set<Open>();
  /** Brokers at which a request waits. */
  readonly #loops = new Map<string, Promise<void>>();
  /** Grows when a reading is opened or resumed: whoever decided before that what to read looks again. */
  #version = 0;
  #delivered = 0;
  #closed = false;

  constructor(wire: Wire, log: KafkaLog) {
    this.#wire = wire;
    this.#log = log;
  }

  /** Answers with records since the start. */
  get delivered(): number {
    return this.#delivered;
  }

  open(request: ReadRequest): Reading {
    const reading: Open = {
      topic: request.topic,
      partition: request.partition,
      offset: request.offset,
      onRecords: (records, next) => request.onRecords(records, next),
      onGap: (earliest) => request.onGap(earliest),
      position: request.offset,
      paused: false,
      closed: false,
      bytes: PARTITION_BYTES,
      alone: false,
      passedOver: 0,
      failures: 0,
      resting: false,
    };
    this.#readings.add(reading);
    this.#start();
    return {
      pause: () => {
        reading.paused = true;
      },
      resume: () => {
        reading.paused = false;
        this.#start();
      },
      close: () => {
        reading.closed = true;
        this.#readings.delete(reading);
      },
    };
  }

  /** True when everything that was written before the call has been delivered, paused readings aside. */
  async isCaughtUp(wire: Wire): Promise<boolean> {
    const byTopic = new Map<string, Open[]>();
    for (const reading of this.#readings) {
      if (!reading.paused) byTopic.set(reading.topic, [...(byTopic.get(reading.topic) ?? []), reading]);
    }
    for (const [topic, readings] of byTopic) {
      const partitions = [...new Set(readings.map(({ partition }) => partition))];
      const ends = await offsetsAt(wire, topic, partitions, LATEST, 'written');
      if (readings.some(({ partition, position, closed }) => !closed && position < (ends.get(partition) ?? 0)))
        return false;
    }
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#readings.clear();
    await this.#wire.close();
  }

  /** Sees to it that a request waits at every broker that leads an open partition. */
  #start(): void {
    if (this.#closed) return;
    this.#version++;
    if (!this.#loops.has('')) this.#loops.set('', this.#distribute());
  }

  /** Finds the leaders and starts a loop for each that has none. */
  async #distribute(): Promise<void> {
    await Promise.resolve();
    for (let failures = 0; !this.#closed; failures++) {
      try {
        const version = this.#version;
        const byNode = await this.#byLeader();
        for (const nodeId of byNode.keys()) {
          if (!this.#loops.has(nodeId)) this.#loops.set(nodeId, this.#loop(nodeId));
        }
        if (version === this.#version) break;
        failures = -1;
      } catch (thrown) {
        await this.#afterFailure(thrown, failures);
      }
    }
    this.#loops.delete('');
  }

  async #byLeader(): Promise<ReadonlyMap<string, readonly Open[]>> {
    const active = [...this.#readings].filter(({ paused, resting }) => !paused && !resting);
    const byTopic = new Map<string, Open[]>();
    for (const reading of active) byTopic.set(reading.topic, [...(byTopic.get(reading.topic) ?? []), reading]);
    if (byTopic.size > 0) await this.#wire.know([...byTopic.keys()]);
    const byNode = new Map<string, Open[]>();
    for (const [topic, readings] of byTopic) {
      const partitions = [...new Set(readings.map(({ partition }) => partition))];
      for (const [nodeId, led] of this.#wire.leaders(topic, partitions)) {
        const ofNode = readings.filter(({ partition }) => led.includes(partition));
        byNode.set(nodeId, [...(byNode.get(nodeId) ?? []), ...ofNode]);
      }
    }
    return byNode;
  }

  async #loop(nodeId: string): Promise<void> {
    for (let failures = 0; !this.#closed;) {
      try {
        const version = this.#version;
        const byNode = await this.#byLeader();
        for (const other of byNode.keys()) if (!this.#loops.has(other)) this.#loops.set(other, this.#loop(other));
        const readings = byNode.get(nodeId);
        if (readings === undefined) {
          if (version === this.#version) break;
          continue;
        }
        await this.#round(nodeId, readings);
        failures = 0;
      } catch (thrown) {
        if (this.#closed) break;
        await this.#afterFailure(thrown, failures++);
      }
    }
    this.#loops.delete(nodeId);
  }

  /**
   * One request for all; what its answer has no room for, or what failed it, is asked for alone. The client throws the whole
   * answer away when one partition has an error, and which one it was it does not tell.
   */
  async #round(nodeId: string, readings: readonly Open[]): Promise<void> {
    const together = readings.filter(({ alone }) => !alone);
    try {
      if (together.length > 0) await this.#fetch(nodeId, together, WAIT_MS, false);
    } catch (thrown) {
      if (kafkaError(thrown) === undefined) throw thrown;
      for (const reading of together) reading.alone = true;
    }
    for (const same of byPartition(readings.filter(({ alone, closed }) => alone && !closed)).values()) {
      for (const reading of same) reading.alone = false;
      try {
        await this.#fetch(nodeId, same, 0, true);
        for (const reading of same) reading.failures = 0;
      } catch (thrown) {
        if (kafkaError(thrown) === undefined) throw thrown;
        await this.#rest(same, thrown);
      }
    }
  }

  async #fetch(nodeId: string, readings: readonly Open[], maxWaitTime: number, isAlone: boolean): Promise<void> {
    const broker = await this.#wire.broker(nodeId);
    // One entry for each partition: two readings of one partition take turns, the one that is behind first.
    const wanted = byPartition(readings);
    const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
    for (const same of wanted.values()) {
      const { topic, partition, position, bytes } = same.reduce((behind, reading) =>
        reading.position < behind.position ? reading : behind,
      );
      const partitions = topics.get(topic) ?? [];
      topics.set(topic, partitions);
      partitions.push({ partition, fetchOffset: String(position), maxBytes: isAlone ? bytes : PARTITION_BYTES });
    }
    const { responses } = await broker.fetch({
      maxWaitTime,
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
      isolationLevel: 1,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    });
    for (const { topicName, partitions } of responses) {
      for (const fetched of partitions) {
        this.#deliver(wanted.get(nameOf({ topic: topicName, partition: fetched.partition })) ?? [], fetched, isAlone);
      }
    }
  }

  #deliver(readings: readonly Open[], fetched: FetchedPartition, isAlone: boolean): void {
    const behind = Math.min(...readings.map(({ position }) => position));
    for (const reading of readings) {
      if (reading.closed || reading.position !== behind) continue;
      const { records, next, end } = readPartition(fetched, reading.position);
      if (next === reading.position) {
        if (end > next) this.#passOver(reading, end, isAlone);
        continue;
      }
      reading.bytes = PARTITION_BYTES;
      reading.passedOver = 0;
      reading.position = next;
      this.#delivered++;
      reading.onRecords(records, next);
    }
  }

  /** The log goes on, and the answer had nothing of it. */
  #passOver(reading: Open, end: number, isAlone: boolean): void {
    reading.alone = ++reading.passedOver >= PASSED_OVER;
    if (!isAlone || !passGap(reading, end)) return;
    reading.bytes = PARTITION_BYTES;
    reading.passedOver = 0;
    reading.alone = false;
    reading.onRecords([], end);
  }

  /** A partition that cannot be read is tried again later; the others are not held up by it. */
  async #rest(same: readonly Open[], thrown: unknown): Promise<void> {
    const [first] = same;
    if (this.#closed || first === undefined) return;
    const { topic, partition, failures } = first;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    if (failures === LOUD_FAILURES)
      this.#log.warn({ topic, partition, reason }, 'A partition cannot be read at the moment; trying again');
    for (const reading of same) {
      reading.failures++;
      reading.resting = true;
      reading.alone = true;
    }
    if (kafkaError(thrown) === 'OFFSET_OUT_OF_RANGE') await this.#relocate(same);
    else await this.#wire.recover(thrown);
    void waitForBroker(failures).then(() => {
      for (const reading of same) reading.resting = false;
      this.#start();
    });
  }

  /** The log does not have what these readings want, or had not a moment ago. */
  async #relocate(same: readonly Open[]): Promise<void> {
    const [first] = same;
    if (first === undefined) return;
    try {
      const earliest = await offsetAt(this.#wire, first.topic, first.partition, EARLIEST);
      const ends = await offsetsAt(this.#wire, first.topic, [first.partition], LATEST, 'written');
      const end = ends.get(first.partition) ?? 0;
      for (const reading of same) {
        if (reading.closed || (reading.position >= earliest && reading.position <= end)) continue;
        reading.position = earliest;
        reading.onGap(earliest);
      }
    } catch {
      // The partition cannot be reached at all just now: the next try finds out again.
    }
  }

  async #afterFailure(thrown: unknown, failures: number): Promise<void> {
    if (this.#closed) return;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    if (failures === LOUD_FAILURES)
      this.#log.warn({ reason: message }, 'Kafka cannot be read at the moment; trying again');
    else this.#log.debug({ reason: message }, 'A read failed; trying again');
    await waitForBroker(failures);
    await this.#wire.recover(thrown);
  }
}

const nameOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`;

function byPartition(readings: readonly Open[]): ReadonlyMap<string, readonly Open[]> {
  const grouped = new Map<string, Open[]>();
  for (const reading of readings) grouped.set(nameOf(reading), [...(grouped.get(nameOf(reading)) ?? []), reading]);
  return grouped;
}
