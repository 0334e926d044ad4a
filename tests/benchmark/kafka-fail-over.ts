import { TICK_FLOWS } from '../cluster/chaos/flows.js';
import { plain } from '../cluster/plain.js';
import { readTopics } from '../cluster/topics.js';
import { pause } from '../product/workload.js';
import { untilAllPartitionsMove, type Measure } from './kafka-cluster.js';
import { ended, latency, rowOf, type Goal } from './rows.js';

/** Of architecture part 11; the session of the groups is 6 s. */
const FAIL_OVER: Goal = { gate: 10, aim: 7, unit: 's', better: 'less' };

export const executorFailOver: Measure = async (cluster, client) => {
  await untilAllPartitionsMove(client);
  const from = performance.now();
  await cluster.of('executor')[0]?.kill();
  await untilAllPartitionsMove(client);
  const seconds = (performance.now() - from) / 1_000;
  return [rowOf('fail-over of an executor: kill -9 to progress everywhere', seconds, FAIL_OVER, { seconds })];
};

export const workerFailOver: Measure = async (cluster, client) => {
  await latency(client, 'worker', 20);
  const waiting = Array.from({ length: 8 }, () => ended(client, 'second'));
  await pause(500);
  const from = performance.now();
  await cluster.of('worker')[0]?.kill();
  await Promise.all(waiting);
  // A second of it is the task itself, run once more.
  const seconds = (performance.now() - from) / 1_000 - 1;
  // Heartbeats every 2 s, a lease of 8 s and a grace of 2 s (conventions.md): no row of the architecture.
  const goal = { gate: 14, aim: 12, unit: 's', better: 'less' } as const;
  return [rowOf('fail-over of a worker: kill -9 to its jobs ended elsewhere', seconds, goal, { seconds })];
};

/** Schedules that are due each second, one in each of several partitions; the longest time in which one of them stood still. */
export const schedulerFailOver: Measure = async (cluster, client, { brokers }) => {
  const startedAt = new Map<string, number[]>();
  const reader = await readTopics(brokers, cluster.prefix, ['execution-events'], ({ value, timestamp }) => {
    const { kind, flowId } = plain(value);
    if (kind !== 'execution-wanted') return;
    startedAt.set(String(flowId), [...(startedAt.get(String(flowId)) ?? []), timestamp]);
  });
  try {
    for (const { yaml } of TICK_FLOWS) await client.save(yaml.trimStart());
    await pause(5_000);
    const killedAt = Date.now();
    await cluster.of('scheduler')[0]?.kill();
    await pause(15_000);
    const first = (times: readonly number[]): number => {
      const before = times.filter((time) => time <= killedAt).at(-1) ?? killedAt;
      return (times.find((time) => time > killedAt) ?? Infinity) - Math.min(before + 1_000, killedAt);
    };
    const seconds = Math.max(...[...startedAt.values()].map(first)) / 1_000;
    return [rowOf('fail-over of a scheduler: kill -9 to each schedule started', seconds, FAIL_OVER, { seconds })];
  } finally {
    await reader.close();
  }
};

/** The longest time that a record waited for the index, half of whose writers are killed. */
export const indexerFailOver: Measure = async (cluster, client, { brokers }) => {
  const { IndexProgress, INDEXED } = await import('../cluster/chaos/index-progress.js');
  const progress = new IndexProgress();
  const reader = await readTopics(brokers, cluster.prefix, [...INDEXED, 'index-progress'], (record) =>
    progress.see(record),
  );
  try {
    await untilAllPartitionsMove(client);
    await reader.until(() => progress.pending === 0);
    const from = performance.now();
    await cluster.of('indexer')[0]?.kill();
    await untilAllPartitionsMove(client);
    await reader.until(() => progress.pending === 0);
    const seconds = (performance.now() - from) / 1_000;
    return [rowOf('fail-over of an indexer: kill -9 to everything searchable', seconds, FAIL_OVER, { seconds })];
  } finally {
    await reader.close();
  }
};

/** Users ask the other one: what began through the killed one is shown and ends there. */
export const webserverFailOver: Measure = async (cluster) => {
  const [one, other] = [cluster.client(0), cluster.client(1)];
  try {
    await latency(one, 'worker', 20);
    await latency(other, 'worker', 20);
    const begun = await Promise.all(Array.from({ length: 8 }, () => one.start('second', { wait: false })));
    const from = performance.now();
    await cluster.of('webserver')[0]?.kill();
    await ended(other, 'inline');
    const seconds = (performance.now() - from) / 1_000;
    for (const { id } of begun) await other.execution(id);
    return [rowOf('fail-over of a webserver: kill -9 to an answer of the other', seconds, FAIL_OVER, { seconds })];
  } finally {
    one.close();
    other.close();
  }
};
