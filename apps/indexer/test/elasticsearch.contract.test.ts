import { Kafka, logLevel, type Admin } from 'kafkajs';
import { INDEXED_TOPICS } from '@millrace/repository';
import { indexerGroup, isReplayMark, keyOf, type DeadLetter } from '@millrace/model';
import { rebuildIndex } from '@millrace/indexer';
import type { KafkaQueue } from '@millrace/queue/kafka';
import { createMetrics, systemClock } from '@millrace/service';
import {
  startElasticsearch,
  startKafka,
  type ElasticsearchServer,
  type KafkaServers,
} from '../../../libs/testing/src/servers/index.js';
import { describeWithElasticsearch } from '../../../libs/testing/test/with-servers.js';
import { ACluster, aLogEntry, reached, recordsOf } from './a-cluster.js';
import { AnElasticsearch } from './an-elasticsearch.js';

const PARTITIONS = 4;

describeWithElasticsearch('the indexer between real Kafka and real Elasticsearch', () => {
  jest.setTimeout(420_000);
  let brokers: KafkaServers;
  let node: ElasticsearchServer;
  let cluster: ACluster;
  let index: AnElasticsearch;
  let admin: Admin;
  beforeAll(async () => {
    [brokers, node] = await Promise.all([startKafka(), startElasticsearch()]);
    admin = new Kafka({ brokers: [...brokers.addresses], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
  });
  beforeEach(() => {
    cluster = new ACluster(brokers.addresses, PARTITIONS);
    index = new AnElasticsearch(node.url, cluster.prefix);
  });
  afterEach(async () => {
    await cluster.dispose();
    await index.close();
  });
  afterAll(async () => {
    await admin?.disconnect();
    await Promise.all([brokers?.stop(), node?.stop()]);
  });

  /** What the index must show of `count` executions that have reached `revision`, each with an entry for each. */
  const expectIndex = async (count: number, revision: number): Promise<void> => {
    const heads = await index.records('executions');
    expect(heads).toHaveLength(count);
    expect(heads.filter((head) => head['revision'] === revision && head['state'] === 'SUCCESS')).toHaveLength(count);
    const lines = (await index.records('logs')).map(({ executionId, lineNumber }) => `${executionId}/${lineNumber}`);
    expect(new Set(lines).size).toBe(count * revision);
    expect(lines).toHaveLength(count * revision);
  };

  const publishAll = async (
    queue: KafkaQueue,
    from: number,
    count: number,
    revisions: readonly number[],
  ): Promise<void> => {
    for (const revision of revisions) await queue.publish(recordsOf(cluster.topics, from, count, revision));
  };

  it('a node that is killed while it is written to loses nothing', async () => {
    const publisher = await cluster.queue();
    const progress = await publisher.view(cluster.topics.indexProgress);
    await publishAll(publisher, 0, 500, [1]);
    await cluster.indexer(await index.open());
    await cluster.indexer(await index.open());
    await publishAll(publisher, 0, 500, [2]);
    await node.kill();
    await publishAll(publisher, 0, 500, [3]);
    await node.restart();
    await reached(progress, await cluster.ends());
    await expectIndex(500, 3);
    const said = (what: string): number => cluster.lines.filter((line) => line.includes(what)).length;
    expect(said('The index cannot be written')).toBeLessThanOrEqual(2);
    expect(said('The index is written again')).toBe(said('The index cannot be written'));
  });

  it('a record that Elasticsearch refuses is a dead letter, and the others go on', async () => {
    const publisher = await cluster.queue();
    const progress = await publisher.view(cluster.topics.indexProgress);
    const letters: DeadLetter[] = [];
    await publisher.tail(cluster.topics.deadLetters, {
      onRecord: ({ value }) => void (value && !isReplayMark(value) && letters.push(value)),
    });
    await publishAll(publisher, 0, 20, [1]);
    // A value of another type is shown and not found; where text belongs, Elasticsearch takes no object at all.
    const poison = { ...aLogEntry('e1', 9, 'poison'), taskId: { not: 'text' } };
    await publisher.publish([{ topic: cluster.topics.logs, key: keyOf('main', 'e1'), value: poison }]);
    await publishAll(publisher, 0, 20, [2]);
    await cluster.indexer(await index.open());
    await reached(progress, await cluster.ends());
    await expectIndex(20, 2);
    await publisher.quiet();
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({
      topic: 'logs',
      processor: 'indexer',
      key: keyOf('main', 'e1'),
      value: { message: 'poison', taskId: { not: 'text' } },
      reason: expect.stringContaining('document_parsing_exception'),
    });
  });

  it('replayed from the beginning it changes nothing', async () => {
    const publisher = await cluster.queue();
    const progress = await publisher.view(cluster.topics.indexProgress);
    await publishAll(publisher, 0, 100, [1, 2]);
    const first = await cluster.indexer(await index.open());
    await reached(progress, await cluster.ends());
    await first.service.stop();
    const before = await index.all();
    await admin.deleteGroups(INDEXED_TOPICS.map((topic) => `${cluster.prefix}${indexerGroup(1, topic)}`));
    let written = 0;
    let replayed = (): void => undefined;
    const hasReplayed = new Promise<void>((resolve) => (replayed = resolve));
    const store = await index.open();
    const write = store.write.bind(store);
    store.write = async (...batch) => {
      const settlements = await write(...batch);
      written += batch[1].length;
      if (written >= 500) replayed();
      return settlements;
    };
    await cluster.indexer(store);
    await hasReplayed;
    await index.refresh();
    expect(await index.all()).toEqual(before);
  });

  it('a rebuild while all is running: searches have everything at every moment, and then find the new generation', async () => {
    const publisher = await cluster.queue();
    const progress = await publisher.view(cluster.topics.indexProgress);
    await publishAll(publisher, 0, 200, [1, 2]);
    await cluster.indexer(await index.open(), { open: (generation) => index.open(generation) });
    await cluster.indexer(await index.open(), { open: (generation) => index.open(generation) });
    await reached(progress, await cluster.ends());
    const store = await index.open();
    await store.prepare();
    const steps: string[] = [];
    let more: Promise<void> = Promise.resolve();
    await rebuildIndex({
      queue: await cluster.queue(),
      topics: cluster.topics,
      store,
      clock: systemClock,
      log: cluster.log,
      metrics: createMetrics({ process: false }),
      batchSize: 500,
      refreshIntervalMs: 200,
      signal: new AbortController().signal,
      onStep: ({ kind }) => {
        steps.push(kind);
        // While the indexers move.
        if (kind === 'moving') more = publishAll(publisher, 200, 100, [1, 2]);
      },
    });
    await more;
    expect(steps.at(-1)).toBe('done');
    await publishAll(publisher, 300, 50, [1, 2]);
    await reached(progress, await cluster.ends());
    await expectIndex(350, 2);
    const searched = await index.open();
    await searched.prepare();
    expect(searched.generation).toBe(store.generation + 1);
  });
});
