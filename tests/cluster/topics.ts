import { Kafka, logLevel, type Consumer } from 'kafkajs';

/** A record as it lies in a topic. */
export interface TopicRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: unknown;
}

/** Everything that is committed in some topics, as it comes; read with the client's own consumer, not with the product's. */
export interface TopicReader {
  /** In the order of each partition. */
  readonly records: readonly TopicRecord[];
  /** Resolves when `holds` is true; looked at after each batch, and from time to time. */
  until(holds: () => boolean): Promise<void>;
  /** When the last record came, in milliseconds since the epoch. */
  lastAt(): number;
  close(): Promise<void>;
}

export async function readTopics(
  brokers: readonly string[],
  prefix: string,
  names: readonly string[],
): Promise<TopicReader> {
  const kafka = new Kafka({
    brokers: [...brokers],
    clientId: 'checker',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 1_000 },
  });
  const records: TopicRecord[] = [];
  const seen = new Set<string>();
  const waiting = new Set<() => void>();
  let lastAt = Date.now();
  const consumer: Consumer = kafka.consumer({ groupId: `checker-${prefix}`, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topics: names.map((name) => prefix + name), fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { key, value, offset } of batch.messages) {
        // The client starts again from the beginning when it has lost its group.
        const place = `${batch.topic}/${batch.partition}/${offset}`;
        if (seen.has(place)) continue;
        seen.add(place);
        records.push({
          topic: batch.topic.slice(prefix.length),
          partition: batch.partition,
          offset: Number(offset),
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
