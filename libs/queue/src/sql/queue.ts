import Database from 'libsql';
import type { Clock } from '@millrace/model';
import { QueueError, type Queue } from '../contract.js';
import type { StoredTopic } from '../shell/commit.js';
import { DEAD_LETTERS } from '../shell/dead-letter.js';
import type { CommittedRecord } from '../store/contract.js';
import { withFaults, type Faults } from '../store/faults.js';
import { createStoreQueue } from '../store/queue.js';
import { openLeaseTable } from './leases.js';
import { lockFile } from './lock.js';
import { createSchema } from './schema.js';
import { openSqlSession } from './session.js';
import { openTables, type Tables } from './tables.js';
import { createWriter } from './writer.js';

export interface SqlQueueOptions {
  /** Path of the data file; its folder must exist. Beside it lie `-wal`, `-shm`, `.lock` and `.owner`. */
  readonly file: string;
  readonly clock: Clock;
  /** Made at the first start and checked at every later one. Others are made at their first use. */
  readonly topics?: readonly StoredTopic[];
  /** Only for tests and simulations. */
  readonly faults?: Faults;
}

export interface SqlQueue extends Queue {
  /**
   * Drops the queue as the end of the process would: what was not written is not written, nothing is released. For
   * tests and simulations; the file can be opened again at once.
   */
  kill(): void;
}

/**
 * The embedded queue: one SQLite file, one process. Every write that the process asks for in one turn of its event loop
 * shares a transaction, flushed to the disk before anyone is answered.
 * @throws QueueError QUEUE_LOCKED when a process has the file; QUEUE_MISMATCH when its topics are others;
 *   QUEUE_UNAVAILABLE when it cannot be opened
 */
export function createSqlQueue({ file, clock, topics = [], faults }: SqlQueueOptions): SqlQueue {
  const lock = opened(file, () => lockFile(file, clock.now()));
  let database: Database.Database | undefined;
  try {
    database = opened(file, () => openDatabase(file));
    createSchema(database);
    const tables = openTables(database);
    for (const topic of [DEAD_LETTERS, ...topics]) tables.declare(topic);
    return start({ database, tables, clock, faults, unlock: () => lock.release() });
  } catch (thrown) {
    database?.close();
    lock.release();
    throw thrown;
  }
}

interface Parts {
  readonly database: Database.Database;
  readonly tables: Tables;
  readonly clock: Clock;
  readonly faults: Faults | undefined;
  unlock(): void;
}

function start({ database, tables, clock, faults, unlock }: Parts): SqlQueue {
  const followers = new Set<(records: readonly CommittedRecord[]) => void>();
  const writer = createWriter(database, tables, (records) => {
    if (records.length > 0) for (const follower of followers) follower(records);
  });
  let released = false;
  const release = (): void => {
    if (released) return;
    released = true;
    database.close();
    unlock();
  };
  const session = openSqlSession({ tables, leases: openLeaseTable(database), writer, clock, followers, release });
  const instance = `process-${process.pid}`;
  const store = faults === undefined ? session : withFaults(session, faults, instance);
  const { abandon, ...queue } = createStoreQueue({ store, clock, instance });
  return {
    ...queue,
    kill() {
      writer.kill();
      abandon();
      release();
    },
  };
}

function openDatabase(file: string): Database.Database {
  const database = new Database(file, { timeout: 1_000 });
  database.pragma('journal_mode = WAL');
  // An answer is given only for what survives a power cut.
  database.pragma('synchronous = FULL');
  return database;
}

function opened<Thing>(file: string, open: () => Thing): Thing {
  try {
    return open();
  } catch (thrown) {
    if (thrown instanceof QueueError) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new QueueError('QUEUE_UNAVAILABLE', `The data file '${file}' cannot be opened: ${reason}`, false, thrown);
  }
}
