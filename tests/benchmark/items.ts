import type { ProductClient } from '../product/client.js';
import { cpuMs, residentBytes, type StartedServer } from '../product/server.js';
import { onEmbedded, rowOf } from './rows.js';
import type { Measurement } from './measurements.js';

const MEGABYTE = 1024 * 1024;
const LOOK_EVERY_MS = 500;

const FLOWS = (lines: number): readonly string[] => [
  `id: item
namespace: test
inputs: [{id: f, type: STRING}]
tasks: [{id: only, type: core.debug.Return, format: "{{ inputs.f }}"}]
`,
  `id: items
namespace: test
tasks:
  - {id: file, type: scripts.shell.Commands, commands: ["seq ${lines} > lines.txt"], outputFiles: [lines.txt]}
  - id: each
    type: core.flow.ForEachItem
    items: "{{ outputs.file.outputFiles['lines.txt'] }}"
    namespace: test
    flowId: item
    inputs: {f: "{{ taskrun.items }}"}
`,
];

/** What the server had when so many executions had ended. */
interface Sample {
  readonly ended: number;
  readonly atMs: number;
  readonly rssMb: number;
}

/** For the start, and for each item: a million lines take long, and one that hangs shall be found. */
const LIMIT_SECONDS = 120;
const LIMIT_SECONDS_EACH = 0.02;

/**
 * A ForEachItem over a file of so many lines, an execution for each: how fast, and whether memory stays flat. Prints its
 * progress, for a million lines take long.
 */
export const itemMeasurement = (lines: number): Measurement => ({
  name: 'items',
  limitSeconds: LIMIT_SECONDS + lines * LIMIT_SECONDS_EACH,
  rows: onEmbedded(async function* (server, client) {
    for (const yaml of FLOWS(lines)) await client.save(yaml);
    const cpu = await cpuMs(server.process.pid);
    const from = performance.now();
    const samples = await followed(server, client, lines);
    const seconds = (performance.now() - from) / 1_000;
    const cpuUsPerTaskRun = (((await cpuMs(server.process.pid)) - cpu) * 1_000) / lines;
    const started = samples.find(({ ended }) => ended > 0);
    const last = samples.at(-1);
    if (!started || !last) throw new Error('No item was started');
    const perSecond = (lines * 1_000) / (last.atMs - started.atMs);
    // Memory of the start is not what the items need.
    const tenth = samples.find(({ ended }) => ended >= lines / 10)?.rssMb ?? NaN;
    const most = Math.max(...samples.map(({ rssMb }) => rssMb));
    const name = `ForEachItem of ${lines.toLocaleString('en')} items`;
    yield rowOf(
      `${name}: executions`,
      perSecond,
      { gate: 200, aim: 1_000, unit: '/s', better: 'more' },
      { perSecond, seconds, cpuUsPerTaskRun },
    );
    yield rowOf(
      `${name}: growth of memory after the first tenth`,
      most - tenth,
      { gate: 200, aim: 100, unit: 'MB', better: 'less' },
      { rssMb: most },
    );
  }),
});

async function followed(server: StartedServer, client: ProductClient, lines: number): Promise<readonly Sample[]> {
  const { id } = await client.start('items', { wait: false });
  const samples: Sample[] = [];
  let told = 0;
  for (;;) {
    const execution = await client.execution(id);
    const outputs = execution.taskRunList?.find(({ taskId }) => taskId === 'each_items')?.outputs;
    const iterations = (outputs?.['iterations'] ?? {}) as Readonly<Record<string, number>>;
    const ended = iterations['SUCCESS'] ?? 0;
    const rssMb = (await residentBytes(server.process.pid)) / MEGABYTE;
    samples.push({ ended, atMs: performance.now(), rssMb });
    if (ended >= told + lines / 10) {
      told = ended;
      process.stderr.write(`${ended.toLocaleString('en')} items, ${rssMb.toFixed(0)} MB\n`);
    }
    const { current } = execution.state;
    if (current === 'SUCCESS') return samples;
    if (current !== 'CREATED' && current !== 'RUNNING') throw new Error(`The execution is ${current}`);
    await new Promise((resolve) => void setTimeout(resolve, LOOK_EVERY_MS));
  }
}
