import type { Topic } from '@millrace/model';
import type { Committed, Tail, TailOptions } from '../contract.js';
import { partitionOf } from '../shell/partition-of.js';
import type { CommittedRecord } from './contract.js';
import type { QueueParts } from './process.js';

/** Events read from the store at a time. */
const PAGE = 500;

/** Records as they become durable, after those that are kept when wanted. A listener that throws ends its own tail only. */
export async function openTail<Value>(
  parts: QueueParts,
  topic: Topic<Value>,
  options: TailOptions<Value>,
): Promise<Tail> {
  const { store, subscriptions } = parts;
  await store.declare(topic);
  let closed = false;
  const tell = (key: string, record: () => Committed<Value>): void => {
    if (closed || (options.key !== undefined && options.key !== key)) return;
    try {
      options.onRecord(record());
    } catch (thrown) {
      close();
      options.onError?.(thrown);
    }
  };
  const follow = ({ key, id, partition, position, text, value }: CommittedRecord): void =>
    tell(key, () => ({ key, id, partition, position, value: text === null ? null : topic.decode(value) }));
  /** What comes while the past is told; undefined when that is over. */
  let held: CommittedRecord[] | undefined = options.from === 'start' ? [] : undefined;
  const unsubscribe = subscriptions.add(topic.name, (record) => {
    if (held === undefined) follow(record);
    else held.push(record);
  });
  const close = (): void => {
    closed = true;
    unsubscribe();
  };
  // Told in the turn in which it becomes durable.
  const tail: Tail = { caughtUp: () => Promise.resolve(), close };
  if (held === undefined) return tail;
  try {
    const isNew = await tellWhatIsKept(parts, topic, tell);
    const waiting = held;
    held = undefined;
    for (const record of waiting) if (isNew(record)) follow(record);
  } catch (thrown) {
    close();
    throw thrown;
  }
  return tail;
}

/** Tells what the store has; answers which of the records that came meanwhile were not among it. */
async function tellWhatIsKept<Value>(
  { store }: QueueParts,
  topic: Topic<Value>,
  tell: (key: string, record: () => Committed<Value>) => void,
): Promise<(record: CommittedRecord) => boolean> {
  if (topic.kind === 'state') {
    // A record that changes meanwhile is told once more: its newest value comes last.
    await store.scan(topic, ({ key, id, text }) =>
      tell(key, () => ({
        key,
        id,
        partition: partitionOf(key, topic.partitions),
        position: 0,
        value: topic.decode(JSON.parse(text)),
      })),
    );
    return () => true;
  }
  const told = new Map<number, number>();
  for (let partition = 0; partition < topic.partitions; partition++) {
    for (let after = 0; ;) {
      const rows = await store.read(topic, partition, after, PAGE);
      for (const { key, position, text } of rows) {
        tell(key, () => ({ key, id: '', partition, position, value: topic.decode(JSON.parse(text)) }));
        after = position;
      }
      told.set(partition, after);
      if (rows.length < PAGE) break;
    }
  }
  return ({ partition, position }) => position > (told.get(partition) ?? 0);
}
