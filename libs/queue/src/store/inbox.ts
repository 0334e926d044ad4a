import type { Topic } from '@millrace/model';
import type { Input } from '../shell/commit.js';
import { asError } from '../shell/dead-letter.js';
import type { CommittedRecord, EventRow, QueueStore } from './contract.js';

/** Events that wait in memory for one partition; what is beyond is read from the store again. */
const INBOX_MAX = 10_000;

/**
 * A partition's next events. Those committed through this process are handed over as they are, without being parsed
 * again; after a start, or when more than `INBOX_MAX` wait, the store is read.
 */
export interface Inbox<Event> {
  offer(record: CommittedRecord): void;
  read(after: number, limit: number): readonly Input<Event>[] | Promise<readonly Input<Event>[]>;
}

export function createInbox<Event>(topic: Topic<Event>, partition: number, store: QueueStore): Inbox<Event> {
  let waiting: CommittedRecord[] = [];
  let start = 0;
  /** The store has events that are not in `waiting`. */
  let behind = true;
  let overflows = 0;

  function discard(upTo: number): void {
    while (start < waiting.length && (waiting[start]?.position ?? 0) <= upTo) start++;
    if (start > 1_024 || start === waiting.length) {
      waiting = waiting.slice(start);
      start = 0;
    }
  }

  const fromMemory = (record: CommittedRecord): Input<Event> => decoded(topic, record, () => record.value);
  const fromStore = (row: EventRow): Input<Event> => decoded(topic, row, () => JSON.parse(row.text));

  return {
    offer(record) {
      if (waiting.length - start < INBOX_MAX) {
        waiting.push(record);
        return;
      }
      waiting = [];
      start = 0;
      behind = true;
      overflows++;
    },
    read(after, limit) {
      discard(after);
      if (!behind) return waiting.slice(start, start + limit).map(fromMemory);
      const before = overflows;
      const settle = (rows: readonly EventRow[]): readonly Input<Event>[] => {
        if (rows.length < limit && overflows === before) behind = false;
        return rows.map(fromStore);
      };
      const rows = store.read(topic, partition, after, limit);
      return rows instanceof Promise ? rows.then(settle) : settle(rows);
    },
  };
}

function decoded<Event>(
  topic: Topic<Event>,
  { position, key, broadcast }: Pick<EventRow, 'position' | 'key' | 'broadcast'>,
  read: () => unknown,
): Input<Event> {
  let value: unknown;
  try {
    value = read();
    return { position, key, broadcast, value: topic.decode(value) };
  } catch (thrown) {
    return { position, key, broadcast, value, fault: asError(thrown) };
  }
}
