import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProductClient } from '../product/client.js';
import { TERMINAL } from '../product/workload.js';
import { cpuMs, residentBytes, startServer, type StartedServer } from '../product/server.js';
import type { Measurement } from './measurements.js';
import type { Scope } from './scope.js';

/** One line of the result (conventions.md, Measuring). Absent figures are not part of the row. */
export interface Row {
  readonly row: string;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  readonly max?: number;
  readonly perSecond?: number;
  readonly seconds?: number;
  readonly cpuMsPerExecution?: number;
  readonly cpuUsPerTaskRun?: number;
  readonly rssMb?: number;
  readonly bytesPerTaskRun?: number;
  readonly bytesWrittenPerTaskRun?: number;
  readonly recordsWrittenPerTaskRun?: number;
  readonly gate: string;
  readonly aim: string;
  readonly met: 'aim' | 'gate' | 'no';
}

/** What a measurement is judged by: at most (latency, memory) or at least (throughput). */
export interface Goal {
  readonly gate: number;
  readonly aim: number;
  readonly unit: string;
  readonly better: 'less' | 'more';
}

const judge = (value: number, { gate, aim, better }: Goal): Row['met'] => {
  const reached = (goal: number): boolean => (better === 'less' ? value <= goal : value >= goal);
  return reached(aim) ? 'aim' : reached(gate) ? 'gate' : 'no';
};

const goals = (goal: Goal): Pick<Row, 'gate' | 'aim'> => ({
  gate: Number.isFinite(goal.gate) ? `${goal.gate} ${goal.unit}` : 'none',
  aim: Number.isFinite(goal.aim) ? `${goal.aim} ${goal.unit}` : 'none',
});

export const rowOf = (
  row: string,
  value: number,
  goal: Goal,
  figures: Omit<Row, 'row' | 'gate' | 'aim' | 'met'>,
): Row => ({
  row,
  ...figures,
  ...goals(goal),
  met: judge(value, goal),
});

const flow = (id: string, tasks: string): string => `id: ${id}\nnamespace: test\ntasks:\n${tasks}\n`;
const inlineTask = (id: string): string => `  - {id: ${id}, type: core.log.Log, message: hello}`;
const workerTask = (id: string): string => `  - {id: ${id}, type: core.flow.Sleep, duration: PT0S}`;
const many = (count: number, task: (id: string) => string): string =>
  Array.from({ length: count }, (_, index) => task(`t${index}`)).join('\n');

export const FLOWS: Readonly<Record<string, string>> = {
  inline: flow('inline', inlineTask('only')),
  worker: flow('worker', workerTask('only')),
  'steps-inline': flow('steps-inline', many(200, inlineTask)),
  'steps-worker': flow('steps-worker', many(50, workerTask)),
  'fan-out': flow(
    'fan-out',
    `  - id: all\n    type: core.flow.ForEach\n    concurrencyLimit: 0\n    values: "{{ range(1, 500) }}"\n    tasks:\n    ${workerTask('one')}`,
  ),
  'fan-out-inline': flow(
    'fan-out-inline',
    `  - id: all\n    type: core.flow.ForEach\n    concurrencyLimit: 0\n    values: "{{ range(1, 500) }}"\n    tasks:\n    ${inlineTask('one')}`,
  ),
  held: flow('held', '  - {id: only, type: core.flow.Sleep, duration: PT10M}'),
  second: flow('second', '  - {id: only, type: core.flow.Sleep, duration: PT1S}'),
  'held-10000': flow(
    'held-10000',
    `  - id: all\n    type: core.flow.ForEach\n    concurrencyLimit: 0\n    values: "{{ range(1, 10000) }}"\n    tasks:\n    ${workerTask('one')}`,
  ),
  ...Object.fromEntries(
    [100, 1_000, 10_000].map((values) => [
      `loop-${values}`,
      flow(
        `loop-${values}`,
        `  - id: all\n    type: core.flow.ForEach\n    concurrencyLimit: 16\n    values: "{{ range(1, ${values}) }}"\n    tasks:\n    ${workerTask('one')}`,
      ),
    ]),
  ),
};

