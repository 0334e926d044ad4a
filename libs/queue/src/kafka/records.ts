/// <reference path="./kafkajs-protocol.d.ts" />
import type { FetchedPartition, ProducedMessage, RawMessage } from 'kafkajs/src/cluster/index.js';
import type { EncodedRecord } from '../shell/commit.js';

/** A record of a partition as it was read: texts, not yet parsed. */
export interface LogRecord {
  readonly offset: number;
  readonly key: string;
  /** null: a tombstone. */
  readonly text: string | null;
  /** Milliseconds since the epoch: when it was published, by the publisher's clock. */
  readonly timestamp: number;
  header(name: string): string | undefined;
  /** The value, parsed once for all who read it here. @throws SyntaxError */
  parsed(): unknown;
}

/** Header of events that were sent to every partition. */
export const BROADCAST = 'broadcast';
/** Header of state records: with this record its key ended, so restore need not keep it in memory. */
export const ENDED = 'ended';

/**
 * Kafka's key of a state record: the record's own key, its length before it, and its id. Nothing that a key or id contains
 * can imitate another.
 */
export const stateKey = (key: string, id: string): string => `${key.length}:${key}${id}`;

/** The parts of `stateKey`; undefined for the bookkeeping of a processor. */
export function stateKeyParts(kafkaKey: string): { readonly key: string; readonly id: string } | undefined {
  const at = kafkaKey.indexOf(':');
  const length = Number(kafkaKey.slice(0, at));
  if (at < 1 || !Number.isInteger(length)) return undefined;
  return { key: kafkaKey.slice(at + 1, at + 1 + length), id: kafkaKey.slice(at + 1 + length) };
}

/** Kafka's key of where a processor stands in a partition; no `stateKey` looks like it. */
export const positionKey = (processor: string): string => `position/${processor}`;
export const triesKey = (processor: string): string => `tries/${processor}`;

/** Written by processors for themselves, among the records of their state. */
export const isBookkeeping = (kafkaKey: string): boolean => /^(position|tries)\//.test(kafkaKey);

/** Offsets begin at 0, positions at 1. */
export const positionOf = (offset: number): number => offset + 1;
export const offsetOf = (position: number): number => position - 1;

/** A record on its way into Kafka. */
export interface KafkaRecord extends EncodedRecord {
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch; of a record that is written once more. */
  readonly timestamp?: number;
}

/** A record as Kafka stores it. */
export function messageOf(record: KafkaRecord, now: number): ProducedMessage {
  const { topic, key, id, text, broadcast, timestamp = now, headers } = record;
  const all = broadcast ? { ...headers, [BROADCAST]: '1' } : headers;
  return {
    key: topic.kind === 'state' ? stateKey(key, id) : key,
    value: text,
    timestamp,
    ...(all === undefined ? {} : { headers: all }),
  };
}

/**
 * What a fetch brought of a partition: the committed records from `offset` on, and where the next fetch begins. Records of
 * aborted transactions and the markers of transactions are left out, but passed.
 */
export function readPartition(
  { messages, abortedTransactions, lastStableOffset }: FetchedPartition,
  offset: number,
): { readonly records: readonly LogRecord[]; readonly next: number; readonly end: number } {
  const aborted = [...(abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset));
  const aborting = new Set<string>();
  const records: LogRecord[] = [];
  let next = offset;
  for (const message of messages) {
    const at = Number(message.offset);
    while (aborted[0] !== undefined && at >= Number(aborted[0].firstOffset))
      aborting.add(aborted.shift()?.producerId ?? '');
    const { producerId, inTransaction } = message.batchContext;
    if (message.isControlRecord) {
      aborting.delete(producerId);
    } else if (at >= offset && !(inTransaction && aborting.has(producerId))) {
      records.push(new ReadRecord(at, message));
    }
    next = Math.max(next, at + 1);
  }
  return { records, next, end: Number(lastStableOffset) };
}

class ReadRecord implements LogRecord {
  readonly key: string;
  readonly text: string | null;
  readonly timestamp: number;
  readonly #headers: RawMessage['headers'];
  #parsed: { readonly value: unknown } | undefined;

  constructor(
    readonly offset: number,
    { key, value, timestamp, headers }: RawMessage,
  ) {
    this.key = key?.toString('utf8') ?? '';
    this.text = value === null ? null : value.toString('utf8');
    this.timestamp = Number(timestamp);
    this.#headers = headers;
  }

  parsed(): unknown {
    this.#parsed ??= { value: this.text === null ? null : JSON.parse(this.text) };
    return this.#parsed.value;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
  }
}
