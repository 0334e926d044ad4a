import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

/**
 * A shell that leads a process group of its own and starts the server in it. A watcher beside it waits for the end of file
 * on descriptor 3, which comes when whoever started it dies, however, and kills the group: no server is left behind.
 */
const SUPERVISOR = `
( trap '' TERM INT HUP; read -r _ <&3; kill -KILL 0 ) >/dev/null 2>&1 4>&- &
"$@" 3<&- 4>&- &
echo $! >&4
exec 4>&-
wait $!
kill -KILL 0
`;

/** A Java process that ends with its parent. */
export interface SupervisedJava {
  /** Of the Java process itself, not of its group. */
  readonly pid: number;
  /** Resolves when the whole group is gone. */
  readonly ended: Promise<void>;
  /** Each line that it writes. */
  onLine(listener: (line: string) => void): void;
  signal(name: NodeJS.Signals): void;
  /** Ends the group at once. */
  kill(): void;
}

export async function startJava(args: readonly string[], workingDirectory: string): Promise<SupervisedJava> {
  const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'millrace-server', 'java', ...args], {
    cwd: workingDirectory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const listeners = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr])
    eachLine(stream, (line) => listeners.forEach((tell) => tell(line)));
  child.stdio[3]?.on('error', () => undefined);
  const pid = await reportedPid(child);
  return {
    pid,
    ended,
    onLine: (listener) => void listeners.add(listener),
    signal: (name) => sendSignal(pid, name),
    kill: () => sendSignal(-(child.pid ?? pid), 'SIGKILL'),
  };
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // ESRCH: it has ended by itself.
    if (!(typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** The supervisor tells it on descriptor 4. */
function reportedPid(child: ChildProcess): Promise<number> {
  const report = child.stdio[4];
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    let text = '';
    report?.on('data', (chunk) => (text += String(chunk)));
    report?.once('end', () => {
      const pid = Number.parseInt(text, 10);
      if (Number.isInteger(pid)) resolve(pid);
      else reject(new Error('A Java process could not be started'));
    });
  });
}

function eachLine(stream: Readable | null, tell: (line: string) => void): void {
  let rest = '';
  stream?.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(tell);
  });
}
