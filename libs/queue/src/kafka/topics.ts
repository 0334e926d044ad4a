import type { Admin, ITopicConfig } from 'kafkajs';
import { QueueError } from '../contract.js';
import { KEY_LENGTH_MAX, RECORD_LENGTH_MAX } from '../shell/encode.js';
import { asQueueError } from './failure.js';
import type { DeclaredTopic, KafkaLog, KafkaTopicSettings } from './options.js';
import { addPartitions, firstOf } from './partition-growth.js';

const DAY_MS = 24 * 3_600_000;
/** A record of 900,000 characters has at most three times as many bytes. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** The largest record that Millrace accepts: three bytes a character, its key and id, its headers and what Kafka adds. */
export const MESSAGE_BYTES_LEAST = 3 * (RECORD_LENGTH_MAX + 2 * KEY_LENGTH_MAX) + 4_096;
/** Small segments, so that compaction has something to do: only closed ones are compacted. */
const STATE_SEGMENT_BYTES = 32 * 1024 * 1024;
const CREATE_TIMEOUT_MS = 30_000;

/** The topics that this process uses: made when they are missing, checked when they are there, each once. */
export interface TopicCatalog {
  /** Kafka's name of a topic: the prefix before ours. */
  nameOf(topic: Pick<DeclaredTopic, 'name'>): string;
  /** @throws QueueError QUEUE_MISMATCH when a topic is not as it must be, or is missing and may not be made */
  ensure(topics: readonly DeclaredTopic[]): Promise<void>;
  /**
   * Gives topics that are placed by execution as many partitions as the cluster has agreed on; resolves when the brokers show
   * them. More than those is no fault: others may be about to
   * agree on them. @throws QueueError QUEUE_MISMATCH when some are missing and none may be added
   */
  grow(topics: readonly DeclaredTopic[], partitions: number): Promise<void>;
  /** True when `ensure` has nothing to do: the hot path asks this first. */
  isKnown(topic: DeclaredTopic): boolean;
}

export interface TopicCatalogOptions {
  readonly admin: Admin;
  readonly settings: KafkaTopicSettings;
  readonly brokers: string;
  readonly log: KafkaLog;
}

export function createTopicCatalog(options: TopicCatalogOptions): TopicCatalog {
  const { admin, settings, brokers } = options;
  /** By name: the partition count that was found. */
  const known = new Map<string, number>();
  let ensuring: Promise<void> = Promise.resolve();
  const nameOf = ({ name }: Pick<DeclaredTopic, 'name'>): string => `${settings.prefix}${name}`;

  async function partitionCounts(): Promise<ReadonlyMap<string, number>> {
    const names = new Set(await admin.listTopics());
    const ours = [...names].filter((name) => name.startsWith(settings.prefix));
    if (ours.length === 0) return new Map();
    const { topics } = await admin.fetchTopicMetadata({ topics: ours });
    return new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
  }

  async function make(missing: readonly DeclaredTopic[]): Promise<void> {
    if (settings.create === 'verify') throw missingTopics(missing, settings);
    const topics = missing.map((topic) => creation(topic, settings));
    await admin.createTopics({ topics, waitForLeaders: true, timeout: CREATE_TIMEOUT_MS });
  }

  async function ensureNow(topics: readonly DeclaredTopic[]): Promise<void> {
    let there = await partitionCounts();
    for (const { cluster, ...topic } of topics) {
      const found = there.get(nameOf(topic));
      if (cluster?.isTold === false && found !== undefined) cluster.found(found);
    }
    const missing = topics.filter((topic) => !there.has(nameOf(topic)));
    if (missing.length > 0) {
      await make(missing);
      // Another server may have made some of them meanwhile, with another count.
      there = await partitionCounts();
    }
    for (const topic of topics) {
      // What is placed by execution is checked, and completed, when it is known what the cluster has agreed on.
      if (topic.cluster?.isTold !== false) checkPartitions(topic, there.get(nameOf(topic)) ?? topic.partitions);
    }
    const older = topics.filter((topic) => !missing.includes(topic));
    if (older.length > 0) await checkSettings(older, options);
    for (const topic of topics) known.set(topic.name, topic.partitions);
  }

  const isKnown = ({ name, partitions, cluster }: DeclaredTopic): boolean =>
    cluster === undefined ? known.get(name) === partitions : known.has(name);

  return {
    nameOf,
    isKnown,
    async grow(topics, partitions) {
      try {
        await addPartitions({ admin, settings, partitionCounts }, topics, partitions);
      } catch (thrown) {
        throw asQueueError(firstOf(thrown), 'Partitions cannot be added', brokers);
      }
    },
    async ensure(topics) {
      for (const topic of topics) {
        const found = known.get(topic.name);
        if (found !== undefined && topic.cluster === undefined) checkPartitions(topic, found);
      }
      const before = ensuring;
      const mine = (async () => {
        await before.catch(() => undefined);
        const unknown = [...new Map(topics.map((topic) => [topic.name, topic])).values()].filter(
          (topic) => !isKnown(topic),
        );
        if (unknown.length > 0) await ensureNow(unknown);
      })();
      ensuring = mine;
      try {
        await mine;
      } catch (thrown) {
        throw asQueueError(firstOf(thrown), 'The topics cannot be made or checked', brokers);
      }
    },
  };
}

