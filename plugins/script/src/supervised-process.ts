import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { TaskFailure } from '@millrace/plugin-api';

/** From SIGTERM to SIGKILL, in milliseconds. */
export const KILL_GRACE_MS = 5_000;

/** What escaped the process group may hold the output open; it is not read for longer than this after the end. */
const DRAIN_MS = 2_000;

/**
 * The supervisor: a shell that leads the process group and runs the command in it. Beside it a watcher waits for the
 * end of file on descriptor 3, which comes when the worker closes it or dies, even by `kill -9`, and then kills the
 * whole group. The exit code goes to descriptor 4, since the supervisor ends by killing what the command left behind.
 * A shell starts in a millisecond; a supervisor in Node would take forty times as long.
 */
const SUPERVISOR = `
exec 5>&2 2>/dev/null
stopped=
trap 'stopped=1' TERM INT HUP
( trap '' TERM INT HUP; read -r _ <&3; kill -KILL 0 ) >/dev/null 4>&- 5>&- &
watcher=$!
code=143
if [ -z "$stopped" ]; then "$@" 2>&5 3<&- 4>&- 5>&-; code=$?; fi
echo $code >&4
kill -KILL $watcher
wait $watcher
kill -KILL 0
`;

export interface ProcessOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly workingDirectory: string;
  /** The whole environment; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends the group: SIGTERM, and SIGKILL after a grace. */
  readonly signal: AbortSignal;
  readonly killGraceMs?: number;
}

/** A command in a process group of its own. */
export interface SupervisedProcess {
  /** The id of the group. */
  readonly group: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * The command's exit code; 128 and the signal's number when a signal ended it. Resolves when the whole group is gone,
   * rejects when the command was stopped by `signal`.
   */
  readonly exitCode: Promise<number>;
}

/**
 * Starts a command whose processes never outlive the worker, as long as they stay in its process group. One that leaves
 * it, by `setsid` for instance, is not found again, neither at the end of the command nor when the worker dies: a search
 * through the environments of all processes of the machine would cost every short script more than its own start, and
 * misses those that clean theirs. Where that matters, let a service manager or container end the worker's control group.
 * @throws TaskFailure when the process cannot be started; the signal's reason when it is aborted already
 */
export async function startProcess(options: ProcessOptions): Promise<SupervisedProcess> {
  options.signal.throwIfAborted();
  const child = spawnSupervisor(options);
  await started(child);
  const { pid, stdout, stderr } = child;
  const [, , , lifeline, report] = child.stdio;
  if (pid === undefined || !stdout || !stderr || !lifeline || !report)
    throw new Error('A started process has no pipes');
  // The watcher kills the group as soon as this end is closed; an error there means that the group is gone already.
  lifeline.on('error', () => undefined);
  const code = readCode(report as Readable);
  const stop = stopper(pid, options);
  return { group: pid, stdout, stderr, exitCode: ended(child, code, options.signal).finally(stop) };
}

function spawnSupervisor({ command, workingDirectory, environment }: ProcessOptions): ChildProcess {
  try {
    return spawn('/bin/sh', ['-c', SUPERVISOR, 'millrace-supervisor', ...command], {
      cwd: workingDirectory,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    throw startFailure(error);
  }
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(startFailure(error)));
  });
}

const START_FAILURES: Readonly<Record<string, string>> = {
  E2BIG: 'its commands or its environment are too long',
  EAGAIN: 'this machine runs as many processes as it may',
  ENOMEM: 'this machine is short of memory',
  ERR_INVALID_ARG_VALUE: "its commands or its 'env' contain a NUL character",
};

/** Node's own message may show the environment, and with it secrets; so the code alone is told. */
function startFailure(error: unknown): TaskFailure {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown reason';
  return new TaskFailure(`The process could not be started: ${START_FAILURES[code] ?? code}`, undefined, error);
}

async function readCode(report: Readable): Promise<number | undefined> {
  let text = '';
  try {
    for await (const chunk of report) text += String(chunk).slice(0, 16);
  } catch {
    // The group was killed while the pipe was open: then there is no code.
    return undefined;
  }
  const code = Number.parseInt(text, 10);
  return Number.isNaN(code) ? undefined : code;
}

/** Ends the group on the signal; the answer stops watching for it. */
function stopper(pid: number, { signal, killGraceMs = KILL_GRACE_MS }: ProcessOptions): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    signalGroup(pid, 'SIGTERM');
    timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), killGraceMs);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch (error) {
    // ESRCH: the whole group has ended by itself.
    if (!(typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function ended(child: ChildProcess, code: Promise<number | undefined>, signal: AbortSignal): Promise<number> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const drain = setTimeout(() => {
    for (const stream of child.stdio) stream?.destroy();
  }, DRAIN_MS);
  await closed;
  clearTimeout(drain);
  if (signal.aborted) throw signal.reason instanceof Error ? signal.reason : new Error('The process was stopped');
  const number = await code;
  // The supervisor itself was killed, by the system for want of memory or by somebody else.
  if (number === undefined)
    throw new TaskFailure('The process was killed from outside; the machine may be short of memory');
  return number;
}
