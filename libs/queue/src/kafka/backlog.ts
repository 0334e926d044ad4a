import type { StoredTopic } from '../shell/commit.js';
import { waitForBroker } from './broker-time.js';
import { asQueueError, kafkaError } from './failure.js';
import type { KafkaParts } from './parts.js';
import { EARLIEST, LATEST, offsetsAt, readRange } from './range.js';

/** So few offsets are looked at one by one: the end of a transaction takes an offset, too, and is no record. */
const LOOKED_AT_MAX = 10;

/** Repeats of a look-up: about three seconds. */
const PATIENCE = 8;
const MOVING: ReadonlySet<string> = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
]);

type Offsets = ReadonlyMap<number, number>;

/**
 * How many records of each partition wait for whoever reads the topic: a processor by name, the workers of a topic of jobs, or
 * somebody who tells how far it is. Of jobs that were removed some may still be counted.
 */
export async function backlogOf(
  parts: Pick<KafkaParts, 'wire' | 'topics' | 'admin' | 'brokers'>,
  topic: StoredTopic,
  reader: string | Offsets,
): Promise<Offsets> {
  const { wire, topics, brokers } = parts;
  const name = topics.nameOf(topic);
  try {
    await topics.ensure([topic]);
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition);
    const [ends, starts, done] = await Promise.all([
      offsetsAt(wire, name, partitions, LATEST),
      offsetsAt(wire, name, partitions, EARLIEST),
      typeof reader === 'string'
        ? committed(parts, topic.kind === 'jobs' ? name : topics.nameOf({ name: reader }), name)
        : reader,
    ]);
    const waiting = partitions.map(async (partition) => {
      const from = Math.max(done.get(partition) ?? 0, starts.get(partition) ?? 0);
      return [partition, await countFrom(parts, name, partition, from, ends.get(partition) ?? 0)] as const;
    });
    return new Map(await Promise.all(waiting));
  } catch (thrown) {
    await wire.recover(thrown);
    throw asQueueError(thrown, `What waits in '${topic.name}' cannot be counted`, brokers);
  }
}

/** What the group has stored; it is brought up to date every few seconds. */
async function committed({ admin }: Pick<KafkaParts, 'admin'>, groupId: string, topic: string): Promise<Offsets> {
  const client = await admin();
  const [found] = await withCoordinator(() => client.fetchOffsets({ groupId, topics: [topic] }));
  return new Map(
    (found?.partitions ?? []).map(({ partition, offset }) => [partition, Math.max(0, Number(offset))] as const),
  );
}

/** A coordinator that has just begun, or moved, answers in a moment. */
async function withCoordinator<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    try {
      return await ask();
    } catch (thrown) {
      if (failures === PATIENCE || !MOVING.has(kafkaError(thrown) ?? '')) throw thrown;
      await waitForBroker(failures);
    }
  }
}

async function countFrom(
  { wire }: Pick<KafkaParts, 'wire'>,
  topic: string,
  partition: number,
  from: number,
  until: number,
): Promise<number> {
  if (until - from > LOOKED_AT_MAX || until <= from) return Math.max(0, until - from);
  let count = 0;
  await readRange(wire, { topic, partition, from, until, onRecords: (records) => (count += records.length) });
  return count;
}
