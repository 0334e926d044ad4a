import type { Admin } from 'kafkajs';
import { QueueError } from '../contract.js';
import { waitForBroker } from './broker-time.js';
import { kafkaError } from './failure.js';
import type { DeclaredTopic, KafkaTopicSettings } from './options.js';

const TIMEOUT_MS = 30_000;
/** Looks for partitions that were added, with growing waits in between. */
const SHOWN_TRIES = 12;
const ADDED_ALREADY = new Set(['INVALID_PARTITIONS', 'REASSIGNMENT_IN_PROGRESS']);

export interface GrowthParts {
  readonly admin: Admin;
  readonly settings: KafkaTopicSettings;
  /** By Kafka's name. */
  partitionCounts(): Promise<ReadonlyMap<string, number>>;
}

/** Gives each topic so many partitions as there shall be, and waits until the brokers show them. */
export async function addPartitions(
  { admin, settings, partitionCounts }: GrowthParts,
  topics: readonly DeclaredTopic[],
  partitions: number,
): Promise<void> {
  const nameOf = ({ name }: DeclaredTopic): string => `${settings.prefix}${name}`;
  const there = await partitionCounts();
  const smaller = topics.filter((topic) => (there.get(nameOf(topic)) ?? 0) < partitions);
  if (smaller.length === 0) return;
  if (settings.create === 'verify') throw missingPartitions(smaller, partitions, settings);
  const topicPartitions = smaller.map((topic) => ({ topic: nameOf(topic), count: partitions }));
  await admin.createPartitions({ topicPartitions, timeout: TIMEOUT_MS }).catch(async (thrown: unknown) => {
    // Another server has added them meanwhile, or some of them: looked at below.
    if (!ADDED_ALREADY.has(kafkaError(firstOf(thrown)) ?? '')) throw thrown;
  });
  for (let failures = 0; ; failures++) {
    const now = await partitionCounts();
    if (topics.every((topic) => (now.get(nameOf(topic)) ?? 0) >= partitions)) return;
    if (failures === SHOWN_TRIES) throw new Error(`The brokers do not show ${partitions} partitions yet`);
    await waitForBroker(failures);
  }
}

const missingPartitions = (
  topics: readonly DeclaredTopic[],
  partitions: number,
  { prefix }: KafkaTopicSettings,
): QueueError => {
  const commands = topics.map(
    ({ name }) => `  kafka-topics.sh --alter --topic ${prefix}${name} --partitions ${partitions}`,
  );
  return new QueueError(
    'QUEUE_MISMATCH',
    `${topics.length} topics have fewer than ${partitions} partitions and kafka.create-topics is 'verify'. Add them and start this server again, or set it to 'create':\n${commands.join('\n')}`,
    false,
  );
};

/** The client gathers the failures of several topics in one. */
export const firstOf = (thrown: unknown): unknown =>
  typeof thrown === 'object' && thrown !== null && 'errors' in thrown && Array.isArray(thrown.errors)
    ? (thrown.errors.find((error: unknown) => kafkaError(error) !== 'TOPIC_ALREADY_EXISTS') ?? thrown)
    : thrown;
