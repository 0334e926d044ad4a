/// <reference path="./kafkajs-protocol.d.ts" />
import type { FetchedPartition } from 'kafkajs/src/cluster/index.js';
import { waitForBroker } from './broker-time.js';
import type { Wire } from './connections.js';
import { kafkaError } from './failure.js';
import type { KafkaLog } from './options.js';
import { readPartition, type LogRecord } from './records.js';

/** How long the broker keeps a fetch that finds nothing; a partition that is opened meanwhile waits for its turn. */
const WAIT_MS = 100;
const FETCH_BYTES_MAX = 16 * 1024 * 1024;
const PARTITION_BYTES = 512 * 1024;
/** For reading what is there already, and for a partition whose next data are larger than usual. */
const RANGE_BYTES = 4 * 1024 * 1024;
const GAP_BYTES_MAX = 64 * 1024 * 1024;
/** Failures in a row after which they are worth a warning. */
const LOUD_FAILURES = 5;
/** Repeats of a look-up: about three seconds. */
const PATIENCE = 8;

export const EARLIEST = '-2';
export const LATEST = '-1';

/** Where and to whom. */
export interface ReadRequest {
  readonly topic: string;
  readonly partition: number;
  /** The first offset wanted. */
  readonly offset: number;
  /** New committed records, oldest first, and where reading goes on. Must not throw. */
  onRecords(records: readonly LogRecord[], next: number): void;
  /** The log begins after what was wanted: records from the wanted offset to `earliest` are gone. Must not throw. */
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
  bytes: number;
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
    const active = [...this.#readings].filter(({ paused }) => !paused);
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
        await this.#fetch(nodeId, readings);
        failures = 0;
      } catch (thrown) {
        if (this.#closed) break;
        if (kafkaError(thrown) === 'OFFSET_OUT_OF_RANGE') await this.#gap(thrown);
        else await this.#afterFailure(thrown, failures++);
      }
    }
    this.#loops.delete(nodeId);
  }

  async #fetch(nodeId: string, readings: readonly Open[]): Promise<void> {
    const broker = await this.#wire.broker(nodeId);
    // One entry for each partition: two readings of one partition take turns, the one that is behind first.
    const wanted = new Map<string, Open[]>();
    for (const reading of readings) {
      const name = `${reading.topic}/${reading.partition}`;
      wanted.set(name, [...(wanted.get(name) ?? []), reading]);
    }
    const leading = [...wanted.values()].map((same) =>
      same.reduce((behind, reading) => (reading.position < behind.position ? reading : behind)),
    );
    const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
    for (const { topic, partition, position, bytes } of leading) {
      const partitions = topics.get(topic) ?? [];
      topics.set(topic, partitions);
      partitions.push({ partition, fetchOffset: String(position), maxBytes: bytes });
    }
    const { responses } = await broker.fetch({
      maxWaitTime: WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
      isolationLevel: 1,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    });
    for (const { topicName, partitions } of responses) {
      for (const fetched of partitions) this.#deliver(wanted.get(`${topicName}/${fetched.partition}`) ?? [], fetched);
    }
  }

  #deliver(readings: readonly Open[], fetched: FetchedPartition): void {
    const behind = Math.min(...readings.map(({ position }) => position));
    for (const reading of readings) {
      if (reading.closed || reading.position !== behind) continue;
      const { records, next, end } = readPartition(fetched, reading.position);
      if (next === reading.position) {
        passGap(reading, end);
        continue;
      }
      reading.bytes = PARTITION_BYTES;
      reading.position = next;
      this.#delivered++;
      reading.onRecords(records, next);
    }
  }

  async #gap(thrown: unknown): Promise<void> {
    for (const reading of this.#readings) {
      const earliest = await offsetAt(this.#wire, reading.topic, reading.partition, EARLIEST).catch(() => undefined);
      if (earliest === undefined || earliest <= reading.position) continue;
      reading.position = earliest;
      reading.onGap(earliest);
    }
    await this.#afterFailure(thrown, 0);
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

/**
 * Nothing came although the log has grown: what is left there are empty batches (compaction keeps one for each producer).
 * The client does not tell how far they reach, so more is asked for, and at last they are passed.
 */
function passGap(
  reading: { position: number; bytes: number; onRecords?: ReadRequest['onRecords'] },
  end: number,
): void {
  if (reading.position >= end) return;
  if (reading.bytes < GAP_BYTES_MAX) {
    reading.bytes *= 4;
    return;
  }
  reading.position = end;
  reading.bytes = PARTITION_BYTES;
  reading.onRecords?.([], end);
}

/** `visible`: as far as readers of committed records get now; `written`: open transactions included. */
export type Isolation = 'visible' | 'written';

/** An offset of a partition: EARLIEST, LATEST, or of the first record that is not older than a time (in milliseconds). */
export async function offsetAt(wire: Wire, topic: string, partition: number, at: string): Promise<number> {
  const offsets = await offsetsAt(wire, topic, [partition], at);
  return offsets.get(partition) ?? 0;
}

/** `offsetAt` of several partitions; -1 for a time after the last record. */
export async function offsetsAt(
  wire: Wire,
  topic: string,
  partitions: readonly number[],
  at: string,
  isolation: Isolation = 'visible',
): Promise<ReadonlyMap<number, number>> {
  const offsets = new Map<number, number>();
  await patiently(wire, async () => {
    await wire.know([topic]);
    const requests = [...wire.leaders(topic, partitions)].map(async ([nodeId, led]) => {
      const broker = await wire.broker(nodeId);
      const { responses } = await broker.listOffsets({
        isolationLevel: isolation === 'visible' ? 1 : 0,
        topics: [{ topic, partitions: led.map((partition) => ({ partition, timestamp: at })) }],
      });
      for (const { partition, offset } of responses.flatMap(({ partitions: found }) => found)) {
        offsets.set(partition, Number(offset));
      }
    });
    await Promise.all(requests);
  });
  return offsets;
}

/**
 * Tries again what may pass in a moment: a topic that was just made has no leader yet, a leader moves. What lasts longer is
 * the caller's to decide.
 */
async function patiently<Answer>(wire: Wire, work: () => Promise<Answer>): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    try {
      return await work();
    } catch (thrown) {
      if (failures === PATIENCE || (kafkaError(thrown) ?? '').endsWith('AUTHORIZATION_FAILED')) throw thrown;
      await waitForBroker(failures);
      await wire.recover(thrown);
    }
  }
}

