import { Kafka, logLevel, type Consumer } from 'kafkajs';

/** A record as it lies in a topic. */
export interface TopicRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When it was written, in milliseconds since the epoch, by the writer's clock. */
  readonly timestamp: number;
  readonly key: string;
  readonly value: unknown;
}

/** Everything that is committed in some topics, as it comes; read with the client's own consumer, not with the product's. */
export interface TopicReader {
  /** In the order of each partition; none when each is handed on. */
  readonly records: readonly TopicRecord[];
  /** Resolves when `holds` is true; looked at after each batch, and from time to time. */
  until(holds: () => boolean): Promise<void>;
  /** When the last record came, in milliseconds since the epoch. */
  lastAt(): number;
  close(): Promise<void>;
}

const clientOf = (brokers: readonly string[]): Kafka =>
  new Kafka({
    brokers: [...brokers],
    clientId: 'checker',
    logLevel: logLevel.NOTHING,
    // A broker that was killed must not hold the checker up for the client's own thirty seconds.
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 1_000 },
  });

/** Writes every record of a topic once more, in another partition: what a repeated hand-over looks like. */
export async function startDoubler(brokers: readonly string[], topic: string): Promise<{ close(): Promise<void> }> {
  const kafka = clientOf(brokers);
  const producer = kafka.producer();
  const consumer = kafka.consumer({ groupId: `doubler-${topic}`, maxWaitTimeInMs: 50 });
  await Promise.all([producer.connect(), consumer.connect()]);
  const doubled = new Set<string>();
  await consumer.subscribe({ topics: [topic], fromBeginning: false });
  const joined = new Promise<void>((resolve) => void consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const again = batch.messages.filter(({ key, value }) => value !== null && !doubled.has(String(key)));
      for (const { key } of again) doubled.add(String(key));
      if (again.length > 0)
        await producer.send({
          topic,
          messages: again.map(({ key, value }) => ({ key, value, partition: (batch.partition + 1) % 2 })),
        });
    },
  });
  await joined;
  return {
    async close() {
      await consumer.disconnect();
      await producer.disconnect();
    },
  };
}

/** @param onRecord is given each record, in the order of its partition, instead of keeping it: long runs have many */
export async function readTopics(
  brokers: readonly string[],
  prefix: string,
  names: readonly string[],
  onRecord?: (record: TopicRecord) => void,
): Promise<TopicReader> {
  const kafka = clientOf(brokers);
  const records: TopicRecord[] = [];
  const keep = onRecord ?? ((record: TopicRecord) => void records.push(record));
  /** Of each partition, the offset that comes next. */
  const next = new Map<string, number>();
  const waiting = new Set<() => void>();
  let lastAt = Date.now();
  const consumer: Consumer = kafka.consumer({
    groupId: `checker-${prefix}${names.join()}`,
    maxWaitTimeInMs: 200,
    // Partitions that are added must be seen soon.
    metadataMaxAge: 1_000,
    sessionTimeout: 10_000,
  });
  await consumer.connect();
  await consumer.subscribe({ topics: names.map((name) => prefix + name), fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const place = `${batch.topic}/${batch.partition}`;
      for (const { key, value, offset, timestamp } of batch.messages) {
        // The client starts again from the beginning when it has lost its group.
        if (Number(offset) < (next.get(place) ?? 0)) continue;
        next.set(place, Number(offset) + 1);
        keep({
          topic: batch.topic.slice(prefix.length),
          partition: batch.partition,
          offset: Number(offset),
          timestamp: Number(timestamp),
          key: key?.toString('utf8') ?? '',
          value: value === null ? null : JSON.parse(value.toString('utf8')),
        });
      }
      lastAt = Date.now();
      for (const check of waiting) check();
    },
  });
  return {
    records,
    lastAt: () => lastAt,
    until: (holds) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!holds()) return;
          clearInterval(timer);
          waiting.delete(check);
          resolve();
        };
        const timer = setInterval(check, 500);
        waiting.add(check);
        check();
      }),
    close: () => consumer.disconnect(),
  };
}
