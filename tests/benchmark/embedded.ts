import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ProductClient } from '../product/client.js';
import { residentBytes, startServer } from '../product/server.js';
import { FLOWS, large, latency, rowOf, throughput, withServer, type Row } from './rows.js';
import { shapeRows } from './shapes.js';

const STATE_SIZE = resolve('tests/dist/benchmark/state-size.js');
const MEGABYTE = 1024 * 1024;

/** Every row of the embedded product once, on servers of its own. */
export async function embeddedRows(): Promise<Row[]> {
  const rows: Row[] = [await coldStart()];
  rows.push(
    ...(await withServer(oneTask)),
    ...(await withServer(steps)),
    ...(await withServer(fanOut)),
    ...(await withServer(shapeRows)),
  );
  for (const values of [100, 1_000, 10_000]) rows.push(await stateSize(values));
  for (const values of [100, 1_000, 10_000])
    rows.push(...(await withServer((server, client) => loop(server, client, values))));
  rows.push(...(await withServer(memory)), await failOver());
  return rows;
}

type Measure = Parameters<typeof withServer<Row[]>>[0];

const oneTask: Measure = async (server, client) => {
  const rows: Row[] = [];
  for (const flowId of ['inline', 'worker']) {
    await throughput(server, client, flowId, { clients: 4, count: 300 }); // warm
    const times = await latency(client, flowId, 400);
    rows.push(
      rowOf(
        `1 task, ${flowId}: call to end, p50`,
        times.p50,
        { gate: 10, aim: 1.5, unit: 'ms', better: 'less' },
        { p50: times.p50 },
      ),
    );
    rows.push(
      rowOf(
        `1 task, ${flowId}: call to end, p99`,
        times.p99,
        { gate: 50, aim: 8, unit: 'ms', better: 'less' },
        { p99: times.p99 },
      ),
    );
    const load = await throughput(server, client, flowId, { clients: 16, count: 3_000 });
    rows.push(
      rowOf(
        `1 task, ${flowId}: 16 clients`,
        load.perSecond,
        { gate: 500, aim: 2_500, unit: '/s', better: 'more' },
        { perSecond: load.perSecond },
      ),
    );
    rows.push(
      rowOf(
        `1 task, ${flowId}: CPU under load`,
        load.cpuMsPerExecution,
        { gate: 2, aim: 0.5, unit: 'ms', better: 'less' },
        { cpuMsPerExecution: load.cpuMsPerExecution },
      ),
    );
  }
  return rows;
};

const steps: Measure = async (server, client) => {
  const rows: Row[] = [];
  for (const [flowId, count, gate, aim] of [
    ['steps-inline', 200, 500, 2_000],
    ['steps-worker', 50, 100, 300],
  ] as const) {
    await latency(client, flowId, 10); // warm
    const { p50 } = await latency(client, flowId, 20);
    const perSecond = (count * 1000) / p50;
    rows.push(
      rowOf(
        `sequential steps, ${flowId.slice(6)}`,
        perSecond,
        { gate, aim, unit: '/s', better: 'more' },
        { perSecond },
      ),
    );
  }
  void server;
  return rows;
};

const fanOut: Measure = async (server, client) => {
  const rows: Row[] = [];
  for (const flowId of ['fan-out-inline', 'fan-out']) {
    await latency(client, flowId, 2);
    const { seconds } = await large(server, client, flowId, 500);
    rows.push(
      rowOf(
        `fan-out of 500, join, ${flowId === 'fan-out' ? 'worker' : 'inline'}`,
        seconds,
        { gate: 1, aim: 0.25, unit: 's', better: 'less' },
        { seconds },
      ),
    );
  }
  return rows;
};

async function loop(server: Parameters<Measure>[0], client: ProductClient, values: number): Promise<Row[]> {
  await throughput(server, client, 'worker', { clients: 4, count: 300 }); // warm
  const figures = await large(server, client, `loop-${values}`, values);
  return [
    rowOf(
      `ForEach of ${values}, worker`,
      figures.seconds,
      { gate: 30, aim: 8, unit: 's', better: 'less' },
      { seconds: figures.seconds, cpuUsPerTaskRun: figures.cpuUsPerTaskRun },
    ),
    rowOf(
      `ForEach of ${values}: growth of the whole process`,
      (figures.bytesPerTaskRun * values) / MEGABYTE,
      // No row of the architecture: our own bound.
      { gate: 150, aim: 100, unit: 'MB', better: 'less' },
      { rssMb: (figures.bytesPerTaskRun * values) / MEGABYTE },
    ),
  ];
}

const memory: Measure = async (server, client) => {
  const idle = (await residentBytes(server.process.pid)) / MEGABYTE;
  await throughput(server, client, 'worker', { clients: 8, count: 1_000 });
  const after = (await residentBytes(server.process.pid)) / MEGABYTE;
  return [
    rowOf('resident memory, idle', idle, { gate: 200, aim: 120, unit: 'MB', better: 'less' }, { rssMb: idle }),
    rowOf(
      'resident memory, after 1,000 executions',
      after,
      { gate: 300, aim: 200, unit: 'MB', better: 'less' },
      { rssMb: after },
    ),
  ];
};

/** What the executor holds and writes for each task run of a loop, measured in a process with nothing else in it. */
async function stateSize(values: number): Promise<Row> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', STATE_SIZE, String(values)]);
  const figures = JSON.parse(stdout) as { bytes: number; recordsWritten: number; bytesWritten: number };
  return rowOf(
    `ForEach of ${values}: executor's memory per task run`,
    figures.bytes,
    { gate: 8_192, aim: 4_096, unit: 'bytes', better: 'less' },
    {
      bytesPerTaskRun: figures.bytes,
      bytesWrittenPerTaskRun: figures.bytesWritten,
      recordsWrittenPerTaskRun: figures.recordsWritten,
    },
  );
}

/** From nothing to the first ended execution. */
async function coldStart(): Promise<Row> {
  const data = await mkdtemp(join(tmpdir(), 'millrace-benchmark-'));
  const from = performance.now();
  const server = await startServer({ data });
  const client = new ProductClient(server.url);
  await client.save(FLOWS['inline'] ?? '');
  await client.start('inline', { wait: true });
  const seconds = (performance.now() - from) / 1000;
  client.close();
  await server.stop();
  await rm(data, { recursive: true, force: true });
  return rowOf(
    'cold start to first ended execution',
    seconds,
    { gate: 3, aim: 1, unit: 's', better: 'less' },
    { seconds },
  );
}

/** Killed with -9 while it runs something; from the kill to the next end of an execution, the restart included. */
async function failOver(): Promise<Row> {
  const data = await mkdtemp(join(tmpdir(), 'millrace-benchmark-'));
  const first = await startServer({ data });
  const before = new ProductClient(first.url);
  for (const yaml of Object.values(FLOWS)) await before.save(yaml);
  const { id } = await before.start('loop-1000', { wait: false });
  before.close();
  const from = performance.now();
  await first.kill();
  const second = await startServer({ data });
  const after = new ProductClient(second.url);
  const runs = (await after.execution(id)).taskRunList?.length ?? 0;
  while (((await after.execution(id)).taskRunList?.length ?? 0) <= runs);
  const seconds = (performance.now() - from) / 1000;
  after.close();
  await second.stop();
  await rm(data, { recursive: true, force: true });
  return rowOf(
    'fail-over: kill -9 to next progress, restart included',
    seconds,
    { gate: 10, aim: 2, unit: 's', better: 'less' },
    { seconds },
  );
}
