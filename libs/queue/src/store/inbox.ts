import type { Topic } from '@millrace/model';
import type { Input } from '../shell/commit.js';
import { asError } from '../shell/dead-letter.js';
import type { CommittedRecord, EventRow, QueueStore } from './contract.js';

/** Events that wait in memory for one partition; what is beyond is read from the store again. */
const INBOX_MAX = 10_000;
/** Events read from the store at a time. */
const READ_MAX = 500;

/**
 * A partition's next events. Those committed through this process are handed over as they are, without being parsed
 * again; after a start, or when more than `INBOX_MAX` wait, the store is read.
 */
export interface Inbox<Event> {
  offer(record: CommittedRecord): void;
  read(after: number, limit: number): readonly Input<Event>[] | Promise<readonly Input<Event>[]>;
}

export function createInbox<Event>(topic: Topic<Event>, partition: number, store: QueueStore): Inbox<Event> {
  /** In the order of positions. What was read from the store stays until it is done with: a batch may end before. */
  let waiting: (CommittedRecord | EventRow)[] = [];
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

  const next = (limit: number): readonly Input<Event>[] =>
    waiting.slice(start, start + limit).map((record) => decoded(topic, record));

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
      if (!behind) return next(limit);
      const before = overflows;
      const settle = (rows: readonly EventRow[]): readonly Input<Event>[] => {
        const last = rows.at(-1)?.position ?? after;
        waiting = [...rows, ...waiting.slice(start).filter(({ position }) => position > last)];
        start = 0;
        if (overflows !== before) return rows.map((row) => decoded(topic, row));
        behind = rows.length === READ_MAX;
        return next(limit);
      };
      const rows = store.read(topic, partition, after, READ_MAX);
      return rows instanceof Promise ? rows.then(settle) : settle(rows);
    },
  };
}

function decoded<Event>(topic: Topic<Event>, record: CommittedRecord | EventRow): Input<Event> {
  const { position, key, broadcast } = record;
  let value: unknown;
  try {
    value = 'value' in record ? record.value : JSON.parse(record.text);
    return { position, key, broadcast, value: topic.decode(value) };
  } catch (thrown) {
    return { position, key, broadcast, value, fault: asError(thrown) };
  }
}
