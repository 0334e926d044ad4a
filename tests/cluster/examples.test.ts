import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  missingForElasticsearch,
  missingForKafka,
  startElasticsearch,
  startKafka,
  type ElasticsearchServer,
  type KafkaServers,
} from '../../libs/testing/src/servers/index.js';
import { describeWithServer } from '../../libs/testing/test/with-servers.js';
import { canRun, millrace, readExamples, runWords } from '../product/examples.js';
import { startServer, type StartedServer } from '../product/server.js';
import { EXAMPLES_OF_EXECUTIONS } from '../spec-examples/of-executions.js';
import { EXAMPLES_OF_TASKS, startEarly } from '../spec-examples/of-tasks.js';
import { Product } from '../spec-examples/product.js';

describeWithServer(missingForKafka() ?? missingForElasticsearch(), 'the examples on Kafka and Elasticsearch', () => {
  let servers: KafkaServers;
  let elasticsearch: ElasticsearchServer;
  let server: StartedServer;
  let data: string;

  beforeAll(async () => {
    [servers, elasticsearch] = await Promise.all([startKafka(), startElasticsearch()]);
    data = await mkdtemp(join(tmpdir(), 'millrace-examples-'));
    const environment = {
      MILLRACE_QUEUE_TYPE: 'kafka',
      MILLRACE_KAFKA_BROKERS: servers.addresses.join(','),
      MILLRACE_KAFKA_PARTITIONS: '4',
      MILLRACE_REPOSITORY_TYPE: 'elasticsearch',
      MILLRACE_ELASTICSEARCH_NODES: elasticsearch.url,
      MILLRACE_ELASTICSEARCH_REPLICAS: '0',
    };
    server = await startServer({ data, environment });
  }, 180_000);
  afterAll(async () => {
    await server.stop();
    await rm(data, { recursive: true, force: true });
    await Promise.all([servers.stop(), elasticsearch.stop()]);
  });

  it('run and end as they say, with every server in one process', async () => {
    for (const example of (await readExamples()).filter(canRun)) {
      const { code, output } = await millrace(...runWords(example, data));
      expect(output).toContain(example.expectedState);
      expect({ example: example.id, code, output }).toMatchObject({ code: 0 });
    }
  }, 180_000);

  describe('and the worked examples of the specification', () => {
    let product: Product;
    beforeAll(async () => {
      product = new Product(server.url);
      await product.saveFlows();
      await startEarly(product);
    }, 60_000);
    it.each([...EXAMPLES_OF_TASKS, ...EXAMPLES_OF_EXECUTIONS])('%s', (_name, run) => run(product), 120_000);
  });

  it('a server that is told to stop ends in order, and leaves nothing that keeps it', async () => {
    expect(await server.stop()).toBe(0);
  }, 60_000);
});
