import {
  missingForElasticsearch,
  missingForKafka,
  startElasticsearch,
  startKafka,
  type ElasticsearchServer,
  type KafkaServers,
} from '../../libs/testing/src/servers/index.js';
import { describeWithServer } from '../../libs/testing/test/with-servers.js';
import type { ProductClient } from '../product/client.js';
import { startCluster, type Cluster } from '../product/cluster.js';
import { readTopics, type TopicReader } from './topics.js';

const FLOW = `id: mended
namespace: test
tasks:
  - {id: first, type: core.flow.Sleep, duration: PT0.1S}
  - {id: check, type: core.execution.Fail, condition: "{{ (labels.mended ?? 'no') == 'no' }}"}
`;

describeWithServer(missingForKafka() ?? missingForElasticsearch(), 'executions that have left the topics', () => {
  let kafka: KafkaServers;
  let elasticsearch: ElasticsearchServer;
  let cluster: Cluster;
  let topics: TopicReader;
  let client: ProductClient;

  beforeAll(async () => {
    [kafka, elasticsearch] = await Promise.all([startKafka(), startElasticsearch()]);
    cluster = await startCluster({
      brokers: kafka.addresses,
      elasticsearch: [elasticsearch.url],
      executors: 1,
      workers: 1,
      webservers: 1,
      partitions: 2,
      retention: 'PT1S',
    });
    topics = await readTopics(kafka.addresses, cluster.prefix, ['executions']);
    client = cluster.client();
  }, 240_000);
  afterAll(async () => {
    client.close();
    await topics.close();
    await cluster.stop();
    await Promise.all([kafka.stop(), elasticsearch.stop()]);
  });

  /** How often the head of an execution was removed from its topic. */
  const timesLeft = (id: string): number =>
    topics.records.filter(({ key, value }) => value === null && key.includes(id) && key.endsWith('head')).length;
  const leaves = (id: string, times: number): Promise<void> => topics.until(() => timesLeft(id) >= times);
  const ask = async (path: string, body: unknown): Promise<void> => {
    const text = JSON.stringify(body);
    const answer = await client.send('POST', path, { type: 'application/json', text });
    expect([answer.status, answer.status < 300 ? '' : answer.text]).toEqual([200, '']);
  };

  it('are there after servers were started anew, take labels, and end rightly when one is restarted', async () => {
    await client.save(FLOW);
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) {
      const { id, state } = await client.start('mended', { wait: true });
      expect(state.current).toBe('FAILED');
      ids.push(id);
    }
    await Promise.all(ids.map((id) => leaves(id, 1)));

    client.close();
    for (const { role } of [{ role: 'executor' }, { role: 'webserver' }] as const)
      await Promise.all(cluster.of(role).map((member) => member.replace()));
    client = cluster.client();
    const [chosen = '', ...others] = ids;
    await ask(`/executions/${chosen}/labels`, [{ key: 'mended', value: 'yes' }]);
    await leaves(chosen, 2);
    await ask(`/executions/${chosen}/restart`, {});
    // Its last records are searchable before it leaves.
    await leaves(chosen, 3);
    const { state, taskRunList = [] } = await client.execution(chosen);
    expect([state.current, ...taskRunList.map((run) => `${run.taskId} ${run.state.current}`)]).toEqual([
      'SUCCESS',
      'first SUCCESS',
      'check SUCCESS',
    ]);
    for (const id of others) expect((await client.execution(id)).state.current).toBe('FAILED');
    expect(others.map(timesLeft)).toEqual([1, 1]);
  }, 120_000);
});
