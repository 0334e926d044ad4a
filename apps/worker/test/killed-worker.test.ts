import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = join(process.cwd(), 'apps/worker/test');

/** A real worker process that runs `commands` as a script. */
function startWorkerProcess(commands: readonly string[]): ChildProcess {
  const loader = pathToFileURL(join(folder, 'ts-loader.mjs')).href;
  const args = ['--conditions=@millrace/source', '--import', loader, join(folder, 'worker-process.ts'), ...commands];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The numbers of the first line that begins with `pids`. */
async function printedPids(worker: ChildProcess): Promise<number[]> {
  let text = '';
  if (!worker.stdout) throw new Error('The worker process has no output');
  for await (const chunk of worker.stdout) {
    text += String(chunk);
    const line = /^pids (.*)\n/m.exec(text)?.[1];
    if (line !== undefined) return line.trim().split(' ').map(Number);
  }
  throw new Error(`The worker process ended early: ${text}`);
}

function isAlive(pid: number): boolean {
  try {
    // Killed, but not yet collected by whoever is its parent now.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // No such process.
    return false;
  }
}

describe('A worker that is killed with -9', () => {
  it('leaves no process of its scripts behind', async () => {
    const worker = startWorkerProcess([
      `trap '' TERM HUP INT`,
      `(trap '' TERM HUP; sh -c 'sleep 1000' & sleep 1000) & child=$!`,
      // A double fork: its parent is gone, its process group is not.
      `( ( sleep 1000 & echo $! > orphan ) & ) ; while [ ! -s orphan ]; do :; done`,
      'echo "pids $$ $child $(cat orphan) $(ps -o pid= -g $(ps -o pgid= -p $$ | tr -d " ") 2>/dev/null | tr "\\n" " ")"',
      'wait',
    ]);
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    const pids = await printedPids(worker);
    expect(pids.length).toBeGreaterThanOrEqual(3);
    expect(pids.slice(0, 3).every(isAlive)).toBe(true);

    worker.kill('SIGKILL');
    await ended;

    // The watcher sees the end of its pipe; there is no limit but the one of the test.
    while (pids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
    expect(pids.filter(isAlive)).toEqual([]);
  }, 30_000);
});
