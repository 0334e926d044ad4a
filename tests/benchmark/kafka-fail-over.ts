import { IndexProgress, INDEXED } from '../cluster/chaos/index-progress.js';
import { plain, text } from '../cluster/plain.js';
import type { ProductClient } from '../product/client.js';
import { pause } from '../product/workload.js';
import { untilAllPartitionsMove, type Bench, type Measure, type RunningLoad } from './kafka-cluster.js';
import { ticking } from './kafka-lag.js';
import { ended, latency, rowOf, type Goal } from './rows.js';

/** Of architecture part 11; the session of the groups is 6 s. */
const FAIL_OVER: Goal = { gate: 10, aim: 7, unit: 's', better: 'less' };
const PER_SECOND = 20;
/** What runs beside every one of them. */
const BESIDE = `beside ${PER_SECOND} executions/s`;
/** So long the load has run before something is killed. */
const LOADED_MS = 3_000;

const since = (from: number): number => (performance.now() - from) / 1_000;

async function underLoad(bench: Bench, webserver = 0): Promise<RunningLoad> {
  const load = await bench.beginLoad({ flowId: 'worker', perSecond: PER_SECOND, webserver });
  await pause(LOADED_MS);
  return load;
}

export const executorFailOver: Measure = async function* (bench) {
  const { client, cluster } = bench;
  await untilAllPartitionsMove(client);
  const load = await underLoad(bench);
  const from = performance.now();
  await cluster.of('executor')[0]?.kill();
  await untilAllPartitionsMove(client);
  const seconds = since(from);
  await load.stop();
  yield rowOf(`fail-over of an executor, ${BESIDE}: kill -9 to progress everywhere`, seconds, FAIL_OVER, { seconds });
};

export const workerFailOver: Measure = async function* (bench) {
  const { client, cluster } = bench;
  await latency(client, 'worker', 20);
  const load = await underLoad(bench);
  const waiting = Promise.all(Array.from({ length: 8 }, () => ended(client, 'second')));
  await pause(500);
  const from = performance.now();
  await cluster.of('worker')[0]?.kill();
  await waiting;
  // A second of it is the task itself, run once more.
  const seconds = since(from) - 1;
  await load.stop();
  // Heartbeats every 2 s, a lease of 8 s and a grace of 2 s (conventions.md): no row of the architecture.
  const goal = { gate: 14, aim: 12, unit: 's', better: 'less' } as const;
  yield rowOf(`fail-over of a worker, ${BESIDE}: kill -9 to its jobs ended elsewhere`, seconds, goal, { seconds });
};

/** So many that each of the schedulers has some. */
const SCHEDULES = 12;

/** Schedules that are due each second; the longest time in which one of them stood still. */
export const schedulerFailOver: Measure = async function* (bench) {
  const { client, cluster } = bench;
  const times = new Map<string, number[]>();
  const reader = await bench.read(['execution-events'], ({ value, timestamp }) => {
    const { kind, flowId } = plain(value);
    if (kind !== 'execution-wanted') return;
    times.set(text(flowId), [...(times.get(text(flowId)) ?? []), timestamp]);
  });
  for (let at = 0; at < SCHEDULES; at++) await client.save(ticking(`each-${at}`));
  const load = await underLoad(bench);
  const every = (since: number): boolean =>
    times.size === SCHEDULES && [...times.values()].every((started) => started.some((time) => time > since));
  await reader.until(() => every(0));
  await pause(2_000);
  const killedAt = Date.now();
  await cluster.of('scheduler')[0]?.kill();
  await reader.until(() => every(killedAt));
  const first = (started: readonly number[]): number => {
    const before = started.filter((time) => time <= killedAt).at(-1) ?? killedAt;
    return (started.find((time) => time > killedAt) ?? Infinity) - Math.min(before + 1_000, killedAt);
  };
  const seconds = Math.max(...[...times.values()].map(first)) / 1_000;
  await load.stop();
  yield rowOf(`fail-over of a scheduler, ${BESIDE}: kill -9 to each schedule started`, seconds, FAIL_OVER, { seconds });
};

/** What comes after the kill within this time is looked at: every partition has had something by then. */
const AFTER_MS = 1_000;

/** Until everything written in the first second after the kill is found, half of whose writers are gone. */
export const indexerFailOver: Measure = async function* (bench) {
  const { client, cluster } = bench;
  const progress = new IndexProgress();
  const reader = await bench.read([...INDEXED, 'index-progress'], (record) => progress.see(record));
  await untilAllPartitionsMove(client);
  await reader.until(() => progress.pending === 0);
  const load = await underLoad(bench);
  const killedAt = Date.now();
  await cluster.of('indexer')[0]?.kill();
  const end = killedAt + AFTER_MS;
  // Nothing that waits is older.
  await reader.until(() => Date.now() > end && progress.behindMs(end) <= 0);
  const seconds = (Date.now() - killedAt) / 1_000;
  await load.stop();
  yield rowOf(`fail-over of an indexer, ${BESIDE}: kill -9 to everything searchable`, seconds, FAIL_OVER, { seconds });
};

/** Users ask the other one: what began through the killed one is shown and ends there. */
export const webserverFailOver: Measure = async function* (bench) {
  const [one, other] = [await bench.clientOf(0), await bench.clientOf(1)];
  await latency(one, 'worker', 20);
  await latency(other, 'worker', 20);
  const load = await underLoad(bench, 1);
  const begun = await Promise.all(Array.from({ length: 8 }, () => one.start('second', { wait: false })));
  const from = performance.now();
  await bench.cluster.of('webserver')[0]?.kill();
  await ended(other, 'inline');
  const answered = since(from);
  yield rowOf(`fail-over of a webserver, ${BESIDE}: kill -9 to an execution through the other`, answered, FAIL_OVER, {
    seconds: answered,
  });
  await Promise.all(begun.map(({ id }) => shownEnded(other, id)));
  // A second of it is the task itself.
  const seconds = Math.max(0, since(from) - 1);
  await load.stop();
  yield rowOf(
    `fail-over of a webserver, ${BESIDE}: kill -9 to its executions shown ended by the other`,
    seconds,
    FAIL_OVER,
    { seconds },
  );
};

async function shownEnded(client: ProductClient, id: string): Promise<void> {
  while ((await client.execution(id)).state.current !== 'SUCCESS') await pause(50);
}
