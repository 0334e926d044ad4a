import type { Topic } from '@millrace/model';
import { QueueError } from '../contract.js';
import type { EncodedRecord, StoredTopic } from './commit.js';
import { partitionIn } from './partition-of.js';

/**
 * Largest record that a queue takes, in characters of JSON: the same for every adapter, so that what runs embedded also
 * runs on a cluster, whose topics take three bytes for each of them.
 */
export const RECORD_LENGTH_MAX = 900_000;
/** Longest key and longest id, in characters. */
export const KEY_LENGTH_MAX = 2_048;

/** The value as JSON; refuses what the queue could not store, naming the record. */
export function encodeValue(topic: Pick<StoredTopic, 'name'>, key: string, id: string, value: unknown): string {
  if (key.length > KEY_LENGTH_MAX || id.length > KEY_LENGTH_MAX) {
    throw new RangeError(
      `A record of '${topic.name}' has a key of ${key.length} and an id of ${id.length} characters; at most ${KEY_LENGTH_MAX} are stored`,
    );
  }
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(
      `Record '${key}' '${id}' of '${topic.name}' has no JSON form; publish plain data, or null to remove`,
    );
  }
  if (text.length > RECORD_LENGTH_MAX) {
    throw new QueueError(
      'QUEUE_TOO_LARGE',
      `Record '${key}' '${id}' of '${topic.name}' has ${text.length} characters of JSON, more than ${RECORD_LENGTH_MAX}; put large values into internal storage`,
      false,
    );
  }
  return text;
}

/** An `OutgoingRecord` of any value. */
export interface Encodable {
  readonly topic: StoredTopic;
  readonly key: string;
  readonly id?: string;
  readonly value: unknown;
  readonly broadcast?: boolean;
}

/** Appends the record's stored form to `into`: one record, or one for each partition when it is broadcast. */
export function encode(record: Encodable, into: EncodedRecord[]): number {
  const { topic, key, value } = record;
  if (value === null && topic.kind === 'events') {
    throw new TypeError(`Event '${key}' of '${topic.name}' is null; only state records and jobs can be removed`);
  }
  const id = topic.kind === 'state' ? (record.id ?? '') : '';
  const text = value === null ? null : encodeValue(topic, key, id, value);
  const bytes = key.length + id.length + (text?.length ?? 0);
  if (record.broadcast !== true) {
    into.push({ topic, partition: partitionIn(topic, key), key, id, value, text, broadcast: false });
    return bytes;
  }
  if (topic.kind !== 'events')
    throw new TypeError(`Record '${key}' of '${topic.name}' is broadcast; only events can be`);
  for (let partition = 0; partition < topic.partitions; partition++) {
    into.push({ topic, partition, key, id, value, text, broadcast: true });
  }
  return bytes * topic.partitions;
}

/** An event for a partition that is known, whatever its key says. */
export function encodeEvent<Event>(topic: Topic<Event>, partition: number, key: string, value: Event): EncodedRecord {
  return { topic, partition, key, id: '', value, text: encodeValue(topic, key, '', value), broadcast: false };
}
