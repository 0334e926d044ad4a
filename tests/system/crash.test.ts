import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProductClient, type ExecutionAnswer } from '../product/client.js';
import { startServer, type StartedServer } from '../product/server.js';
import { FLOWS, MARK, outcomeOf, pause, seededRandom, TERMINAL } from '../product/workload.js';

const EXECUTIONS = 200;
const KILLS = 20;
const SEED = Number(process.env['CRASH_SEED'] ?? 1);

async function markedProcesses(): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
    if (environment.includes(`${MARK}=1`)) found.push(Number(entry));
  }
  return found;
}

/** A job that was lost so often is not given out again when it is lost once more (`resubmits` in libs/executor-core): that is another promise. */
const LOSSES_MAX = 3;

const lossesOf = ({ taskRunList = [] }: ExecutionAnswer): number[] =>
  taskRunList
    .filter(({ state }) => !TERMINAL.has(state.current))
    .map(({ attempts = [] }) => attempts.filter((attempt) => attempt.state.current === 'RESUBMITTED').length);

/** True when another kill could be one too many for some task run. */
async function isOneAtItsLimit(client: ProductClient, ids: readonly string[]): Promise<boolean> {
  for (const id of ids) if (lossesOf(await client.execution(id)).some((losses) => losses >= LOSSES_MAX)) return true;
  return false;
}

describe('a server that is killed with -9 again and again', () => {
  let data: string;
  let server: StartedServer;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'millrace-crash-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  });

  it(`ends every execution as if nothing had happened (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    server = await startServer({ data });
    let client = new ProductClient(server.url);
    for (const { yaml } of FLOWS) await client.save(yaml.trimStart());

    const started: { readonly id: string; readonly flow: (typeof FLOWS)[number] }[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      for (let at = 0; at < EXECUTIONS / KILLS; at++) {
        const flow = FLOWS[Math.floor(random() * FLOWS.length)];
        if (flow) started.push({ id: (await client.start(flow.id, { wait: false })).id, flow });
      }
      // The moment is the point of the test: somewhere in the middle of whatever runs.
      await pause(random() * 700);
      const ids = started.map(({ id }) => id);
      while (await isOneAtItsLimit(client, ids)) await pause(100);
      client.close();
      await server.kill();
      server = await startServer({ data });
      client = new ProductClient(server.url);
    }

    const wrong: string[] = [];
    let resubmitted = 0;
    for (const { id, flow } of started) {
      let execution = await client.execution(id);
      // Against hanging there is the limit of the test.
      while (!TERMINAL.has(execution.state.current)) {
        await pause(100);
        execution = await client.execution(id);
      }
      resubmitted += (execution.taskRunList ?? [])
        .flatMap(({ attempts = [] }) => attempts)
        .filter((attempt) => attempt.state.current === 'RESUBMITTED').length;
      if (outcomeOf(execution) !== flow.expected) wrong.push(`${flow.id} ${id}: ${outcomeOf(execution)}`);
    }
    client.close();
    expect(wrong).toEqual([]);
    expect(started).toHaveLength(EXECUTIONS);
    // Kills that met no running job would prove nothing.
    expect(resubmitted).toBeGreaterThan(KILLS);
    expect(await markedProcesses()).toEqual([]);
  }, 300_000);
});
