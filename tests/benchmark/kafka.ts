import { startKafka } from '@millrace/testing/servers';
import type { ProductClient } from '../product/client.js';
import { startCluster, type Cluster, type ClusterOptions, type Role } from '../product/cluster.js';
import { cpuMs, residentBytes } from '../product/server.js';
import { ended, FLOWS, latency, load, rowOf, type Goal, type Row } from './rows.js';

const MEGABYTE = 1024 * 1024;
const ROLES: readonly Role[] = ['executor', 'worker', 'webserver'];
/** Executions enough that every one of the four partitions has some. */
const EVERYWHERE = 24;
const NONE: Goal = { gate: Infinity, aim: Infinity, unit: '', better: 'less' };

type Measure = (cluster: Cluster, client: ProductClient) => Promise<Row[]>;

/** Every row on one real broker: executor, worker and webserver as processes of their own, all on this machine. */
export async function kafkaRows(): Promise<Row[]> {
  const servers = await startKafka({ heapMegabytes: 1_024, optimised: true });
  const brokers = servers.addresses;
  const one = { brokers, executors: 1, workers: 1, webservers: 1 };
  try {
    return [
      ...(await onCluster(one, oneTask)),
      ...(await onCluster(one, steps)),
      ...(await onCluster(one, fanOut)),
      ...(await onCluster(one, loop)),
      ...(await onCluster({ ...one, workers: 2, workerSlots: 4 }, busyWorkers)),
      ...(await onCluster({ ...one, executors: 2 }, executorFailOver)),
      ...(await onCluster({ ...one, workers: 2 }, workerFailOver)),
      ...(await onCluster({ ...one, workers: 0 }, restore)),
    ];
  } finally {
    await servers.stop();
  }
}

async function onCluster(options: ClusterOptions, measure: Measure): Promise<Row[]> {
  const cluster = await startCluster({ sessionTimeout: 'PT6S', ...options });
  const client = cluster.client();
  try {
    for (const yaml of Object.values(FLOWS)) await client.save(yaml);
    return await measure(cluster, client);
  } finally {
    client.close();
    await cluster.stop();
  }
}

async function cpuByRole(cluster: Cluster): Promise<ReadonlyMap<Role, number>> {
  const sums = new Map<Role, number>();
  for (const { role, pid } of cluster.members) sums.set(role, (sums.get(role) ?? 0) + (await cpuMs(pid)));
  return sums;
}

const oneTask: Measure = async (cluster, client) => {
  const rows: Row[] = [];
  for (const { role, pid } of cluster.members) {
    const rssMb = (await residentBytes(pid)) / MEGABYTE;
    rows.push(
      rowOf(
        `resident memory of a ${role}, idle`,
        rssMb,
        { gate: 200, aim: 120, unit: 'MB', better: 'less' },
        { rssMb },
      ),
    );
  }
  for (const flowId of ['inline', 'worker']) {
    await load(client, flowId, { clients: 8, count: 600 }); // warm
    const { p50, p99 } = await latency(client, flowId, 300);
    const [gate, aim] = flowId === 'inline' ? [30, 15] : [60, 30];
    rows.push(rowOf(`1 task, ${flowId}: call to end, p50`, p50, { gate, aim, unit: 'ms', better: 'less' }, { p50 }));
    rows.push(rowOf(`1 task, ${flowId}: call to end, p99`, p99, { ...NONE, unit: 'ms' }, { p99 }));
    const before = await cpuByRole(cluster);
    const count = 3_000;
    const { perSecond } = await load(client, flowId, { clients: 16, count });
    const after = await cpuByRole(cluster);
    rows.push(
      rowOf(
        `1 task, ${flowId}: 16 clients`,
        perSecond,
        { gate: 200, aim: 600, unit: '/s', better: 'more' },
        { perSecond },
      ),
    );
    let all = 0;
    for (const role of ROLES) {
      const cpuMsPerExecution = ((after.get(role) ?? 0) - (before.get(role) ?? 0)) / count;
      all += cpuMsPerExecution;
      rows.push(
        rowOf(
          `1 task, ${flowId}: CPU of the ${role}`,
          cpuMsPerExecution,
          { ...NONE, unit: 'ms' },
          { cpuMsPerExecution },
        ),
      );
    }
    const goal = { gate: 2, aim: 0.5, unit: 'ms', better: 'less' } as const;
    rows.push(rowOf(`1 task, ${flowId}: CPU of all servers`, all, goal, { cpuMsPerExecution: all }));
  }
  return rows;
};