export interface RangeRequest {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** The first offset that is not wanted any more. */
  readonly until: number;
  /** What the last answer brought beyond `until` is told, too. */
  readonly wholeBatches?: boolean;
  onRecords(records: readonly LogRecord[]): void;
}

/**
 * Reads what is there already; resolves when `until` is reached. Over a wire of its own, so that it does not wait behind
 * readers that follow.
 * @throws what the client throws; then nothing can be said of what was delivered
 */
export async function readRange(wire: Wire, request: RangeRequest): Promise<void> {
  const { topic, partition, from, until, wholeBatches = false, onRecords } = request;
  const place = { position: from, bytes: RANGE_BYTES };
  while (place.position < until) {
    const fetched = await patiently(wire, () => fetchOnce(wire, topic, partition, place));
    const { records, next, end } = readPartition(fetched, place.position);
    if (next === place.position) {
      passGap(place, Math.min(end, until));
      continue;
    }
    place.position = next;
    onRecords(next > until && !wholeBatches ? records.filter(({ offset }) => offset < until) : records);
  }
}

async function fetchOnce(
  wire: Wire,
  topic: string,
  partition: number,
  { position, bytes }: { readonly position: number; readonly bytes: number },
): Promise<FetchedPartition> {
  await wire.know([topic]);
  const [nodeId] = wire.leaders(topic, [partition]).keys();
  if (nodeId === undefined) throw new Error(`No broker leads partition ${partition} of '${topic}'`);
  const broker = await wire.broker(nodeId);
  const { responses } = await broker.fetch({
    maxWaitTime: WAIT_MS,
    minBytes: 1,
    maxBytes: GAP_BYTES_MAX,
    isolationLevel: 1,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(position), maxBytes: bytes }] }],
  });
  const fetched = responses[0]?.partitions[0];
  if (fetched === undefined) throw new Error(`The broker answered nothing about partition ${partition} of '${topic}'`);
  return fetched;
}

/** Reads single records, wherever they lie; what compaction has removed meanwhile does not come. */
export async function readOffsets(
  wire: Wire,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  offsets: readonly number[],
  onRecord: (record: LogRecord) => void,
): Promise<void> {
  const wanted = new Set(offsets);
  const sorted = [...wanted].sort((one, other) => one - other);
  let passed = -1;
  for (const from of sorted) {
    if (from <= passed) continue;
    const onRecords = (records: readonly LogRecord[]): void => {
      for (const record of records) {
        passed = Math.max(passed, record.offset);
        if (wanted.delete(record.offset)) onRecord(record);
      }
    };
    await readRange(wire, { topic, partition, from, until: from + 1, onRecords, wholeBatches: true });
  }
}
