import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { resolve as resolvePath } from 'node:path';

/** The product under test: the built command line, started as its users start it. */
export interface StartedServer {
  readonly url: string;
  readonly process: ChildProcess & { readonly pid: number };
  /** Milliseconds from spawn until the server said that it is ready. */
  readonly startedInMs: number;
  /** What it has printed so far. */
  output(): string;
  /** SIGTERM, then waits for the exit; answers the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, then waits for the exit. */
  kill(): Promise<void>;
  /** SIGSTOP: it stands still, with all that it has. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<unknown>;
}

export const ACCOUNT = 'admin@example.com:Benchmark-and-tests-1';
/** Commands and tests run from the root of the workspace. */
const MAIN = resolvePath('apps/cli/dist/main.js');
/** Against hanging only. */
const START_LIMIT_MS = 120_000;

export interface StartOptions {
  readonly data: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly more?: readonly string[];
}

/** Starts `server standalone` on a free port and waits until it is ready. */
export const startServer = ({ data, environment, more = [] }: StartOptions): Promise<StartedServer> =>
  startProcess(MAIN, ['server', 'standalone', '--port', '0', '--data', data, '--auth', ACCOUNT, ...more], environment);

/** Starts one server of a cluster on a free port, on a configuration file, and waits until it is ready. */
export function startRole(
  role: 'executor' | 'worker' | 'scheduler' | 'webserver',
  {
    data,
    config,
    more = [],
    main = MAIN,
    environment,
  }: StartOptions & { readonly config: string; readonly main?: string },
): Promise<StartedServer> {
  const account = role === 'webserver' ? ['--auth', ACCOUNT] : [];
  const args = ['server', role, '--port', '0', '--data', data, '--config', config, ...account, ...more];
  return startProcess(main, args, environment);
}

async function startProcess(
  main: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<StartedServer> {
  const startedAt = performance.now();
  const server = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let printed = '';
  const url = await new Promise<string>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`The server did not start:\n${printed}`)), START_LIMIT_MS);
    server.once('exit', (code) => reject(new Error(`The server ended with ${code} before it was ready:\n${printed}`)));
    for (const stream of [server.stdout, server.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        printed += `${line}\n`;
        const found = /(http:\/\/[\w.[\]:]+:\d+)/.exec(line);
        if (found?.[1]) {
          clearTimeout(limit);
          resolve(found[1]);
        }
      });
    }
  });
  const { pid } = server;
  if (pid === undefined) throw new Error('The server has no process id');
  const exited = once(server, 'exit');
  return {
    url,
    process: Object.assign(server, { pid }),
    startedInMs: performance.now() - startedAt,
    output: () => printed,
    async stop() {
      server.kill('SIGTERM');
      const [code] = (await exited) as [number | null];
      return code;
    },
    async kill() {
      server.kill('SIGKILL');
      await exited;
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    ended: exited,
  };
}

/** Milliseconds of CPU that a process has used so far (Linux). */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return (ticks * 1000) / 100; // USER_HZ is 100 on Linux
}

/** Resident memory of a process in bytes (Linux). */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
