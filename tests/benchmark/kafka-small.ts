import type { Cluster, Role } from '../product/cluster.js';
import { cpuMs, residentBytes } from '../product/server.js';
import type { Measure } from './kafka-cluster.js';
import { latency, load, rowOf, type Goal } from './rows.js';

const MEGABYTE = 1024 * 1024;
const ROLES: readonly Role[] = ['executor', 'worker', 'indexer', 'webserver'];
const NONE: Goal = { gate: Infinity, aim: Infinity, unit: '', better: 'less' };

/** Milliseconds that the servers of each role have used so far. */
export async function cpuByRole(cluster: Cluster): Promise<ReadonlyMap<Role, number>> {
  const sums = new Map<Role, number>();
  for (const { role, pid } of cluster.members) sums.set(role, (sums.get(role) ?? 0) + (await cpuMs(pid)));
  return sums;
}

export const oneTask: Measure = async function* ({ cluster, client }) {
  for (const { role, pid } of cluster.members) {
    const rssMb = (await residentBytes(pid)) / MEGABYTE;
    yield rowOf(
      `resident memory of the ${role}, idle`,
      rssMb,
      { gate: 200, aim: 120, unit: 'MB', better: 'less' },
      { rssMb },
    );
  }
  for (const flowId of ['inline', 'worker']) {
    await load(client, flowId, { clients: 8, count: 600 }); // warm
    const { p50, p99 } = await latency(client, flowId, 300);
    const [gate, aim] = flowId === 'inline' ? [30, 15] : [60, 30];
    yield rowOf(`1 task, ${flowId}: call to end, p50`, p50, { gate, aim, unit: 'ms', better: 'less' }, { p50 });
    yield rowOf(`1 task, ${flowId}: call to end, p99`, p99, { ...NONE, unit: 'ms' }, { p99 });
    const before = await cpuByRole(cluster);
    const count = 3_000;
    const { perSecond } = await load(client, flowId, { clients: 16, count });
    const after = await cpuByRole(cluster);
    yield rowOf(
      `1 task, ${flowId}: 16 clients`,
      perSecond,
      { gate: 200, aim: 600, unit: '/s', better: 'more' },
      { perSecond },
    );
    let all = 0;
    for (const role of ROLES) {
      const cpuMsPerExecution = ((after.get(role) ?? 0) - (before.get(role) ?? 0)) / count;
      all += cpuMsPerExecution;
      yield rowOf(
        `1 task, ${flowId}: CPU of the ${role}`,
        cpuMsPerExecution,
        { ...NONE, unit: 'ms' },
        { cpuMsPerExecution },
      );
    }
    const goal = { gate: 2, aim: 0.5, unit: 'ms', better: 'less' } as const;
    yield rowOf(`1 task, ${flowId}: CPU of all servers`, all, goal, { cpuMsPerExecution: all });
  }
  // The architecture asks for 1,000 executions; these were more.
  const loaded = { gate: 300, aim: 200, unit: 'MB', better: 'less' } as const;
  for (const { role, pid } of cluster.members) {
    const rssMb = (await residentBytes(pid)) / MEGABYTE;
    yield rowOf(`resident memory of the ${role}, after all that`, rssMb, loaded, { rssMb });
  }
};

export const steps: Measure = async function* ({ client }) {
  for (const [flowId, count, gate, aim] of [
    ['steps-inline', 200, 500, 2_000],
    // No row of the architecture for Kafka: a step is a hand-over with two transactions.
    ['steps-worker', 50, 30, 60],
  ] as const) {
    await latency(client, flowId, 5); // warm
    const { p50 } = await latency(client, flowId, 10);
    const perSecond = (count * 1_000) / p50;
    yield rowOf(
      `sequential steps, ${flowId.slice(6)}`,
      perSecond,
      { gate, aim, unit: '/s', better: 'more' },
      { perSecond },
    );
  }
};

export const fanOut: Measure = async function* ({ client }) {
  for (const flowId of ['fan-out-inline', 'fan-out']) {
    await latency(client, flowId, 2);
    const seconds = (await latency(client, flowId, 3)).p50 / 1_000;
    const name = `fan-out of 500, join, ${flowId === 'fan-out' ? 'worker' : 'inline'}`;
    yield rowOf(name, seconds, { gate: 1, aim: 0.25, unit: 's', better: 'less' }, { seconds });
  }
};

/** Six of eight slots are taken by tasks that run for minutes, one worker has none left: short jobs must not wait for it. */
export const busyWorkers: Measure = async function* ({ client }) {
  await latency(client, 'worker', 20);
  await Promise.all(Array.from({ length: 6 }, () => client.start('held', { wait: false })));
  const { p50, p99 } = await latency(client, 'worker', 200);
  const name = 'short jobs beside six long ones in eight slots';
  yield rowOf(`${name}, p50`, p50, { gate: 60, aim: 30, unit: 'ms', better: 'less' }, { p50 });
  yield rowOf(`${name}, p99`, p99, { ...NONE, unit: 'ms' }, { p99 });
};
