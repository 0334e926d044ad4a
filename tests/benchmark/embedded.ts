import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { residentBytes } from '../product/server.js';
import type { Backend, Measurement } from './measurements.js';
import {
  ended,
  FLOWS,
  large,
  latency,
  onEmbedded,
  rowOf,
  startEmbedded,
  temporaryFolder,
  throughput,
  type MeasureEmbedded,
} from './rows.js';
import { shapes } from './shapes.js';

const STATE_SIZE = resolve('tests/dist/benchmark/state-size.js');
const MEGABYTE = 1024 * 1024;

const oneTask: MeasureEmbedded = async function* (server, client) {
  for (const flowId of ['inline', 'worker']) {
    await throughput(server, client, flowId, { clients: 4, count: 300 }); // warm
    const times = await latency(client, flowId, 400);
    yield rowOf(
      `1 task, ${flowId}: call to end, p50`,
      times.p50,
      { gate: 10, aim: 1.5, unit: 'ms', better: 'less' },
      { p50: times.p50 },
    );
    yield rowOf(
      `1 task, ${flowId}: call to end, p99`,
      times.p99,
      { gate: 50, aim: 8, unit: 'ms', better: 'less' },
      { p99: times.p99 },
    );
    const load = await throughput(server, client, flowId, { clients: 16, count: 3_000 });
    yield rowOf(
      `1 task, ${flowId}: 16 clients`,
      load.perSecond,
      { gate: 500, aim: 2_500, unit: '/s', better: 'more' },
      { perSecond: load.perSecond },
    );
    yield rowOf(
      `1 task, ${flowId}: CPU under load`,
      load.cpuMsPerExecution,
      { gate: 2, aim: 0.5, unit: 'ms', better: 'less' },
      { cpuMsPerExecution: load.cpuMsPerExecution },
    );
  }
};

const steps: MeasureEmbedded = async function* (_server, client) {
  for (const [flowId, count, gate, aim] of [
    ['steps-inline', 200, 500, 2_000],
    ['steps-worker', 50, 100, 300],
  ] as const) {
    await latency(client, flowId, 10); // warm
    const { p50 } = await latency(client, flowId, 20);
    const perSecond = (count * 1000) / p50;
    yield rowOf(
      `sequential steps, ${flowId.slice(6)}`,
      perSecond,
      { gate, aim, unit: '/s', better: 'more' },
      { perSecond },
    );
  }
};

const fanOut: MeasureEmbedded = async function* (server, client) {
  for (const flowId of ['fan-out-inline', 'fan-out']) {
    await latency(client, flowId, 2);
    const { seconds } = await large(server, client, flowId, 500);
    yield rowOf(
      `fan-out of 500, join, ${flowId === 'fan-out' ? 'worker' : 'inline'}`,
      seconds,
      { gate: 1, aim: 0.25, unit: 's', better: 'less' },
      { seconds },
    );
  }
};

const loop = (values: number): MeasureEmbedded =>
  async function* (server, client) {
    await throughput(server, client, 'worker', { clients: 4, count: 300 }); // warm
    const { seconds, cpuUsPerTaskRun, bytesPerTaskRun } = await large(server, client, `loop-${values}`, values);
    yield rowOf(
      `ForEach of ${values}, worker`,
      seconds,
      { gate: 30, aim: 8, unit: 's', better: 'less' },
      { seconds, cpuUsPerTaskRun },
    );
    const rssMb = (bytesPerTaskRun * values) / MEGABYTE;
    // No row of the architecture: our own bound.
    const goal = { gate: 150, aim: 100, unit: 'MB', better: 'less' } as const;
    yield rowOf(`ForEach of ${values}: growth of the whole process`, rssMb, goal, { rssMb });
  };

