import { Kafka, logLevel } from 'kafkajs';
import { keyOf, outgoing } from '@millrace/model';
import { startKafka, type KafkaServers } from '../../../libs/testing/src/servers/index.js';
import { describeWithKafka } from '../../../libs/testing/test/with-servers.js';
import { AnIndex } from './an-index.js';
import { ACluster, aHead, aLogEntry, reached } from './a-cluster.js';

const PARTITIONS = 4;

describeWithKafka('indexers on real brokers', () => {
  jest.setTimeout(180_000);
  let servers: KafkaServers;
  let cluster: ACluster;
  beforeAll(async () => (servers = await startKafka()));
  beforeEach(() => (cluster = new ACluster(servers.addresses, PARTITIONS)));
  afterEach(() => cluster.dispose());
  afterAll(() => servers.stop());

  const ends = async (...names: readonly string[]): Promise<ReadonlyMap<string, number>> => {
    const admin = new Kafka({ brokers: [...servers.addresses], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const found = new Map<string, number>();
    for (const name of names) {
      for (const { partition, high } of await admin.fetchTopicOffsets(`${cluster.prefix}${name}`))
        found.set(`${name}/${partition}`, Number(high));
    }
    await admin.disconnect();
    return found;
  };

  const publish = async (queue: Awaited<ReturnType<ACluster['queue']>>, from: number, count: number): Promise<void> => {
    const { executions, logs } = cluster.topics;
    await queue.publish(
      Array.from({ length: count }, (_, at) => `e${from + at}`).flatMap((id) => [
        outgoing({ topic: executions, key: keyOf('main', id), id: 'head', value: aHead(id) }),
        outgoing({ topic: logs, key: keyOf('main', id), value: aLogEntry(id, 1, 'hello') }),
      ]),
    );
  };

  it('two share the partitions; when one is killed the other has its share, and nothing is missing', async () => {
    const index = new AnIndex();
    const publisher = await cluster.queue();
    const progress = await publisher.view(cluster.topics.indexProgress);
    await publish(publisher, 0, 300);
    const one = await cluster.indexer(index);
    await cluster.indexer(index);
    await publish(publisher, 300, 300);
    await reached(progress, await ends('executions', 'logs'));
    one.queue.kill();
    await publish(publisher, 600, 300);
    const wanted = await ends('executions', 'logs', 'task-runs', 'metrics', 'triggers');
    await reached(progress, wanted);
    for (const [name, end] of wanted) {
      for (let offset = 0; offset < end; offset++) expect(index.searchable.has(`${name}/${offset}`)).toBe(true);
    }
    expect(index.written.size).toBe(2 * 900);
  });

  it('the whole index is down for longer than a session: partitions stay, memory stays, all arrives', async () => {
    const index = new AnIndex();
    const publisher = await cluster.queue();
    const progress = await publisher.view(cluster.topics.indexProgress);
    await cluster.indexer(index);
    index.isDown = true;
    await publish(publisher, 0, 2_000);
    // Meanwhile another joins, and is killed: its session ends by time.
    const passing = new AnIndex();
    const other = await cluster.indexer(passing);
    passing.isDown = true;
    other.queue.kill();
    index.isDown = false;
    await reached(progress, await ends('executions', 'logs'));
    expect(new Set([...index.written.keys(), ...passing.written.keys()]).size).toBe(4_000);
    const outages = cluster.lines.filter((line) => line.startsWith('warn The index cannot be written'));
    expect(outages.length).toBeLessThanOrEqual(2);
  });

  it('a member that stops leaves at once, and goes on where it was', async () => {
    const index = new AnIndex();
    const publisher = await cluster.queue();
    const progress = await publisher.view(cluster.topics.indexProgress);
    const first = await cluster.indexer(index);
    await publish(publisher, 0, 100);
    await reached(progress, await ends('executions', 'logs'));
    await first.service.stop();
    await publish(publisher, 100, 50);
    await cluster.indexer(index);
    await reached(progress, await ends('executions', 'logs'));
    expect(index.written.size).toBe(300);
    expect(new Set(index.written.values())).toEqual(new Set([1]));
  });
});
