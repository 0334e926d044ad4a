import { randomBytes } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import {
  createTopics,
  INDEX_PROGRESS_ID,
  indexProgressKey,
  keyOf,
  outgoing,
  type ExecutionHead,
  type IndexProgress,
  type LogEntry,
  type OutgoingRecord,
  type Topics,
} from '@millrace/model';
import { createIndexer, type IndexerOptions } from '@millrace/indexer';
import type { View } from '@millrace/queue';
import { createKafkaQueue, KAFKA_DEFAULTS, type KafkaQueue } from '@millrace/queue/kafka';
import { INDEXED_TOPICS, type IndexStore } from '@millrace/repository';
import { createMetrics, systemClock, type Logger, type Service } from '@millrace/service';

export const START = Date.parse('2024-05-06T07:08:09Z');

/** Servers on real brokers; every world has topics of its own. */
export class ACluster {
  readonly topics: Topics;
  readonly prefix = `indexer-${randomBytes(5).toString('hex')}-`;
  /** Of the indexers' log: level and message. */
  readonly lines: string[] = [];
  readonly log: Logger;
  readonly #open: KafkaQueue[] = [];
  readonly #services: Service[] = [];

  constructor(
    readonly brokers: readonly string[],
    partitions: number,
  ) {
    this.topics = createTopics({ executionPartitions: partitions, resourcePartitions: 1 });
    const add =
      (level: string) =>
      (_fields: object, message: string): void =>
        void this.lines.push(`${level} ${message}`);
    this.log = {
      debug: () => undefined,
      info: add('info'),
      warn: add('warn'),
      error: add('error'),
      child: () => this.log,
    };
  }

  async queue(): Promise<KafkaQueue> {
    const quiet = { ...this.log, info: () => undefined, warn: () => undefined };
    const queue = await createKafkaQueue({
      clock: systemClock,
      instance: `server-${this.#open.length + 1}`,
      connection: { ...KAFKA_DEFAULTS, brokers: this.brokers },
      topicSettings: {
        prefix: this.prefix,
        replicationFactor: 1,
        create: 'create',
        // Records carry times long past.
        overrides: { '*': { 'retention.ms': '-1' } },
      },
      group: { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 3_000 },
      topics: Object.values({ ...this.topics, jobs: this.topics.deadLetters }),
      log: quiet,
    });
    this.#open.push(queue);
    return queue;
  }

  /** An indexer with a queue of its own. */
  async indexer(
    store: IndexStore,
    options: Partial<IndexerOptions> = {},
  ): Promise<{ readonly service: Service; readonly queue: KafkaQueue }> {
    const queue = await this.queue();
    const service = createIndexer({
      queue,
      topics: this.topics,
      open: async () => store,
      context: {
        instance: `indexer-${randomBytes(5).toString('hex')}`,
        clock: systemClock,
        log: this.log,
        metrics: createMetrics({ process: false }),
      },
      batchSize: 500,
      refreshIntervalMs: 200,
      retention: {},
      ...options,
    });
    await service.start();
    this.#services.push(service);
    return { service, queue };
  }

  /** Where the logs of what is indexed end, by topic and partition. */
  async ends(): Promise<ReadonlyMap<string, number>> {
    const admin = new Kafka({ brokers: [...this.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const found = new Map<string, number>();
      for (const name of INDEXED_TOPICS) {
        for (const { partition, high } of await admin.fetchTopicOffsets(`${this.prefix}${name}`))
          found.set(`${name}/${partition}`, Number(high));
      }
      return found;
    } finally {
      await admin.disconnect();
    }
  }

  async dispose(): Promise<void> {
    for (const queue of this.#open.splice(0)) queue.kill();
    await Promise.all(this.#services.splice(0).map((service) => service.stop().catch(() => undefined)));
  }
}

/** Waits until the index has all of `wanted` (a view's changes tell), by topic and partition. */
export function reached(
  progress: View<IndexProgress>,
  wanted: ReadonlyMap<string, number>,
  of: (topicAndPartition: string) => number | undefined = (name) => {
    const [topic = '', partition = ''] = name.split('/');
    return progress.get(indexProgressKey(topic, Number(partition)), INDEX_PROGRESS_ID)?.searchable;
  },
): Promise<void> {
  const holds = (): boolean => [...wanted].every(([name, offset]) => (of(name) ?? -1) >= offset);
  if (holds()) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = progress.onChange(() => {
      if (!holds()) return;
      stop();
      resolve();
    });
  });
}

export const aHead = (executionId: string, rest: Partial<ExecutionHead> = {}): ExecutionHead => ({
  kind: 'head',
  format: 1,
  tenant: 'main',
  executionId,
  namespace: 'company.team',
  flowId: 'flow',
  flowRevision: 1,
  state: 'RUNNING',
  histories: [{ state: 'CREATED', date: START }],
  labels: [],
  originalId: executionId,
  attemptNumber: 1,
  generation: 1,
  sequence: 0,
  progress: { section: 'tasks', nextLane: 0, openLanes: 0, active: 0, failed: 0, warning: 0, killed: 0 },
  claims: {},
  retrying: 0,
  revision: 1,
  ...rest,
});

export const aLogEntry = (executionId: string, lineNumber: number, message: string): LogEntry => ({
  tenant: 'main',
  namespace: 'company.team',
  flowId: 'flow',
  executionId,
  timestamp: START + lineNumber,
  level: 'INFO',
  message,
  taskRunSequence: 1,
  lineNumber,
});

/** Executions e`from` … that have come to `revision`, and a log entry of each; with the first, what they were created with. */
export const recordsOf = (topics: Topics, from: number, count: number, revision: number): readonly OutgoingRecord[] =>
  Array.from({ length: count }, (_, at) => `e${from + at}`).flatMap((id) => [
    outgoing({
      topic: topics.executions,
      key: keyOf('main', id),
      id: 'head',
      value: aHead(id, { revision, state: revision > 1 ? 'SUCCESS' : 'RUNNING' }),
    }),
    ...(revision === 1 ? [createdRecord(topics, aHead(id))] : []),
    outgoing({ topic: topics.logs, key: keyOf('main', id), value: aLogEntry(id, revision, 'hello') }),
  ]);

const createdRecord = (
  topics: Topics,
  { tenant, executionId, namespace, flowId, flowRevision, originalId }: ExecutionHead,
): OutgoingRecord =>
  outgoing({
    topic: topics.executions,
    key: keyOf(tenant, executionId),
    id: 'created',
    value: { kind: 'created', tenant, executionId, namespace, flowId, flowRevision, inputs: {}, originalId },
  });