function checkPartitions({ name, partitions }: DeclaredTopic, found: number): void {
  if (found === partitions) return;
  throw new QueueError(
    'QUEUE_MISMATCH',
    `Topic '${name}' was made with ${found} partitions and is to be used with ${partitions}: the keys would be looked for in other partitions. They are as the topic was made, and grow by kafka.partitions only: make the topic anew, or choose another kafka.topic-prefix`,
    false,
  );
}

const missingTopics = (missing: readonly DeclaredTopic[], settings: KafkaTopicSettings): QueueError => {
  const commands = missing.map((topic) => {
    const { topic: name, numPartitions, replicationFactor, configEntries = [] } = creation(topic, settings);
    const entries = configEntries.map(({ name: key, value }) => ` --config ${key}=${value}`).join('');
    return `  kafka-topics.sh --create --topic ${name} --partitions ${numPartitions} --replication-factor ${replicationFactor}${entries}`;
  });
  return new QueueError(
    'QUEUE_MISMATCH',
    `${missing.length} topics are missing and kafka.create-topics is 'verify'. Make them, or set it to 'create':\n${commands.join('\n')}`,
    false,
  );
};

/** How a topic is made. */
function creation(topic: DeclaredTopic, { prefix, replicationFactor, overrides }: KafkaTopicSettings): ITopicConfig {
  const entries = {
    ...settingsOf(topic),
    ...topic.settings,
    'min.insync.replicas': String(replicationFactor >= 3 ? 2 : 1),
    ...overrides['*'],
    ...overrides[topic.name],
  };
  return {
    topic: `${prefix}${topic.name}`,
    numPartitions: topic.partitions,
    replicationFactor,
    configEntries: Object.entries(entries).map(([name, value]) => ({ name, value })),
  };
}

function settingsOf({ kind, retentionMs, input }: DeclaredTopic): Readonly<Record<string, string>> {
  const all = { 'max.message.bytes': String(MESSAGE_BYTES_MAX), 'unclean.leader.election.enable': 'false' };
  switch (kind) {
    case 'state':
      return {
        ...all,
        'cleanup.policy': 'compact',
        'segment.bytes': String(STATE_SEGMENT_BYTES),
        'min.cleanable.dirty.ratio': '0.2',
        'max.compaction.lag.ms': String(DAY_MS),
      };
    case 'jobs':
      // Removed by the workers once they were handed out; a job may wait for a worker for as long as it takes.
      return { ...all, 'cleanup.policy': 'delete', 'retention.ms': '-1' };
    case 'events':
      // What a processor reads is removed by the processor, when it is old and applied.
      return {
        ...all,
        'cleanup.policy': 'delete',
        'retention.ms': input === true || retentionMs === undefined ? '-1' : String(retentionMs),
      };
    default:
      return kind satisfies never;
  }
}

const TOPIC_RESOURCE = 2;

/** A topic that an operator has made must not lose what is still needed. */
async function checkSettings(
  topics: readonly DeclaredTopic[],
  { admin, settings: { prefix }, log }: TopicCatalogOptions,
): Promise<void> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(({ name }) => ({ type: TOPIC_RESOURCE, name: `${prefix}${name}` })),
  });
  for (const { resourceName, configEntries } of resources) {
    const topic = topics.find(({ name }) => `${prefix}${name}` === resourceName);
    if (topic === undefined) continue;
    const valueOf = (name: string): string | undefined =>
      configEntries.find(({ configName }) => configName === name)?.configValue;
    const policy = valueOf('cleanup.policy') ?? '';
    if (topic.kind === 'state' && policy.includes('delete')) {
      throw wrongSetting(resourceName, `cleanup.policy is '${policy}', so state would be lost with time`, 'compact');
    }
    if (topic.kind !== 'state' && policy.includes('compact') && topic.kind === 'events') {
      throw wrongSetting(resourceName, `cleanup.policy is '${policy}', so events would be lost`, 'delete');
    }
    if (topic.input === true && valueOf('retention.ms') !== '-1') {
      log.warn(
        { topic: resourceName, retentionMs: valueOf('retention.ms') },
        'Kafka may remove events of this topic before they were applied: set its retention.ms to -1, Millrace removes what is old and done with',
      );
    }
    const bytes = Number(valueOf('max.message.bytes'));
    if (bytes < MESSAGE_BYTES_LEAST) {
      throw new QueueError(
        'QUEUE_MISMATCH',
        `Topic '${resourceName}' takes records of ${bytes} bytes only (max.message.bytes): set it to at least ${MESSAGE_BYTES_LEAST}`,
        false,
      );
    }
  }
}

const wrongSetting = (topic: string, what: string, policy: string): QueueError =>
  new QueueError('QUEUE_MISMATCH', `Topic '${topic}': ${what}: set its cleanup.policy to '${policy}'`, false);
