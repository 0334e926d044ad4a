import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The maker says so often that it is alive, and is taken for dead when it did not for so long. */
const SIGN_OF_LIFE_MS = 2_000;
const DEAD_AFTER_MS = 20_000;
const LOOK_AGAIN_MS = 200;
/** What a maker that died has left is removed by a later one. */
const LEFT_OVER_AFTER_MS = 3_600_000;

/**
 * A folder that is made once on a machine, however many processes ask for it at once; the others wait. It is there whole
 * or not at all: it is made under another name and renamed when it is finished. A lock only saves double work, so nothing
 * is wrong when a maker is taken for dead and is not: the first that finishes wins. One that died blocks nobody for
 * longer than 20 s.
 * @param make fills the empty folder it is given
 * @returns `folder`
 * @throws whatever `make` throws; the next who asks makes it again
 */
export async function madeOnce(folder: string, make: (work: string) => Promise<void>): Promise<string> {
  // Before anything is written: the cache may be one that we can only read.
  if (existsSync(folder)) return folder;
  const lock = `${folder}.lock`;
  makeFolder(dirname(folder), true);
  for (;;) {
    if (existsSync(folder)) return folder;
    if (take(lock)) break;
    if (isDead(lock)) remove(lock);
    else await pause(LOOK_AGAIN_MS);
  }
  const alive = setInterval(() => touch(lock), SIGN_OF_LIFE_MS);
  try {
    // Another one finished between the look and the lock.
    if (existsSync(folder)) return folder;
    removeLeftOvers(folder);
    const work = mkdtempSync(`${folder}.making-`);
    try {
      await make(work);
      // Made for one user alone, and the cache may be another's as well.
      chmodSync(work, 0o755);
      moveInto(folder, work);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    return folder;
  } finally {
    clearInterval(alive);
    rmSync(lock, { recursive: true, force: true });
  }
}

function moveInto(folder: string, work: string): void {
  try {
    renameSync(work, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

function take(lock: string): boolean {
  try {
    makeFolder(lock, false);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function makeFolder(folder: string, recursive: boolean): void {
  try {
    mkdirSync(folder, { recursive });
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw error;
    throw new Error(`'${folder}' may not be made: name a cache folder that this user may write to`, { cause: error });
  }
}

/** Renamed first: of several that find it dead, one removes it and the others find nothing. */
function remove(lock: string): void {
  const aside = `${lock}-dead-${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  rmSync(aside, { recursive: true, force: true });
}

const ageMs = (path: string): number => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
const isDead = (lock: string): boolean => ageMs(lock) > DEAD_AFTER_MS;

function touch(lock: string): void {
  try {
    const now = new Date();
    utimesSync(lock, now, now);
  } catch (error) {
    // Taken from us, since we stood still for too long; see madeOnce.
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function removeLeftOvers(folder: string): void {
  const prefix = `${basename(folder)}.making-`;
  for (const name of readdirSync(dirname(folder))) {
    const path = join(dirname(folder), name);
    if (name.startsWith(prefix) && ageMs(path) > LEFT_OVER_AFTER_MS) rmSync(path, { recursive: true, force: true });
  }
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
