import {
  missingForElasticsearch,
  startElasticsearch,
  startKafka,
  type ElasticsearchServer,
  type KafkaServers,
} from '../../libs/testing/src/servers/index.js';
import { textOf } from './chaos/report.js';
import { runChaos } from './chaos/run.js';
import { describeWithKafka } from './servers.js';

const SEED = Number(process.env['CLUSTER_SEED'] ?? 1);

/** The short variant of `npm run chaos`: every kind of server, on one broker. */
describeWithKafka('a cluster under load whose servers are killed and frozen', () => {
  let kafka: KafkaServers;
  let elasticsearch: ElasticsearchServer | undefined;

  beforeAll(async () => {
    const hasIndex = missingForElasticsearch() === undefined || process.env['CI'] === 'true';
    [kafka, elasticsearch] = await Promise.all([startKafka(), hasIndex ? startElasticsearch() : undefined]);
  }, 240_000);
  afterAll(async () => {
    await Promise.all([kafka.stop(), elasticsearch?.stop()]);
  });

  it('loses and doubles nothing, passes no limit, and its index equals its topics', async () => {
    const report = await runChaos({
      kafka,
      ...(elasticsearch === undefined ? {} : { elasticsearch }),
      seed: SEED,
      durationMs: 30_000,
      perSecond: 4,
      everyMs: 2_500,
      outageMs: 8_000,
      tell: (line) => process.stdout.write(`${line}\n`),
    });
    process.stdout.write(textOf(report));
    expect(report.violations).toEqual([]);
    expect(report.shortcomings).toEqual([]);
    expect([report.lost, report.doubled]).toEqual([0, 0]);
    for (const operation of ['resume', 'kill', 'restart'] as const)
      expect(report.operations[operation]).toBeGreaterThan(0);
  }, 300_000);
});
