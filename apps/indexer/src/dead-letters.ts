import { outgoing, type DeadLetter, type OutgoingRecord, type Topics } from '@millrace/model';
import type { LoggedRecord, UnreadableRecord } from '@millrace/queue';

/** Characters of a value that is kept whole, and of the beginning of one that is not. */
const WHOLE_MAX = 256 * 1024;
const BEGINNING = 4_000;
const REASON_MAX = 2_000;
const KEY_MAX = 200;

interface Circumstances {
  readonly topic: string;
  readonly reason: string;
  readonly at: number;
}

/** A record that the index refuses, as people find it among the dead letters. */
export const refusedRecord = (
  topics: Topics,
  { key, id, value, partition, offset }: LoggedRecord<unknown>,
  circumstances: Circumstances,
): OutgoingRecord =>
  letter(topics, { key: id === '' ? key : `${key}/${id}`, value: kept(value), partition, offset }, circumstances);

/** As `refusedRecord`, of one that could not even be read. */
export const unreadableRecord = (
  topics: Topics,
  { key, text, partition, offset }: UnreadableRecord,
  circumstances: Circumstances,
): OutgoingRecord => letter(topics, { key, value: kept(text), partition, offset }, circumstances);

function letter(
  { deadLetters }: Topics,
  { offset, ...place }: Pick<DeadLetter, 'key' | 'value' | 'partition'> & { readonly offset: number },
  { reason, ...circumstances }: Circumstances,
): OutgoingRecord {
  const value: DeadLetter = {
    ...place,
    ...circumstances,
    position: offset + 1,
    processor: 'indexer',
    reason: reason.slice(0, REASON_MAX),
  };
  return outgoing({ topic: deadLetters, key: place.key.slice(0, KEY_MAX), value });
}

/** A letter must fit into its topic. */
function kept(value: unknown): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= WHOLE_MAX ? value : text.slice(0, BEGINNING);
}
