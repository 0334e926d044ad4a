import { Kafka, logLevel } from 'kafkajs';
import { randomBytes } from 'node:crypto';
import { systemClock } from '@millrace/service';
import { startKafka, type KafkaServers } from '../../testing/src/servers/index.js';
import { ledger, ledgerTopics } from '../../testing/src/queue-contract/ledger.js';
import { collect, told } from '../../testing/src/queue-contract/setting.js';
import { partitionOf } from '../src/index.js';
import { createKafkaQueue, KAFKA_DEFAULTS, type KafkaQueue } from '../src/kafka/index.js';
import { describeWithKafka } from '../../testing/test/with-servers.js';
import { QUIET } from './kafka-harness.js';

const topics = ledgerTopics(1);

/** A key for each partition. */
function keysOfAll(partitions: number): readonly string[] {
  const keys = new Map<number, string>();
  for (let at = 0; keys.size < partitions; at++) keys.set(partitionOf(`key-${at}`, partitions), `key-${at}`);
  return [...keys.values()];
}

describeWithKafka('logs that are long, or not what they were', () => {
  jest.setTimeout(120_000);
  let servers: KafkaServers;
  let prefix: string;
  const open: KafkaQueue[] = [];
  beforeAll(async () => (servers = await startKafka()));
  beforeEach(() => (prefix = `logs-${randomBytes(5).toString('hex')}-`));
  afterEach(() => void open.splice(0).map((queue) => queue.kill()));
  afterAll(() => servers.stop());

  async function start(): Promise<KafkaQueue> {
    const queue = await createKafkaQueue({
      clock: systemClock,
      instance: `server-${open.length + 1}`,
      connection: { ...KAFKA_DEFAULTS, brokers: servers.addresses },
      topicSettings: { prefix, replicationFactor: 1, create: 'create', overrides: {} },
      group: { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 2_000 },
      topics: [],
      log: QUIET,
    });
    open.push(queue);
    return queue;
  }

  it('a processor that is behind in more partitions than one answer holds misses nothing', async () => {
    const PARTITIONS = 48;
    const EVENTS = 20;
    const wide = ledgerTopics(PARTITIONS);
    const queue = await start();
    // A megabyte in every partition: together more than the 16 MB of an answer.
    const text = 'x'.repeat(50_000);
    for (let at = 0; at < EVENTS; at++) {
      const records = keysOfAll(PARTITIONS).map((key) => ({
        topic: wide.events,
        key,
        value: { kind: 'add', amount: 1, text },
      }));
      await queue.publish(records);
    }
    const decided = new Map<string, number>();
    await new Promise<void>((resolve, reject) => {
      let count = 0;
      const context = (key: string, _state: unknown, _input: unknown, now: number) => {
        decided.set(key, (decided.get(key) ?? 0) + 1);
        if (++count === PARTITIONS * EVENTS) resolve();
        return { now };
      };
      queue.process(ledger(wide, { context })).catch(reject);
    });
    expect(new Set(decided.values())).toEqual(new Set([EVENTS]));
  });

  it('a processor refuses a topic that is shorter than what it has applied', async () => {
    const first = await start();
    const notes = await collect(first, topics.notes);
    const running = await first.process(ledger(topics));
    for (let amount = 1; amount <= 10; amount++)
      await first.publish([{ topic: topics.events, key: 'a', value: { kind: 'add', amount } }]);
    await notes.until(told('added 10'));
    await running.close();
    await first.close();
    const admin = new Kafka({ brokers: [...servers.addresses], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [`${prefix}${topics.events.name}`] });
    await admin.disconnect();
    const second = await start();
    await second.publish([{ topic: topics.events, key: 'a', value: { kind: 'add', amount: 11 } }]);
    await expect(second.process(ledger(topics))).rejects.toMatchObject({
      code: 'QUEUE_MISMATCH',
      message: expect.stringMatching(/'ledger' stopped after position 10 .*the log ends at 1: the topic was made anew/),
    });
  });

  it('what waits for the end of a topic is refused when the queue is closed', async () => {
    const queue = await start();
    const view = await queue.view(topics.heads);
    const frozen = Promise.all(Array.from({ length: 20 }, () => view.refresh()));
    queue.kill();
    await expect(frozen).rejects.toMatchObject({ name: 'QueueError' });
  });
});