/** A folder that is removed when the scope is closed. */
export async function temporaryFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-benchmark-'));
  await scope.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The embedded product, with a client of it, until the scope is closed. */
export async function startEmbedded(
  scope: Scope,
  data: string,
): Promise<{ readonly server: StartedServer; readonly client: ProductClient }> {
  const server = await scope.started(startServer({ data, supervised: true }), (started) => started.stop());
  const client = new ProductClient(server.url);
  await scope.defer(() => client.close());
  return { server, client };
}

/** What is measured of a fresh embedded server with all flows of the benchmark. */
export type MeasureEmbedded = (server: StartedServer, client: ProductClient) => AsyncIterable<Row>;

export const onEmbedded = (measure: MeasureEmbedded): Measurement['rows'] =>
  async function* (scope) {
    const { server, client } = await startEmbedded(scope, await temporaryFolder(scope));
    for (const yaml of Object.values(FLOWS)) await client.save(yaml);
    yield* measure(server, client);
  };

const pause = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 10));

const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;

/** Runs one and waits for its end. @throws Error when it does not succeed */
export async function ended(client: ProductClient, flowId: string): Promise<void> {
  const { state } = await client.start(flowId, { wait: true });
  if (state.current !== 'SUCCESS') throw new Error(`An execution of '${flowId}' ended ${state.current}`);
}

/** One after the other, each from the call to its end. */
export async function latency(
  client: ProductClient,
  flowId: string,
  count: number,
): Promise<{ p50: number; p99: number }> {
  const took: number[] = [];
  for (let at = 0; at < count; at++) {
    const from = performance.now();
    await ended(client, flowId);
    took.push(performance.now() - from);
  }
  took.sort((a, b) => a - b);
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

interface Load {
  readonly clients: number;
  readonly count: number;
}

/** `clients` at a time, each waiting for its execution's end. */
export async function load(
  client: ProductClient,
  flowId: string,
  { clients, count }: Load,
): Promise<{ perSecond: number }> {
  let left = count;
  const from = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) await ended(client, flowId);
    }),
  );
  return { perSecond: (count * 1_000) / (performance.now() - from) };
}

/** `load` on one server; CPU is the server's alone. */
export async function throughput(
  server: StartedServer,
  client: ProductClient,
  flowId: string,
  { clients, count }: Load,
): Promise<{ perSecond: number; cpuMsPerExecution: number }> {
  const before = await cpuMs(server.process.pid);
  const { perSecond } = await load(client, flowId, { clients, count });
  const cpu = (await cpuMs(server.process.pid)) - before;
  return { perSecond, cpuMsPerExecution: cpu / count };
}

/** One execution with `taskRuns` task runs: its time, the server's CPU and the growth of its memory. */
export async function large(
  server: StartedServer,
  client: ProductClient,
  flowId: string,
  taskRuns: number,
): Promise<{ seconds: number; cpuUsPerTaskRun: number; bytesPerTaskRun: number }> {
  const memoryBefore = await residentBytes(server.process.pid);
  const before = await cpuMs(server.process.pid);
  const from = performance.now();
  // Without `wait`, and asked for by a search: the answer with all task runs would be the larger part of the memory.
  const { id } = await client.start(flowId, { wait: false });
  // A search may know only of those before it.
  for (let latest = await client.latest(flowId); latest?.id !== id || !TERMINAL.has(latest.state.current);) {
    await pause();
    latest = await client.latest(flowId);
  }
  const seconds = (performance.now() - from) / 1000;
  const cpu = (await cpuMs(server.process.pid)) - before;
  const memory = (await residentBytes(server.process.pid)) - memoryBefore;
  return { seconds, cpuUsPerTaskRun: (cpu * 1000) / taskRuns, bytesPerTaskRun: Math.max(0, memory) / taskRuns };
}
