import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

/**
 * A shell that leads a process group of its own and starts the server in it. A watcher beside it waits for the end of file
 * on descriptor 3, which comes when whoever started it dies, however, and kills the group: no server is left behind. The
 * server's process id and, in the end, its exit code go to descriptor 4, since the shell ends by killing its group.
 */
const SUPERVISOR = `
exec 5>&2 2>/dev/null
( trap '' TERM INT HUP; read -r _ <&3; kill -KILL 0 ) >/dev/null 4>&- 5>&- &
"$@" 2>&5 3<&- 4>&- 5>&- &
echo $! >&4
wait $!
echo $? >&4
kill -KILL 0
`;

/** A process that ends with the one that started it, whatever ends that one, `kill -9` as well. */
export interface SupervisedProcess {
  /** Of the process itself, not of its group. */
  readonly pid: number;
  /**
   * Resolves when the whole group is gone, with the exit code; 128 and the signal's number when a signal ended it,
   * undefined when its supervisor was ended from outside.
   */
  readonly ended: Promise<number | undefined>;
  /** Nothing happens when it has ended. */
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts a command.
 * @param onLine is given each line that it writes, to either output
 * @param environment default: that of this process
 * @throws Error when no process can be started. A program that does not exist ends with code 127 instead.
 */
export async function startSupervised(
  command: readonly string[],
  workingDirectory: string,
  onLine: (line: string) => void,
  environment?: NodeJS.ProcessEnv,
): Promise<SupervisedProcess> {
  const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'millrace-server', ...command], {
    cwd: workingDirectory,
    ...(environment === undefined ? {} : { env: environment }),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  let hasEnded = false;
  const report = reportOf(child);
  const ended = new Promise<number | undefined>((resolve) => {
    const end = (): void => {
      hasEnded = true;
      resolve(report.exitCode());
    };
    child.once('close', end);
    child.once('error', end);
  });
  eachLine(child.stdout, onLine);
  eachLine(child.stderr, onLine);
  // Open until we die; an error there means that the group is gone already.
  child.stdio[3]?.on('error', () => undefined);
  const pid = await report.pid;
  return {
    pid,
    ended,
    signal: (name) => {
      if (!hasEnded) sendSignal(pid, name);
    },
  };
}

/**
 * Runs a command to its end.
 * @param purpose begins the message when it fails: 'The data of broker 1 could not be formatted'
 * @param limit ends it
 * @throws Error with its last lines when it fails or the limit comes first
 */
export async function runSupervised(
  purpose: string,
  command: readonly string[],
  workingDirectory: string,
  limit: AbortSignal,
): Promise<void> {
  const lines = new LastLines();
  const running = await startSupervised(command, workingDirectory, (line) => lines.add(line));
  const stop = (): void => running.signal('SIGKILL');
  limit.addEventListener('abort', stop, { once: true });
  if (limit.aborted) stop();
  const code = await running.ended;
  limit.removeEventListener('abort', stop);
  if (limit.aborted) throw new Error(`${purpose}: '${command[0]}' took too long and was ended. ${lines.told()}`);
  if (code !== 0) throw new Error(`${purpose}: '${command[0]}' ended with code ${code}. ${lines.told()}`);
}

/** The end of what a process has written, for the message when it fails. */
export class LastLines {
  static readonly #COUNT = 30;
  readonly #lines: string[] = [];

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LastLines.#COUNT) this.#lines.shift();
  }

  /** The last 30 of them, as the end of a message. */
  told(): string {
    return this.#lines.length === 0 ? 'It wrote nothing.' : `Its last lines:\n${this.#lines.join('\n')}`;
  }
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // ESRCH: it has ended by itself.
    if (!(typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** What the supervisor tells on descriptor 4: a line with the process id, later one with the exit code. */
function reportOf(child: ChildProcess): { readonly pid: Promise<number>; exitCode(): number | undefined } {
  const numbers: number[] = [];
  const pid = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => reject(new Error('A process could not be started: the machine may be out of processes')));
    const lines = child.stdio[4];
    eachLine(lines !== undefined && lines !== null && 'read' in lines ? lines : null, (line) => {
      numbers.push(Number(line));
      if (numbers[0] !== undefined) resolve(numbers[0]);
    });
  });
  return { pid, exitCode: () => numbers[1] };
}

function eachLine(stream: Readable | null, tell: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(tell);
  });
  // The group was killed while the pipe was open.
  stream?.on('error', () => undefined);
}
