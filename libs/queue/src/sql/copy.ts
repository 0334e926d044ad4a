import { join } from 'node:path';
import Database from 'libsql';
import type { StoredTopic } from '../shell/commit.js';
import { QueueError, type Committed } from '../contract.js';
import { makeOwnFolder, type OwnFolder } from './own-folder.js';
import { createSchema } from './schema.js';
import { createCopied, openCopied } from './copied-places.js';
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
  /** Of a topic of events: from this position on the copy has everything that its log has. For readers (`COPY_STARTS`). */
  begin(topic: StoredTopic, partition: number, position: number): void;
  /**
   * Removes state records that are shown by others, and what is known of removed ones. Resolved when it returns; nothing
   * is removed when it throws.
   */
  forget(topic: StoredTopic, records: readonly { readonly key: string; readonly id: string }[]): void;
  /**
   * Removes events of a partition before a position, at most `limit`; `begin` moves with it. Answers whether some are left.
   */
  forgetBefore(topic: StoredTopic, partition: number, position: number, limit: number): boolean;
  /** Removes the copy. Idempotent. */
  close(): void;
}

export interface SqlCopyOptions {
  /** The copy lies in a folder of its own below it; what dead processes have left there is removed. Must exist. */
  readonly folder: string;
  readonly topics: readonly StoredTopic[];
  readonly now: () => number;
  /** What was removed is remembered (`COPY_REMOVED`): others may have it still. Default false. */
  readonly remembersRemoved?: boolean;
  /** Told of a record that has no place in the tables, for somebody wrote nonsense: it is passed. */
  readonly onRefused: (record: CopiedRecord, reason: string) => void;
}

const PREFIX = 'overlay-';
const FILE = 'copy.db';

/**
 * A copy of a queue's topics for searching. It is only a copy: not flushed to the disk, and made anew at each start.
 * @throws QueueError QUEUE_UNAVAILABLE when the file cannot be made
 */
export function createSqlCopy({ folder, topics, now, remembersRemoved = false, onRefused }: SqlCopyOptions): SqlCopy {
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
  const copied = openCopied(database, tables);

  function write(record: CopiedRecord, at: number): void {
    const { topic, partition, position, key, id, value } = record;
    try {
      const text = value === null ? null : JSON.stringify(value);
      const encoded = { topic, partition, key, id, value, text, broadcast: false };
      if (topic.kind === 'events') return tables.events(topic).place(encoded, position, at);
      tables.write(encoded, at);
      if (!remembersRemoved) return;
      copied.remember(topic, key, id, text === null);
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
    begin: (topic, partition, position) => copied.begin(topic, partition, position),
    forget: (topic, records) => copied.forget(topic, records),
    forgetBefore: (topic, partition, position, limit) => copied.forgetBefore(topic, partition, position, limit),
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
  createCopied(database);
  return database;
}

const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
