import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProductClient, type ExecutionAnswer } from '../product/client.js';
import { startServer, type StartedServer } from '../product/server.js';

/** Found in the environment of every child process of these flows. */
const MARK = 'MILLRACE_CRASH_TEST_MARK';
const EXECUTIONS = 200;
const KILLS = 20;
const SEED = Number(process.env['CRASH_SEED'] ?? 1);

const script = (id: string, output: string, more = ''): string =>
  `{id: ${id}, type: scripts.shell.Script, env: {${MARK}: "1"}, ${more} script: "sleep 0.3; echo '::{\\"outputs\\":{\\"n\\":${output}}}::'"}`;

/** Child processes, retries, ForEach, Parallel, errors and finally; each with one outcome, whenever it is disturbed. */
const FLOWS: readonly { readonly id: string; readonly yaml: string; readonly expected: string }[] = [
  {
    id: 'scripts',
    yaml: `
id: scripts
namespace: test
tasks:
  - ${script('one', '1')}
  - ${script('two', '{{ outputs.one.vars.n + 1 }}')}
  - {id: sum, type: core.debug.Return, format: "{{ outputs.one.vars.n + outputs.two.vars.n }}"}
finally:
  - ${script('last', '9')}
`,
    expected: 'SUCCESS last:SUCCESS:1 one:SUCCESS:1 sum:SUCCESS:1=3 two:SUCCESS:1',
  },
  {
    id: 'retries',
    yaml: `
id: retries
namespace: test
tasks:
  - {id: flaky, type: core.execution.Fail, condition: "{{ taskrun.attemptsCount < 2 }}", retry: {type: constant, interval: PT0.4S, maxAttempts: 5}}
  - ${script('after', '1')}
  - {id: doomed, type: core.execution.Fail, retry: {type: constant, interval: PT0.2S, maxAttempts: 2}}
errors:
  - ${script('caught', '1')}
`,
    expected: 'FAILED after:SUCCESS:1 caught:SUCCESS:1 doomed:FAILED:2 flaky:SUCCESS:3',
  },
  {
    id: 'loops',
    yaml: `
id: loops
namespace: test
tasks:
  - id: each
    type: core.flow.ForEach
    values: [1, 2, 3, 4]
    concurrencyLimit: 2
    tasks:
      - {id: pause, type: core.flow.Sleep, duration: PT0.1S}
      - {id: double, type: core.debug.Return, format: "{{ taskrun.value * 2 }}"}
  - {id: total, type: core.debug.Return, format: "{{ outputs.double['1'].value ~ outputs.double['4'].value }}"}
`,
    expected:
      'SUCCESS double[1]:SUCCESS:1=2 double[2]:SUCCESS:1=4 double[3]:SUCCESS:1=6 double[4]:SUCCESS:1=8 each:SUCCESS:1 pause[1]:SUCCESS:1 pause[2]:SUCCESS:1 pause[3]:SUCCESS:1 pause[4]:SUCCESS:1 total:SUCCESS:1=28',
  },
  {
    id: 'branches',
    yaml: `
id: branches
namespace: test
tasks:
  - id: both
    type: core.flow.Parallel
    allowFailure: true
    tasks:
      - ${script('left', '1')}
      - {id: right, type: core.flow.Sequential, tasks: [{id: nap, type: core.flow.Sleep, duration: PT0.2S}, {id: done, type: core.log.Log, message: done}]}
    finally:
      - {id: tidy, type: core.log.Log, message: tidy}
`,
    expected: 'SUCCESS both:SUCCESS:1 done:SUCCESS:1 left:SUCCESS:1 nap:SUCCESS:1 right:SUCCESS:1 tidy:SUCCESS:1',
  },
];

/** State, and every task run with its counted attempts and its value; lost attempts do not count. */
function outcomeOf({ state, taskRunList = [] }: ExecutionAnswer): string {
  const runs = taskRunList.map(({ taskId, value, state: ended, attempts = [], outputs }) => {
    const counted = attempts.filter((attempt) => attempt.state.current !== 'RESUBMITTED').length;
    const shown = outputs?.['value'] === undefined ? '' : `=${String(outputs['value'])}`;
    return `${taskId}${value === undefined ? '' : `[${value}]`}:${ended.current}:${counted}${shown}`;
  });
  return [state.current, ...runs.sort()].join(' ');
}

/** mulberry32 */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function markedProcesses(): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
    if (environment.includes(`${MARK}=1`)) found.push(Number(entry));
  }
  return found;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
const TERMINAL = new Set(['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED']);

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
