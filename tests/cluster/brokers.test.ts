import { startKafka, type KafkaServers } from '../../libs/testing/src/servers/index.js';
import { pause } from '../product/workload.js';
import { findingsAfter, SILENCE_WITHOUT_BROKER_MS, tell } from './findings.js';
import { describeWithKafka } from './servers.js';

describeWithKafka('a cluster on three brokers', () => {
  let servers: KafkaServers;
  beforeAll(async () => (servers = await startKafka({ brokers: 3 })), 180_000);
  afterAll(() => servers.stop());

  it('loses nothing that was acknowledged when one of them is killed with -9', async () => {
    const options = { replicationFactor: 3, executors: 1, workers: 1 };
    const outcome = await findingsAfter(
      servers.addresses,
      options,
      async () => {
        await pause(2_000);
        const [broker] = servers.brokers;
        await broker?.kill();
        await pause(12_000);
        await broker?.restart();
        await pause(2_000);
      },
      SILENCE_WITHOUT_BROKER_MS,
    );
    tell('one of three brokers killed', outcome);
    expect(outcome.findings.violations).toEqual([]);
    expect(outcome.findings.executions).toBeGreaterThanOrEqual(outcome.load.acknowledged.size);
    expect(outcome.load.acknowledged.size).toBeGreaterThan(20);
  }, 300_000);
});
