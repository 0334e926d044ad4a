import { IndexProgress, INDEXED } from '../cluster/chaos/index-progress.js';
import { plain, stateKeyParts } from '../cluster/plain.js';
import { percentile, ticksByFlow } from '../cluster/ticks.js';
import type { TopicRecord } from '../cluster/topics.js';
import type { ClusterOptions } from '../product/cluster.js';
import { pause } from '../product/workload.js';
import { startBulkWatch, type Acknowledged } from './bulk-watch.js';
import { startBench, type Measure, type Stores } from './kafka-cluster.js';
import type { Measurement } from './measurements.js';
import { load, rowOf, type Row } from './rows.js';

const NONE = { gate: Infinity, aim: Infinity, unit: 'ms', better: 'less' } as const;
const PER_SECOND = 50;
const LOAD_SECONDS = 20;

/**
 * From the writing of heads and task runs until Elasticsearch has confirmed them, and until a search finds them, beside a
 * steady load of executions through a worker. Neither asks the product: the one is seen on the way to Elasticsearch, the
 * other is what the indexers publish, as webservers read it.
 */
export const indexLag = (stores: () => Stores, options: Omit<ClusterOptions, 'brokers'>): Measurement['rows'] =>
  async function* (scope) {
    const watch = await startBulkWatch(stores().elasticsearch);
    await scope.defer(() => watch.close());
    const bench = await startBench(scope, { ...stores(), elasticsearch: watch.url }, options);
    await load(bench.client, 'worker', { clients: 4, count: 200 }); // warm
    const progress = new IndexProgress();
    const written = new Map<string, Written>();
    const from = Date.now();
    const reader = await bench.read([...INDEXED, 'index-progress'], (record) => {
      // Of what was written before, only how far the index is counts.
      if (record.topic !== 'index-progress' && record.timestamp < from) return;
      progress.see(record);
      const one = writtenOf(record);
      if (one !== undefined) written.set(`${one.key} ${one.id} ${one.revision}`, one);
    });
    const running = await bench.beginLoad({ flowId: 'worker', perSecond: PER_SECOND });
    await pause(LOAD_SECONDS * 1_000);
    await running.stop();
    await reader.until(() => progress.pending === 0);
    const name = `index beside ${PER_SECOND} executions/s: commit to`;
    yield* lagRows(`${name} acknowledged bulk`, lagsOf([...written.values()], watch.acknowledged()), LAG);
    // Half a second and more is the interval of refreshes.
    yield* lagRows(`${name} searchable`, progress.lags(), NONE);
  };

const LAG = { gate: 2_000, aim: 300, unit: 'ms', better: 'less' } as const;

/** @param lags ascending, in milliseconds; @param goal of p99 */
function* lagRows(name: string, lags: readonly number[], goal: typeof LAG | typeof NONE): Iterable<Row> {
  if (lags.length === 0) throw new Error(`Nothing was seen of what '${name}' measures`);
  const [p50, p95, p99] = [percentile(lags, 0.5), percentile(lags, 0.95), percentile(lags, 0.99)];
  const max = lags.at(-1) ?? NaN;
  yield rowOf(`${name}, p50`, p50, NONE, { p50 });
  yield rowOf(`${name}, p95`, p95, NONE, { p95 });
  yield rowOf(`${name}, p99`, p99, goal, { p99 });
  yield rowOf(`${name}, longest`, max, NONE, { max });
}

interface Written {
  readonly key: string;
  readonly id: string;
  readonly revision: number;
  readonly at: number;
}

/** Heads and task runs; undefined: another record, or a removal. */
function writtenOf({ topic, key: kafkaKey, value, timestamp }: TopicRecord): Written | undefined {
  const { kind, revision } = plain(value);
  const isHead = topic === 'executions' && kind === 'head';
  const isRun = topic === 'task-runs' && value !== null;
  const parts = stateKeyParts(kafkaKey);
  if ((!isHead && !isRun) || parts === undefined) return undefined;
  return { key: parts.key, id: isHead ? '' : parts.id, revision: Number(revision), at: timestamp };
}

/** A record is in the index as soon as its document has its revision, or a later one. Ascending. */
function lagsOf(written: readonly Written[], acknowledged: readonly Acknowledged[]): readonly number[] {
  const byDocument = new Map<string, Acknowledged[]>();
  for (const one of acknowledged) {
    const name = `${one.key} ${one.id}`;
    const before = byDocument.get(name);
    if (before === undefined) byDocument.set(name, [one]);
    else before.push(one);
  }
  const lags = written.map(({ key, id, revision, at }) => {
    const first = byDocument.get(`${key} ${id}`)?.find((one) => one.revision >= revision);
    if (first === undefined) throw new Error(`'${key} ${id}' of revision ${revision} was never written to the index`);
    return Math.max(0, first.at - at);
  });
  return lags.sort((one, other) => one - other);
}

const SCHEDULES = 50;
const SECONDS = 20;

/** A flow that is due each second. */
export const ticking = (id: string): string => `id: ${id}
namespace: test
triggers:
  - {id: each_second, type: core.trigger.Schedule, cron: "* * * * * *", withSeconds: true, allowConcurrent: true}
tasks:
  - {id: t, type: core.debug.Return, format: x}
`;

/** Fifty schedules that are due each second. */
export const lateness: Measure = async function* ({ client, read }) {
  const records: TopicRecord[] = [];
  await read(['execution-events'], (record) => void records.push(record));
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
  if (late.length < (SCHEDULES * SECONDS) / 2) throw new Error(`Only ${late.length} dates were asked for`);
  yield rowOf(`${name}, p50`, p50, NONE, { p50 });
  yield rowOf(`${name}, p99`, p99, { gate: 200, aim: 50, unit: 'ms', better: 'less' }, { p99 });
};
