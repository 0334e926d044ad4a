import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { resolve as resolvePath } from 'node:path';
import type { Role } from './roles.js';

/** The product under test: the built command line, started as its users start it. */
export interface StartedServer {
  readonly url: string;
  readonly process: ChildProcess & { readonly pid: number };
  /** Milliseconds from spawn until the server said that it is ready. */
  readonly startedInMs: number;
  /** The last lines that it has printed. */
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
const START_LIMIT_MS = 60_000;

export interface StartOptions {
  readonly data: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly more?: readonly string[];
  /** Of the first account; undefined: none is given. */
  readonly account?: string | undefined;
}

/** What one server of a cluster is started with. */
export interface RoleOptions extends StartOptions {
  readonly config: string;
  /** Default: the product's own. */
  readonly main?: string;
  /** Of the API (webserver), else of health and metrics. Default: a free one. */
  readonly port?: number;
  /** What it prints is added to it. */
  readonly logFile?: string;
  /** Out of reach of the terminal's Ctrl+C: whoever started it stops it. */
  readonly detached?: boolean;
}

/** Lines that are kept for messages. */
const OUTPUT_LINES = 400;

/** Starts `server standalone` on a free port and waits until it is ready. */
export const startServer = ({ data, environment, more = [] }: StartOptions): Promise<StartedServer> =>
  startProcess(MAIN, ['server', 'standalone', '--port', '0', '--data', data, '--auth', ACCOUNT, ...more], {
    ...(environment === undefined ? {} : { environment }),
  });

/** Starts one server of a cluster, on a configuration file, and waits until it is ready. */
export function startRole(role: Role, options: RoleOptions): Promise<StartedServer> {
  const { data, config, more = [], main = MAIN, port = 0, account = ACCOUNT } = options;
  // In the environment: other users of the machine see what is on a command line.
  const [username, ...password] = account.split(':');
  const environment =
    role === 'webserver'
      ? {
          MILLRACE_SECURITY_SUPER_ADMIN_USERNAME: username ?? '',
          MILLRACE_SECURITY_SUPER_ADMIN_PASSWORD: password.join(':'),
        }
      : {};
  const args = ['server', role, '--port', String(port), '--data', data, '--config', config, ...more];
  return startProcess(main, args, { ...options, environment: { ...environment, ...options.environment } });
}

async function startProcess(
  main: string,
  args: readonly string[],
  { environment = {}, logFile, detached = false }: Partial<RoleOptions>,
): Promise<StartedServer> {
  const startedAt = performance.now();
  const server = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    detached,
  });
  const printed: string[] = [];
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a' });
  const url = await readyUrl(server, printed, (line) => log?.write(`${line}\n`));
  const { pid } = server;
  if (pid === undefined) throw new Error('The server has no process id');
  const exited = once(server, 'exit');
  void exited.then(() => log?.end());
  return {
    url,
    process: Object.assign(server, { pid }),
    startedInMs: performance.now() - startedAt,
    output: () => printed.join('\n'),
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

/** Resolves with the address that the server prints when it is ready. */
function readyUrl(server: ChildProcess, printed: string[], log: (line: string) => void): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    const failed = (what: string): Error => new Error(`The server ${what}:\n${printed.join('\n')}`);
    const limit = setTimeout(() => {
      reject(failed('did not start'));
      server.kill('SIGKILL');
    }, START_LIMIT_MS);
    server.once('exit', (code) => {
      clearTimeout(limit);
      reject(failed(`ended with ${code} before it was ready`));
    });
    for (const stream of [server.stdout, server.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        log(line);
        printed.push(line);
        if (printed.length > OUTPUT_LINES) printed.shift();
        // At its end: lines of the log may name other servers.
        const found = /(http:\/\/[\w.[\]:]+:\d+)$/.exec(line);
        if (found?.[1]) {
          clearTimeout(limit);
          resolve(found[1]);
        }
      });
    }
  });
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