const memory: MeasureEmbedded = async function* (server, client) {
  const idle = (await residentBytes(server.process.pid)) / MEGABYTE;
  yield rowOf('resident memory, idle', idle, { gate: 200, aim: 120, unit: 'MB', better: 'less' }, { rssMb: idle });
  await throughput(server, client, 'worker', { clients: 8, count: 1_000 });
  const after = (await residentBytes(server.process.pid)) / MEGABYTE;
  const goal = { gate: 300, aim: 200, unit: 'MB', better: 'less' } as const;
  yield rowOf('resident memory, after 1,000 executions', after, goal, { rssMb: after });
};

/** What the executor holds and writes for each task run of a loop, measured in a process with nothing else in it. */
const stateSize = (values: number): Measurement['rows'] =>
  async function* ({ signal }) {
    const command = ['--expose-gc', STATE_SIZE, String(values)];
    const { stdout } = await promisify(execFile)(process.execPath, command, { signal, killSignal: 'SIGKILL' });
    const figures = JSON.parse(stdout) as { bytes: number; recordsWritten: number; bytesWritten: number };
    yield rowOf(
      `ForEach of ${values}: executor's memory per task run`,
      figures.bytes,
      { gate: 8_192, aim: 4_096, unit: 'bytes', better: 'less' },
      {
        bytesPerTaskRun: figures.bytes,
        bytesWrittenPerTaskRun: figures.bytesWritten,
        recordsWrittenPerTaskRun: figures.recordsWritten,
      },
    );
  };

/** From nothing to the first ended execution. */
const coldStart: Measurement['rows'] = async function* (scope) {
  const data = await temporaryFolder(scope);
  const from = performance.now();
  const { client } = await startEmbedded(scope, data);
  await client.save(FLOWS['inline'] ?? '');
  await ended(client, 'inline');
  const seconds = (performance.now() - from) / 1_000;
  const goal = { gate: 3, aim: 1, unit: 's', better: 'less' } as const;
  yield rowOf('cold start to first ended execution', seconds, goal, { seconds });
};

/** Killed with -9 while it runs something; from the kill to the next end of an execution, the restart included. */
const failOver: Measurement['rows'] = async function* (scope) {
  const data = await temporaryFolder(scope);
  const { server, client } = await startEmbedded(scope, data);
  for (const yaml of Object.values(FLOWS)) await client.save(yaml);
  const { id } = await client.start('loop-1000', { wait: false });
  const from = performance.now();
  await server.kill();
  const { client: after } = await startEmbedded(scope, data);
  const runs = (await after.execution(id)).taskRunList?.length ?? 0;
  while (((await after.execution(id)).taskRunList?.length ?? 0) <= runs);
  const seconds = (performance.now() - from) / 1_000;
  const goal = { gate: 10, aim: 2, unit: 's', better: 'less' } as const;
  yield rowOf('fail-over: kill -9 to next progress, restart included', seconds, goal, { seconds });
};

const LIMIT_SECONDS = 60;
const VALUES = [100, 1_000, 10_000] as const;

/** The embedded product: SQLite, one process. Each measurement has a server of its own. */
export const EMBEDDED: Backend = {
  times: 3,
  measurements: [
    { name: 'cold-start', limitSeconds: LIMIT_SECONDS, rows: coldStart },
    { name: 'one-task', limitSeconds: LIMIT_SECONDS, rows: onEmbedded(oneTask) },
    { name: 'steps', limitSeconds: LIMIT_SECONDS, rows: onEmbedded(steps) },
    { name: 'fan-out', limitSeconds: LIMIT_SECONDS, rows: onEmbedded(fanOut) },
    { name: 'shapes', limitSeconds: LIMIT_SECONDS, rows: onEmbedded(shapes) },
    ...VALUES.map((values) => ({
      name: `state-size-${values}`,
      limitSeconds: LIMIT_SECONDS,
      rows: stateSize(values),
    })),
    ...VALUES.map((values) => ({
      name: `loop-${values}`,
      limitSeconds: 2 * LIMIT_SECONDS,
      rows: onEmbedded(loop(values)),
    })),
    { name: 'memory', limitSeconds: LIMIT_SECONDS, rows: onEmbedded(memory) },
    { name: 'fail-over', limitSeconds: LIMIT_SECONDS, rows: failOver },
  ],
};
