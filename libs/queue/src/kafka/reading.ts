import type { Clock, Topic } from '@millrace/model';
import type { Committed, Tail, TailFromOptions, TailOptions, View } from '../contract.js';
import { ViewCopy } from '../shell/view-copy.js';
import type { Feeds } from './feeds.js';
import type { KafkaLog } from './options.js';
import { positionOf, stateKeyParts, type LogRecord } from './records.js';

export interface ReadingParts {
  readonly feeds: Feeds;
  readonly clock: Clock;
  readonly log: KafkaLog;
}

/** The record as readers see it; undefined for the bookkeeping of processors. @throws when it cannot be read */
function committed<Value>(topic: Topic<Value>, record: LogRecord, partition: number): Committed<Value> | undefined {
  const value = record.text === null ? null : topic.decode(record.parsed());
  if (topic.kind !== 'state') return { key: record.key, id: '', value, partition, position: positionOf(record.offset) };
  const parts = stateKeyParts(record.key);
  return parts && { ...parts, value, partition, position: 0 };
}

/** A record that cannot be read is passed, and said: a reader must not end because somebody wrote nonsense. */
function readable<Value>(
  { log }: ReadingParts,
  topic: Topic<Value>,
  record: LogRecord,
  partition: number,
): Committed<Value> | undefined {
  try {
    return committed(topic, record, partition);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    log.error({ topic: topic.name, partition, offset: record.offset, reason }, 'A record cannot be read; it is passed');
    return undefined;
  }
}

const isOfKey = <Value>(topic: Topic<Value>, { key }: LogRecord, wanted: string | undefined): boolean =>
  wanted === undefined || (topic.kind === 'state' ? stateKeyParts(key)?.key : key) === wanted;

/** New records as they are committed. A listener that throws ends its own tail and nothing else. */
export async function openTail<Value>(
  parts: ReadingParts,
  topic: Topic<Value>,
  { key, from = 'now', onRecord, onError }: TailOptions<Value>,
): Promise<Tail> {
  let closed = false;
  let close = (): void => {
    closed = true;
  };
  const following = await parts.feeds.follow(
    topic,
    (record, partition) => {
      if (closed || !isOfKey(topic, record, key)) return;
      const readableRecord = readable(parts, topic, record, partition);
      if (readableRecord === undefined) return;
      try {
        onRecord(readableRecord);
      } catch (thrown) {
        close();
        onError?.(thrown);
      }
    },
    from === 'start',
  );
  if (closed) following.close();
  close = () => {
    closed = true;
    following.close();
  };
  return { caughtUp: () => following.caughtUp(), close: () => close() };
}

/** New records from given places on. A listener that throws ends its own tail and nothing else. */
export async function openTailFrom<Value>(
  parts: ReadingParts,
  topic: Topic<Value>,
  { from, onRecord, onError }: TailFromOptions<Value>,
): Promise<Tail> {
  let closed = false;
  let close = (): void => {
    closed = true;
  };
  const listener = (record: LogRecord, partition: number): void => {
    if (closed) return;
    const told = readable(parts, topic, record, partition);
    if (told === undefined) return;
    const { key, id, value } = told;
    try {
      onRecord({ key, id, value, partition, offset: record.offset, writtenAt: record.timestamp });
    } catch (thrown) {
      close();
      onError?.(thrown);
    }
  };
  const following = await parts.feeds.followFrom(topic, listener, from);
  if (closed) following.close();
  close = () => {
    closed = true;
    following.close();
  };
  return { caughtUp: () => following.caughtUp(), close: () => close() };
}

/** A copy of a state topic: read once, then followed. */
export async function openView<Value>(parts: ReadingParts, topic: Topic<Value>): Promise<View<Value>> {
  const copy = new ViewCopy<Value>(parts.clock);
  const following = await parts.feeds.follow(
    topic,
    (record, partition) => {
      const change = readable(parts, topic, record, partition);
      if (change !== undefined) copy.change(change);
    },
    true,
  );
  return copy.view({ refresh: () => following.caughtUp(), close: () => following.close() });
}
