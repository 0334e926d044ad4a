import { IndexProgress, INDEXED } from '../cluster/chaos/index-progress.js';
import { percentile, ticksByFlow } from '../cluster/ticks.js';
import { readTopics, type TopicRecord } from '../cluster/topics.js';
import { pause } from '../product/workload.js';
import type { Measure } from './kafka-cluster.js';
import { load, rowOf } from './rows.js';

const NONE = { gate: Infinity, aim: Infinity, unit: 'ms', better: 'less' } as const;

/** From a record's writing until a search finds it, beside four clients; what the indexers publish tells. */
export const indexLag: Measure = async (cluster, client, { brokers }) => {
  const progress = new IndexProgress();
  await load(client, 'worker', { clients: 4, count: 200 }); // warm
  const from = Date.now();
  const reader = await readTopics(brokers, cluster.prefix, [...INDEXED, 'index-progress'], (record) => {
    // Of what was written before, only how far the index is counts.
    if (record.topic === 'index-progress' || record.timestamp >= from) progress.see(record);
  });
  try {
    await load(client, 'worker', { clients: 4, count: 1_000 });
    await reader.until(() => progress.pending === 0);
    const lags = progress.lags();
    const [p50, p99] = [percentile(lags, 0.5), percentile(lags, 0.99)];
    return [
      rowOf('index behind the log, p50', p50, NONE, { p50 }),
      rowOf('index behind the log, p99', p99, { gate: 2_000, aim: 300, unit: 'ms', better: 'less' }, { p99 }),
    ];
  } finally {
    await reader.close();
  }
};

const SCHEDULES = 50;
const SECONDS = 20;

const ticking = (id: string): string => `id: ${id}
namespace: test
triggers:
  - {id: each_second, type: core.trigger.Schedule, cron: "* * * * * *", withSeconds: true, allowConcurrent: true}
tasks:
  - {id: t, type: core.debug.Return, format: x}
`;

/** Fifty schedules that are due each second. */
export const lateness: Measure = async (cluster, client, { brokers }) => {
  const records: TopicRecord[] = [];
  const reader = await readTopics(brokers, cluster.prefix, ['execution-events'], (record) => void records.push(record));
  try {
    for (let at = 0; at < SCHEDULES; at++) await client.save(ticking(`each-${at}`));
    await pause(3_000); // what was due while they were saved
    const from = Date.now();
    await pause(SECONDS * 1_000);
    const late = [...ticksByFlow(records).values()]
      .flat()
      .filter(({ date }) => date >= from)
      .map(({ lateMs }) => lateMs)
      .sort((one, other) => one - other);
    const [p50, p99] = [percentile(late, 0.5), percentile(late, 0.99)];
    const name = `lateness with ${SCHEDULES} schedules firing each second`;
    return [
      rowOf(`${name}, p50`, p50, NONE, { p50 }),
      rowOf(`${name}, p99`, p99, { gate: 200, aim: 50, unit: 'ms', better: 'less' }, { p99 }),
    ];
  } finally {
    await reader.close();
  }
};
