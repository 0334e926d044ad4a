import { startKafka, type KafkaServers } from '../../libs/testing/src/servers/index.js';
import { pause } from '../product/workload.js';
import { check } from './checker.js';
import { findingsAfter, FROZEN, tell, type Run } from './findings.js';
import { describeWithKafka } from './servers.js';
import { startDoubler, type TopicReader } from './topics.js';

/** What the checker is worth. That nothing goes wrong when servers are killed: chaos.test.ts. */
describeWithKafka('a cluster on one broker', () => {
  let servers: KafkaServers;
  beforeAll(async () => (servers = await startKafka()), 120_000);
  afterAll(() => servers.stop());

  describe('its checker notices', () => {
    it('an owner that is not fenced', async () => {
      const outcome = await findingsAfter(servers.addresses, { broken: 'no-fencing' }, async ({ cluster, reader }) => {
        for (let round = 0; round < 3 && countTwoWriters(reader) === 0; round++) {
          await pause(1_000);
          const member = cluster.of('executor')[round % 2];
          member?.freeze();
          await pause(FROZEN.executor);
          await member?.thaw();
          await pause(1_000);
        }
      });
      tell('without fencing', outcome);
      expect(outcome.findings.violations.join('\n')).toMatch(/was written after revision/);
    }, 300_000);

    it('a position that is stored outside the transaction', async () => {
      const outcome = await findingsAfter(
        servers.addresses,
        { broken: 'position-outside-transaction' },
        async ({ cluster }) => {
          for (let round = 0; round < 6; round++) {
            await pause(700);
            await cluster.of('executor')[round % 2]?.replace();
          }
        },
      );
      tell('position outside the transaction', outcome);
      expect(outcome.findings.violations.join('\n')).toMatch(/never ended|is nowhere/);
    }, 300_000);

    it('a result that counts without its claim', async () => {
      const outcome = await findingsAfter(servers.addresses, { broken: 'no-claim-token' }, (run) =>
        doubledJobs(servers.addresses, run),
      );
      tell('without claim tokens', outcome);
      expect(outcome.findings.violations.join('\n')).toMatch(/shows a result that was not current/);
    }, 300_000);
  });

  it('counts one result of a job that is handed over twice: that of the newest claim', async () => {
    const outcome = await findingsAfter(servers.addresses, {}, (run) => doubledJobs(servers.addresses, run));
    tell('every job handed over twice', outcome);
    expect(outcome.findings.staleResults).toBeGreaterThan(0);
    expect(outcome.findings.violations).toEqual([]);
  }, 300_000);
});

const countTwoWriters = ({ records }: TopicReader): number =>
  check(records, new Map()).violations.filter((violation) => violation.includes('was written after revision')).length;

/** Short tasks, each in a process of its own; their results tell which run they are of. */
const MARKED = `
id: marked
namespace: test
tasks:
  - id: all
    type: core.flow.Parallel
    tasks:
${['a', 'b', 'c']
  .map(
    (id) =>
      `      - {id: ${id}, type: scripts.shell.Script, script: "echo '::{\\"outputs\\":{\\"by\\":\\"'$$-$(date +%s%N)'\\"}}::'"}`,
  )
  .join('\n')}
`.trimStart();

const MARKED_EXECUTIONS = 150;

/** Every job is handed over twice: two workers run it, and the first result comes when the second claim is the newest. */
async function doubledJobs(brokers: readonly string[], { cluster, load }: Run): Promise<void> {
  await load.stop();
  const client = cluster.client();
  const doubler = await startDoubler(brokers, `${cluster.prefix}jobs.default`);
  try {
    await client.save(MARKED);
    for (let at = 0; at < MARKED_EXECUTIONS; at++) {
      const { id } = await client.start('marked', { wait: false });
      (load.acknowledged as Map<string, string>).set(id, 'marked');
      await pause(20);
    }
    await pause(1_000);
  } finally {
    await doubler.close();
    client.close();
  }
}
