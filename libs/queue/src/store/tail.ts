import type { Topic } from '@millrace/model';
import type { Committed, Tail, TailOptions } from '../contract.js';
import { partitionIn } from '../shell/partition-of.js';
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
    const waiting = held;
    const isNew = await tellWhatIsKept(parts, topic, waiting, tell);
    // What listeners cause while they are told joins the end.
    for (const record of waiting) if (isNew(record)) follow(record);
    held = undefined;
  } catch (thrown) {
    close();
    throw thrown;
  }
  return tail;
}

/**
 * Tells what the store has; answers which of the records that came meanwhile, collected in `waiting`, were not among it.
 */
async function tellWhatIsKept<Value>(
  { store }: QueueParts,
  topic: Topic<Value>,
  waiting: readonly CommittedRecord[],
  tell: (key: string, record: () => Committed<Value>) => void,
): Promise<(record: CommittedRecord) => boolean> {
  if (topic.kind === 'state') {
    const changed = changedRecords(waiting);
    await store.scan(topic, ({ key, id, text }) => {
      // What is read of a record after its change is what waits to be told: told here too, it would come twice.
      if (changed({ key, id })) return;
      const partition = partitionIn(topic, key);
      tell(key, () => ({ key, id, partition, position: 0, value: topic.decode(JSON.parse(text)) }));
    });
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

type RecordName = Pick<CommittedRecord, 'key' | 'id'>;

/** Tells whether a record is among those that have come so far; `records` grows. */
function changedRecords(records: readonly CommittedRecord[]): (record: RecordName) => boolean {
  const nameOf = ({ key, id }: RecordName): string => JSON.stringify([key, id]);
  const names = new Set<string>();
  let known = 0;
  return (record) => {
    if (known < records.length) {
      for (const changed of records.slice(known)) names.add(nameOf(changed));
      known = records.length;
    }
    return names.has(nameOf(record));
  };
}
