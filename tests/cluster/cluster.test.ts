import { startKafka, type KafkaServers } from '../../libs/testing/src/servers/index.js';
import { FLOWS, pause, seededRandom } from '../product/workload.js';
import { check, endedExecutions, type Findings } from './checker.js';
import { startCluster, type Cluster, type ClusterOptions } from './cluster.js';
import { startLoad, type Load } from './load.js';
import { describeWithKafka } from './servers.js';
import { readTopics, type TopicReader } from './topics.js';

const SEED = Number(process.env['CLUSTER_SEED'] ?? 1);
const CHECKED_TOPICS = ['executions', 'task-runs', 'execution-events'];
/** Longer than the session of an executor (3 s), and than the lease and grace of a worker (10 s). */
const FROZEN = { executor: 6_000, worker: 13_000, webserver: 3_000 } as const;
/** When nothing was written for so long, what has not ended never will: retries of the workload come sooner. */
const SILENCE_MS = 12_000;

interface Run {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly reader: TopicReader;
}

/** A cluster under load; `disturb` does what it wants; then everything must have ended, and the topics must be right. */
async function findingsAfter(
  brokers: readonly string[],
  options: Partial<ClusterOptions>,
  disturb: (run: Run) => Promise<void>,
): Promise<{ readonly findings: Findings; readonly load: Load }> {
  const cluster = await startCluster({ brokers, ...options });
  const reader = await readTopics(brokers, cluster.prefix, CHECKED_TOPICS);
  try {
    const client = cluster.client();
    for (const { yaml } of FLOWS) await client.save(yaml.trimStart());
    client.close();
    const load = startLoad(cluster, seededRandom(SEED), { clients: 4, pauseMs: 150 });
    await disturb({ cluster, load, reader });
    await load.stop();
    await reader.until(() => {
      const ended = endedExecutions(reader.records);
      const isDone = [...load.acknowledged.keys()].every((id) => ended.has(id));
      return isDone || Date.now() - reader.lastAt() > SILENCE_MS;
    });
    // Of what ended last, the answers to late results may still be on their way.
    await pause(500);
    return { findings: check(reader.records, load.acknowledged), load };
  } finally {
    await reader.close();
    await cluster.stop();
  }
}

const tell = (what: string, { findings, load }: { readonly findings: Findings; readonly load: Load }): void => {
  const { executions, taskRuns, results, staleResults, violations } = findings;
  process.stdout.write(
    `${what}: ${load.acknowledged.size} acknowledged, ${load.refused} refused, ${executions} executions, ${taskRuns} task runs, ${results} results of which ${staleResults} were late, longest stall ${load.longestStallMs} ms, ${violations.length} violations\n`,
  );
};

describeWithKafka('a cluster on one broker', () => {
  let servers: KafkaServers;
  beforeAll(async () => (servers = await startKafka()), 120_000);
  afterAll(() => servers.stop());

  it('loses and doubles nothing when any server is killed with -9, or stands still beyond its lease', async () => {
    const outcome = await findingsAfter(servers.addresses, {}, async ({ cluster }) => {
      for (let round = 0; round < 2; round++) {
        for (const role of ['executor', 'worker', 'webserver'] as const) {
          await pause(1_500);
          await cluster.of(role)[round % 2]?.replace();
        }
      }
      for (const role of ['executor', 'webserver', 'worker'] as const) {
        const [member] = cluster.of(role);
        member?.freeze();
        await pause(FROZEN[role]);
        // A worker that was given up must not go on under its old name: it ends.
        await member?.thaw({ ends: role === 'worker' });
        await pause(1_000);
      }
    });
    tell('killed and frozen', outcome);
    expect(outcome.findings.violations).toEqual([]);
    expect(outcome.findings.executions).toBeGreaterThanOrEqual(outcome.load.acknowledged.size);
    expect(outcome.load.acknowledged.size).toBeGreaterThan(100);
    expect(outcome.findings.results).toBeGreaterThan(100);
  }, 300_000);

  describe('its checker notices', () => {
    it('an owner that is not fenced', async () => {
      const outcome = await findingsAfter(servers.addresses, { broken: 'no-fencing' }, async ({ cluster, reader }) => {
        for (let round = 0; round < 3 && countTwoWriters(reader) === 0; round++) {
          await pause(1_000);
          const member = cluster.of('executor')[round % 2];
          member?.freeze();
          await pause(FROZEN.executor);
          await member?.thaw({ ends: false });
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
      const outcome = await findingsAfter(
        servers.addresses,
        { broken: 'no-claim-token', workerSlots: 4 },
        ({ cluster, load }) => lateResult(cluster, load),
      );
      tell('without claim tokens', outcome);
      expect(outcome.findings.violations.join('\n')).toMatch(/shows a result that was not current/);
    }, 300_000);
  });

  it('does not mistake the late result of a worker that was given up for the current one', async () => {
    const outcome = await findingsAfter(servers.addresses, { workerSlots: 4 }, ({ cluster, load }) =>
      lateResult(cluster, load),
    );
    tell('a late result', outcome);
    expect(outcome.findings.staleResults).toBeGreaterThan(0);
    expect(outcome.findings.violations).toEqual([]);
  }, 300_000);
});

const countTwoWriters = ({ records }: TopicReader): number =>
  check(records, new Map()).violations.filter((violation) => violation.includes('was written after revision')).length;

/** Runs longer than it takes until its worker is given up, and tells which run its result is of. */
const SLOW = `
id: slow
namespace: test
tasks:
  - {id: slow, type: scripts.shell.Script, script: "sleep 16; echo '::{\\"outputs\\":{\\"by\\":\\"'$$-$(date +%s%N)'\\"}}::'"}
`.trimStart();

/** A worker stands still while its task goes on; when it goes on, its result comes while another runs the job again. */
async function lateResult(cluster: Cluster, load: Load): Promise<void> {
  await load.stop();
  const client = cluster.client();
  await client.save(SLOW);
  const started = await Promise.all(Array.from({ length: 4 }, () => client.start('slow', { wait: false })));
  client.close();
  for (const { id } of started) (load.acknowledged as Map<string, string>).set(id, 'slow');
  await pause(1_000);
  const [worker] = cluster.of('worker');
  worker?.freeze();
  // Its tasks' processes go on, and end at 16 s; it is given up at about 12 s, and its jobs run elsewhere until 28 s.
  await pause(17_000);
  await worker?.thaw({ ends: true });
}
