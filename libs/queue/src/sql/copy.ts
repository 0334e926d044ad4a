import { join } from 'node:path';
import Database from 'libsql';
import type { StoredTopic } from '../shell/commit.js';
import { QueueError, type Committed } from '../contract.js';
import { makeOwnFolder, type OwnFolder } from './own-folder.js';
import { createSchema } from './schema.js';
import { openTables, type Tables } from './tables.js';

/** A record of a topic, for a copy. */
export interface CopiedRecord extends Committed<unknown> {
  readonly topic: StoredTopic;
}

/** Tables as the embedded queue makes them, filled with the records of another queue. */
export interface SqlCopy {
  /** Of the database; for readers. */
  readonly file: string;
  /**
   * Applies records from the first on, in one transaction, until `isEnough` says so or all are; answers how many: at
   * least one. Rows that records remove go with them, and what is left of them with the next call, which may have none.
   * Throws when the database does not take them; nothing is applied then.
   */
  apply(records: readonly CopiedRecord[], isEnough: () => boolean): number;
  /** Rows are waiting to be removed. */
  readonly hasPurges: boolean;
  /** Removes the copy. Idempotent. */
  close(): void;
}

export interface SqlCopyOptions {
  /** The copy lies in a folder of its own below it; what dead processes have left there is removed. Must exist. */
  readonly folder: string;
  readonly topics: readonly StoredTopic[];
  readonly now: () => number;
  /** Told of a record that has no place in the tables, for somebody wrote nonsense: it is passed. */
  readonly onRefused: (record: CopiedRecord, reason: string) => void;
}

const PREFIX = 'overlay-';
const FILE = 'copy.db';

/**
 * A copy of a queue's topics for searching. It is only a copy: not flushed to the disk, and made anew at each start.
 * @throws QueueError QUEUE_UNAVAILABLE when the file cannot be made
 */
export function createSqlCopy({ folder, topics, now, onRefused }: SqlCopyOptions): SqlCopy {
  let own: OwnFolder | undefined;
  let database: Database.Database;
  let tables: Tables;
  try {
    own = makeOwnFolder(folder, PREFIX, now());
    database = openDatabase(join(own.path, FILE));
    tables = openTables(database);
    for (const topic of topics) tables.declare(topic);
  } catch (thrown) {
    own?.release();
    const message = `No copy of the queue can be made in '${folder}': ${reasonOf(thrown)}`;
    throw new QueueError('QUEUE_UNAVAILABLE', message, false, thrown);
  }
  const { path, release } = own;

  function write(record: CopiedRecord, at: number): void {
    const { topic, partition, key, id, value } = record;
    try {
      const text = value === null ? null : JSON.stringify(value);
      tables.write({ topic, partition, key, id, value, text, broadcast: false }, at);
    } catch (thrown) {
      // The database's own failures have a code; they concern the copy and not this record.
      if (thrown instanceof Error && 'code' in thrown) throw thrown;
      onRefused(record, reasonOf(thrown));
    }
  }

  return {
    file: join(path, FILE),
    get hasPurges() {
      return tables.hasPurges;
    },
    apply(records, isEnough) {
      let applied = 0;
      database.exec('BEGIN');
      try {
        const at = now();
        for (const record of records) {
          write(record, at);
          applied++;
          if (isEnough()) break;
        }
        if (tables.hasPurges)
          do tables.purgePiece();
          while (tables.hasPurges && !isEnough());
        tables.flush();
        database.exec('COMMIT');
      } catch (thrown) {
        if (database.inTransaction) database.exec('ROLLBACK');
        tables.rolledBack();
        throw thrown;
      }
      tables.committed();
      return applied;
    },
    close() {
      if (!database.open) return;
      database.close();
      release();
    },
  };
}

function openDatabase(file: string): Database.Database {
  const database = new Database(file);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = OFF');
  createSchema(database);
  return database;
}

const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