const steps: Measure = async (_cluster, client) => {
  const rows: Row[] = [];
  for (const [flowId, count, gate, aim] of [
    ['steps-inline', 200, 500, 2_000],
    // No row of the architecture for Kafka: a step is a hand-over with two transactions.
    ['steps-worker', 50, 30, 60],
  ] as const) {
    await latency(client, flowId, 5); // warm
    const { p50 } = await latency(client, flowId, 10);
    const perSecond = (count * 1_000) / p50;
    rows.push(
      rowOf(
        `sequential steps, ${flowId.slice(6)}`,
        perSecond,
        { gate, aim, unit: '/s', better: 'more' },
        { perSecond },
      ),
    );
  }
  return rows;
};

const fanOut: Measure = async (_cluster, client) => {
  const rows: Row[] = [];
  for (const flowId of ['fan-out-inline', 'fan-out']) {
    await latency(client, flowId, 2);
    const seconds = (await latency(client, flowId, 3)).p50 / 1_000;
    const name = `fan-out of 500, join, ${flowId === 'fan-out' ? 'worker' : 'inline'}`;
    rows.push(rowOf(name, seconds, { gate: 1, aim: 0.25, unit: 's', better: 'less' }, { seconds }));
  }
  return rows;
};

const loop: Measure = async (_cluster, client) => {
  await latency(client, 'fan-out', 2);
  const from = performance.now();
  await ended(client, 'loop-10000');
  const seconds = (performance.now() - from) / 1_000;
  return [rowOf('ForEach of 10,000, worker', seconds, { gate: 30, aim: 8, unit: 's', better: 'less' }, { seconds })];
};

/** Six of eight slots are taken by tasks that run for minutes, one worker has none left: short jobs must not wait for it. */
const busyWorkers: Measure = async (_cluster, client) => {
  await latency(client, 'worker', 20);
  await Promise.all(Array.from({ length: 6 }, () => client.start('held', { wait: false })));
  const { p50, p99 } = await latency(client, 'worker', 200);
  return [
    rowOf(
      'short jobs beside six long ones in eight slots, p50',
      p50,
      { gate: 60, aim: 30, unit: 'ms', better: 'less' },
      { p50 },
    ),
    rowOf('short jobs beside six long ones in eight slots, p99', p99, { ...NONE, unit: 'ms' }, { p99 }),
  ];
};

async function untilAllPartitionsMove(client: ProductClient): Promise<void> {
  await Promise.all(Array.from({ length: EVERYWHERE }, () => ended(client, 'inline')));
}

const FAIL_OVER: Goal = { gate: 10, aim: 7, unit: 's', better: 'less' };

const executorFailOver: Measure = async (cluster, client) => {
  await untilAllPartitionsMove(client);
  const from = performance.now();
  await cluster.of('executor')[0]?.kill();
  await untilAllPartitionsMove(client);
  const seconds = (performance.now() - from) / 1_000;
  return [rowOf('fail-over of an executor: kill -9 to progress everywhere', seconds, FAIL_OVER, { seconds })];
};

const workerFailOver: Measure = async (cluster, client) => {
  await latency(client, 'worker', 20);
  const waiting = Array.from({ length: 8 }, () => ended(client, 'second'));
  await new Promise((resolve) => void setTimeout(resolve, 500));
  const from = performance.now();
  await cluster.of('worker')[0]?.kill();
  await Promise.all(waiting);
  // A second of it is the task itself, run once more.
  const seconds = (performance.now() - from) / 1_000 - 1;
  // Heartbeats every 2 s, a lease of 8 s and a grace of 2 s (conventions.md): no row of the architecture.
  const goal = { gate: 14, aim: 12, unit: 's', better: 'less' } as const;
  return [rowOf('fail-over of a worker: kill -9 to its jobs ended elsewhere', seconds, goal, { seconds })];
};

/** Ten executions with 10,000 task runs each, all waiting for a worker. */
const restore: Measure = async (cluster, client) => {
  const loops = 10;
  for (let at = 0; at < loops; at++) await client.start('held-10000', { wait: false });
  // Decided after what was asked for before: in every partition.
  await untilAllPartitionsMove(client);
  while ((await countRuns(client)) < loops * 10_000) await new Promise((resolve) => void setTimeout(resolve, 200));
  const [executor] = cluster.of('executor');
  await executor?.stop();
  const from = performance.now();
  await executor?.start();
  await untilAllPartitionsMove(client);
  const seconds = (performance.now() - from) / 1_000;
  return [
    rowOf(
      'restore of 100,000 live task runs: start of an executor to progress everywhere',
      seconds,
      { gate: 30, aim: 10, unit: 's', better: 'less' },
      { seconds },
    ),
  ];
};

/** Task runs of the held loops, as their executions show them. */
async function countRuns(client: ProductClient): Promise<number> {
  const answer = await client.send('GET', '/executions/search?size=100&filters[flowId][EQUALS]=held-10000');
  const { results } = JSON.parse(answer.text) as { readonly results: readonly { readonly id: string }[] };
  const counts = await Promise.all(
    results.map(async ({ id }) => (await client.execution(id)).taskRunList?.length ?? 0),
  );
  return counts.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
}
