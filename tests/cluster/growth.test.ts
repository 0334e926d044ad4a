import { EXECUTION_FORMAT, FIRST_FORMAT } from '@millrace/model';
import { startKafka, type KafkaServers } from '../../libs/testing/src/servers/index.js';
import { pause, TERMINAL } from '../product/workload.js';
import type { Cluster } from '../product/cluster.js';
import { findingsAfter, tell, type Run } from './findings.js';
import { clusterRecords } from './levels.js';
import { describeWithKafka } from './servers.js';
import { readTopics } from './topics.js';

/** A pause, then an execution of another flow: begun before the growth, and started after it. */
const HELD = `
id: held
namespace: test
tasks:
  - {id: gate, type: core.flow.Pause}
  - {id: child, type: core.flow.Subflow, namespace: test, flowId: loops, wait: true, transmitFailed: true}
`.trimStart();
const HELD_EXECUTIONS = 12;

describeWithKafka('a cluster that gets more partitions', () => {
  let servers: KafkaServers;
  beforeAll(async () => (servers = await startKafka()), 120_000);
  afterAll(() => servers.stop());

  it('loses and doubles nothing under load; what began before goes on where it is', async () => {
    const held: string[] = [];
    let before: readonly string[] = [];
    const outcome = await findingsAfter(servers.addresses, { schedulers: 1 }, async (run) => {
      const { cluster, load } = run;
      const client = cluster.client();
      await client.save(HELD);
      for (let at = 0; at < HELD_EXECUTIONS; at++) held.push((await client.start('held', { wait: false })).id);
      client.close();
      await grow(run, servers.addresses);
      before = [...load.acknowledged.keys()].filter((id) => !id.includes('-'));
      const since = (): readonly string[] => [...load.acknowledged.keys()].filter((id) => id.endsWith('-1'));
      await until(() => since().length > 40);
      await resume(cluster, held);
      for (const id of [held[0], before[0], since()[0]]) {
        for (const at of [0, 1]) await ended(cluster, id ?? '', at);
      }
      for (const id of held) await ended(cluster, id, 0);
      const placed = run.reader.records.filter(({ topic }) => topic === 'executions');
      const partitions = new Set(placed.map(({ partition }) => partition));
      expect([...partitions].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(placed.filter(({ key, partition }) => partition > 3 && /[0-9A-Za-z]{22}$/.test(key))).toEqual([]);
    });
    tell('4 to 8 partitions', outcome);
    expect(outcome.findings.violations).toEqual([]);
    expect(before.length).toBeGreaterThan(10);
  }, 300_000);
});

/** Servers are replaced one after the other, with another number in their configuration, as an operator does. */
async function grow({ cluster }: Run, brokers: readonly string[]): Promise<void> {
  const reader = await readTopics(brokers, cluster.prefix, ['resources']);
  try {
    await reader.until(() => clusterRecords(reader.records).some(({ format }) => format === EXECUTION_FORMAT));
    await cluster.configure(8);
    for (const member of cluster.of('executor')) {
      expect(await member.stop()).toBe(0);
      await member.start();
    }
    await reader.until(() => clusterRecords(reader.records).some(({ current }) => current === 1));
    const records = clusterRecords(reader.records);
    // One level after the other, and then the placement.
    const levels = Array.from({ length: EXECUTION_FORMAT - FIRST_FORMAT }, (_, at) => FIRST_FORMAT + 1 + at);
    expect(records.map(({ format, current, placements }) => [format, current, placements.length])).toEqual([
      ...levels.map((level) => [level, 0, 1]),
      [EXECUTION_FORMAT, 0, 2],
      [EXECUTION_FORMAT, 1, 2],
    ]);
  } finally {
    await reader.close();
  }
}

async function resume(cluster: Cluster, ids: readonly string[]): Promise<void> {
  const client = cluster.client(1);
  for (const id of ids) {
    const answer = await client.send('POST', `/executions/${id}/resume`);
    // 504: accepted, and the owner is busy; that it was resumed is seen by its end.
    if (answer.status >= 300 && answer.status !== 504)
      throw new Error(`${id} was not resumed: ${answer.status} ${answer.text}`);
  }
  client.close();
}

async function ended(cluster: Cluster, id: string, at: number): Promise<void> {
  const client = cluster.client(at);
  try {
    let state = '';
    await until(async () => TERMINAL.has((state = (await client.execution(id)).state.current)));
    expect(state).toMatch(/SUCCESS|FAILED/);
  } finally {
    client.close();
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(100);
}
