import { startKafka, type KafkaServers } from '../../libs/testing/src/servers/index.js';
import { runSchedules } from './run-schedules.js';
import { describeWithKafka } from './servers.js';
import { percentile } from './ticks.js';

describeWithKafka('two schedulers on one broker', () => {
  let servers: KafkaServers;
  beforeAll(async () => (servers = await startKafka()), 120_000);
  afterAll(() => servers.stop());

  it('start each date of each schedule once, whichever of them is killed with -9', async () => {
    const findings = await runSchedules({ brokers: servers.addresses, flows: 10, seconds: 20, killEveryMs: 6_000 });
    process.stdout.write(
      `schedules: ${findings.ticks} dates, ${findings.executions} executions, ${findings.kills} kills, late p50 ${percentile(findings.late, 0.5)} ms, p99 ${percentile(findings.late, 0.99)} ms, ${findings.violations.length} violations\n`,
    );
    expect(findings.violations).toEqual([]);
    expect(findings.kills).toBeGreaterThanOrEqual(2);
    expect(findings.ticks).toBeGreaterThan(150);
    expect(findings.executions).toBe(findings.ticks);
  }, 240_000);
});
