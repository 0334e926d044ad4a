import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { resolve as resolvePath } from 'node:path';
import { startSupervised } from '@millrace/testing/servers';
import type { Role } from './roles.js';

/** The product under test: the built command line, started as its users start it. */
export interface StartedServer {
  readonly url: string;
  readonly process: { readonly pid: number };
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
const START_LIMIT_MS = 120_000;

export interface StartOptions {
  readonly data: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly more?: readonly string[];
  /** Of the first account; undefined: none is given. */
  readonly account?: string | undefined;
  /** Out of reach of the terminal's Ctrl+C, and ended with this process, whatever ends that. */
  readonly supervised?: boolean;
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
}

/** Lines that are kept for messages. */
const OUTPUT_LINES = 400;

/** Starts `server standalone` on a free port and waits until it is ready. */
export const startServer = ({ data, environment, more = [], supervised }: StartOptions): Promise<StartedServer> =>
  startProcess(MAIN, ['server', 'standalone', '--port', '0', '--data', data, '--auth', ACCOUNT, ...more], {
    ...(environment === undefined ? {} : { environment }),
    ...(supervised === undefined ? {} : { supervised }),
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
  { environment = {}, logFile, supervised = false }: Partial<RoleOptions>,
): Promise<StartedServer> {
  const startedAt = performance.now();
  const printed: string[] = [];
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a' });
  let isReadyAt: (url: string) => void = () => undefined;
  const ready = new Promise<string>((resolve) => (isReadyAt = resolve));
  const onLine = (line: string): void => {
    log?.write(`${line}\n`);
    printed.push(line);
    if (printed.length > OUTPUT_LINES) printed.shift();
    // At its end: lines of the log may name other servers.
    const found = /(http:\/\/[\w.[\]:]+:\d+)$/.exec(line);
    if (found?.[1]) isReadyAt(found[1]);
  };
  const start = supervised ? runSupervised : run;
  const running = await start([process.execPath, main, ...args], { ...process.env, ...environment }, onLine);
  void running.ended.then(() => log?.end());
  const url = await readyUrl(running, ready, () => printed.join('\n'));
  return {
    url,
    process: { pid: running.pid },
    startedInMs: performance.now() - startedAt,
    output: () => printed.join('\n'),
    stop() {
      running.signal('SIGTERM');
      return running.ended;
    },
    async kill() {
      running.signal('SIGKILL');
      await running.ended;
    },
    freeze: () => running.signal('SIGSTOP'),
    thaw: () => running.signal('SIGCONT'),
    ended: running.ended,
  };
}

/** A process of ours. */
interface Running {
  readonly pid: number;
  /** The exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
}

type Run = (
  command: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
) => Promise<Running>;

const run: Run = async ([program, ...args], environment, onLine) => {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
  const { pid } = child;
  if (pid === undefined) throw new Error('The server has no process id');
  const ended = once(child, 'exit').then(([code]: unknown[]) => (typeof code === 'number' ? code : null));
  return { pid, ended, signal: (name) => void child.kill(name) };
};

const SIGNALLED = 128;

const runSupervised: Run = async (command, environment, onLine) => {
  const { pid, ended, signal } = await startSupervised(command, process.cwd(), onLine, environment);
  return { pid, signal, ended: ended.then((code = SIGNALLED) => (code >= SIGNALLED ? null : code)) };
};

/** The address that a server prints when it is ready. @throws Error when it ends or hangs instead; then it has ended */
async function readyUrl(running: Running, ready: Promise<string>, printed: () => string): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), START_LIMIT_MS)));
  const ended = running.ended.then((code) => ({ code }));
  const first = await Promise.race([ready, ended, limit]);
  clearTimeout(timer);
  if (typeof first === 'object')
    throw new Error(`The server ended with ${first.code} before it was ready:\n${printed()}`);
  if (first !== 'late') return first;
  running.signal('SIGKILL');
  await running.ended;
  throw new Error(`The server did not start:\n${printed()}`);
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
