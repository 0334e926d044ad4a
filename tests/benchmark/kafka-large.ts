import type { Measure } from './kafka-cluster.js';
import { untilAllPartitionsMove } from './kafka-cluster.js';
import { cpuByRole } from './kafka-small.js';
import { residentBytes } from '../product/server.js';
import { plain, text } from '../cluster/plain.js';
import { ended, latency, rowOf } from './rows.js';
import { chainRow, LARGE_SHAPES, SHAPES, shapeGoal } from './shapes.js';

export const shapes: Measure = async function* ({ client }) {
  for (const yaml of SHAPES) await client.save(yaml);
  yield await chainRow(client);
  for (const { row, flowId, taskRuns } of LARGE_SHAPES) {
    const seconds = (await latency(client, flowId, 1)).p50 / 1_000;
    yield rowOf(row, seconds, shapeGoal(taskRuns), { seconds });
  }
};

export const loops: Measure = async function* ({ cluster, client }) {
  await latency(client, 'fan-out', 2); // warm
  const memory = (): Promise<number> => residentBytes(cluster.of('executor')[0]?.pid ?? 0);
  const cpu = async (): Promise<number> => [...(await cpuByRole(cluster)).values()].reduce((sum, ms) => sum + ms, 0);
  for (const values of [100, 1_000, 10_000]) {
    const [bytes, cpuMs, from] = [await memory(), await cpu(), performance.now()];
    await ended(client, `loop-${values}`);
    const seconds = (performance.now() - from) / 1_000;
    const cpuUsPerTaskRun = (((await cpu()) - cpuMs) * 1_000) / values;
    const name = `ForEach of ${values.toLocaleString('en')}`;
    const goal = { gate: 30, aim: 8, unit: 's', better: 'less' } as const;
    yield rowOf(`${name}, worker`, seconds, goal, { seconds, cpuUsPerTaskRun });
    if (values < 10_000) continue; // what comes and goes besides would be most of it
    const bytesPerTaskRun = Math.max(0, (await memory()) - bytes) / values;
    yield rowOf(
      `${name}: memory of the executor for a task run`,
      bytesPerTaskRun,
      { gate: Infinity, aim: 4_096, unit: 'B', better: 'less' },
      { bytesPerTaskRun },
    );
  }
};

const LOOPS = 10;
const RUNS = 10_000;

/** Ten executions with 10,000 task runs each, all waiting for a worker. */
export const restore: Measure = async function* ({ cluster, client, read }) {
  const waiting = new Set<string>();
  const reader = await read(['task-runs'], ({ key, value }) => {
    if (text(plain(value)['taskId']) === 'one') waiting.add(key);
  });
  for (let at = 0; at < LOOPS; at++) await client.start('held-10000', { wait: false });
  await reader.until(() => waiting.size >= LOOPS * RUNS);
  await untilAllPartitionsMove(client);
  const [executor] = cluster.of('executor');
  await executor?.stop();
  const from = performance.now();
  await executor?.start();
  await untilAllPartitionsMove(client);
  const seconds = (performance.now() - from) / 1_000;
  yield rowOf(
    'restore of 100,000 live task runs: start of an executor to progress everywhere',
    seconds,
    { gate: 30, aim: 10, unit: 's', better: 'less' },
    { seconds },
  );
};
