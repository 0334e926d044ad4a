import { randomBytes } from 'node:crypto';
import { ledgerTopics } from '../../testing/src/queue-contract/ledger.js';
import type { MakeHarness, Server } from '../../testing/src/queue-contract/index.js';
import { DEAD_LETTERS } from '../src/index.js';
import { removedTopic } from '../src/kafka/job-topics.js';
import { createKafkaQueue, KAFKA_DEFAULTS, type KafkaQueue } from '../src/kafka/index.js';

export const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Records carry the test's time, long past for the broker, which would remove them by its own. Not of the events: that they
 * are kept until they were applied is the queue's to see to.
 */
const FOREVER = { 'retention.ms': '-1' };
const { notes, lines, jobs } = ledgerTopics(1);
const KEPT = Object.fromEntries(
  [notes, lines, jobs, removedTopic(jobs), DEAD_LETTERS].map(({ name }) => [name, FOREVER]),
);

/** Servers on a real broker; each test has topics of its own, told apart by their prefix. */
export const kafkaHarness =
  (brokers: () => readonly string[]): MakeHarness =>
  (clock) => {
    const prefix = `test-${randomBytes(6).toString('hex')}-`;
    const queues: KafkaQueue[] = [];
    const killed = new Set<KafkaQueue>();
    return {
      clock,
      async start(faults): Promise<Server> {
        const queue = await createKafkaQueue(
          {
            clock,
            instance: `server-${queues.length + 1}`,
            connection: { ...KAFKA_DEFAULTS, brokers: brokers() },
            topicSettings: { prefix, replicationFactor: 1, create: 'create', overrides: KEPT },
            // The least that the test broker allows: a dead member's partitions are free after a second.
            group: { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 2_000 },
            topics: [],
            log: QUIET,
            // Time is the test's, and the broker has its own.
            clockToleranceMs: Infinity,
          },
          faults === undefined ? {} : { faults },
        );
        queues.push(queue);
        return {
          queue,
          kill() {
            killed.add(queue);
            queue.kill();
          },
        };
      },
      async settle() {
        await Promise.all(queues.filter((queue) => !killed.has(queue)).map((queue) => queue.quiet()));
      },
      async dispose() {
        for (const queue of queues) queue.kill();
      },
    };
  };
