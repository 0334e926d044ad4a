/// <reference path="./kafkajs-protocol.d.ts" />
import type { FetchedPartition } from 'kafkajs/src/cluster/index.js';
import { waitForBroker } from './broker-time.js';
import type { Wire } from './connections.js';
import { isLeaderless, kafkaError, LeaderlessError } from './failure.js';
import { readPartition, type LogRecord } from './records.js';

const WAIT_MS = 100;
const GAP_BYTES_MAX = 64 * 1024 * 1024;
/** For reading what is there already. */
const RANGE_BYTES = 4 * 1024 * 1024;
/** For a single record; a larger batch comes whole all the same. */
const RECORD_BYTES = 16 * 1024;
/** Repeats of a look-up: about three seconds. */
const PATIENCE = 8;
/**
 * The same while a partition has no leader: about half a minute. A broker that has just made a hundred topics for several
 * servers at once, or that takes over from another, needs longer than one that dropped a connection.
 */
const LEADERLESS_PATIENCE = 34;

export const EARLIEST = '-2';
export const LATEST = '-1';

/**
 * A partition that was asked for alone gave no record although its log goes on: what is left there are empty batches
 * (compaction keeps one for each producer). The client does not tell how far they reach, so more is asked for, and at last
 * they are passed. Of an answer that held other partitions, too, it would say nothing: they may have used up its size.
 */
export function passGap(reading: { position: number; bytes: number }, end: number): boolean {
  if (reading.position >= end) return false;
  if (reading.bytes < GAP_BYTES_MAX) {
    reading.bytes *= 4;
    return false;
  }
  reading.position = end;
  return true;
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
      const patience = isLeaderless(thrown) ? LEADERLESS_PATIENCE : PATIENCE;
      if (failures >= patience || (kafkaError(thrown) ?? '').endsWith('AUTHORIZATION_FAILED')) throw thrown;
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
  /** How much is asked for at once. */
  readonly bytes?: number;
  onRecords(records: readonly LogRecord[]): void;
}

/**
 * Reads what is there already; resolves when `until` is reached. Over a wire of its own, so that it does not wait behind
 * readers that follow.
 * @throws what the client throws; then nothing can be said of what was delivered
 */
export async function readRange(wire: Wire, request: RangeRequest): Promise<void> {
  const { topic, partition, from, until, wholeBatches = false, bytes = RANGE_BYTES, onRecords } = request;
  const place = { position: from, bytes };
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
  if (nodeId === undefined) throw new LeaderlessError(`No broker leads partition ${partition} of '${topic}'`);
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
  place: { readonly topic: string; readonly partition: number },
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
    await readRange(wire, { ...place, from, until: from + 1, bytes: RECORD_BYTES, onRecords, wholeBatches: true });
  }
}
