import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lockFile } from './lock.js';

/** A folder of one process, which goes with it. */
export interface OwnFolder {
  readonly path: string;
  /** Removes the folder. */
  release(): void;
}

/** Where folders are until they are locked: nobody takes them for left over. */
const MAKING = 'making-';
/** What is locked; an empty database, for the operating system takes the lock back however the process ends. */
const LOCKED = 'own';

/**
 * Makes a folder in `parent` for this process alone, and removes those with the prefix whose processes have died. A lock
 * tells them apart and not a process id, for all servers in containers have the same.
 */
export function makeOwnFolder(parent: string, prefix: string, now: number): OwnFolder {
  removeLeftOvers(parent, prefix, now);
  const making = mkdtempSync(join(parent, MAKING));
  const lock = lockFile(join(making, LOCKED), now);
  // Under its own name only when it is locked: a server that starts at the same time must not take it for left over.
  const path = join(parent, `${prefix}${basename(making).slice(MAKING.length)}`);
  renameSync(making, path);
  return {
    path,
    release() {
      lock.release();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function removeLeftOvers(parent: string, prefix: string, now: number): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    try {
      lockFile(join(path, LOCKED), now).release();
    } catch {
      // Its process lives, or another one is just removing it.
      continue;
    }
    rmSync(path, { recursive: true, force: true });
  }
}
