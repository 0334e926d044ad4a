import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const NAME = /^worker-(.+)-(\d+)-[^-]+$/;

/**
 * Makes this worker's own folder for working directories, and removes those that workers of this machine left behind
 * when they were killed.
 * @returns its path
 */
export async function prepareTemporaryDirectory(parent: string, instance: string): Promise<string> {
  const host = hostname().replace(/[^\w.-]/g, '_');
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    const [, owner, pid] = NAME.exec(name) ?? [];
    // Another machine's processes cannot be asked, so its folders stay.
    if (owner === host && pid !== undefined && !isAlive(Number(pid))) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }
  const own = join(parent, `worker-${host}-${process.pid}-${instance.replace(/[^\w.]/g, '_')}`);
  await mkdir(own, { recursive: true, mode: 0o700 });
  return own;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to another account.
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM';
  }
}
