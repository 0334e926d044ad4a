import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import Database from 'libsql';
import { QueueError } from '../contract.js';

/** The exclusive right to a data file; the operating system takes it back when the process ends, however it ends. */
export interface FileLock {
  release(): void;
}

/**
 * Locks `file` for this process by a lock on a second, empty database beside it: the data file itself stays open for
 * readers. Who holds it is written to a third file, which only serves the message.
 * @throws QueueError QUEUE_LOCKED when another process, or another queue of this one, holds it
 */
export function lockFile(file: string, now: number): FileLock {
  const database = new Database(`${file}.lock`);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    database.close();
    throw new QueueError(
      'QUEUE_LOCKED',
      `The data file '${file}' is in use${holderOf(file)}: stop that server, or choose another data folder`,
      false,
      thrown,
    );
  }
  const owner = { pid: process.pid, host: hostname(), since: new Date(now).toISOString() };
  writeFileSync(ownerFile(file), `${JSON.stringify(owner)}\n`, { mode: 0o600 });
  return {
    release() {
      rmSync(ownerFile(file), { force: true });
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

const ownerFile = (file: string): string => `${file}.owner`;

/** Only for people; the lock does not depend on it. */
function holderOf(file: string): string {
  try {
    const owner: unknown = JSON.parse(readFileSync(ownerFile(file), 'utf8'));
    if (typeof owner !== 'object' || owner === null) return '';
    const { pid, host, since } = owner as { pid?: unknown; host?: unknown; since?: unknown };
    return ` by process ${String(pid)} on ${String(host)} since ${String(since)}`;
  } catch {
    // The holder has not written it yet, or the file is damaged: the message does without.
    return '';
  }
}
