import Database from 'libsql';
import type { StoredTopic } from '../shell/commit.js';
import { QueueError, type Committed } from '../contract.js';
import { createSchema } from './schema.js';
import { openTables } from './tables.js';

/** A record of a topic, for a copy. */
export interface CopiedRecord extends Committed<unknown> {
  readonly topic: StoredTopic;
}

/** Tables as the embedded queue makes them, filled with the records of another queue. */
export interface SqlCopy {
  /** Applies the records in their order, in one transaction. */
  apply(records: readonly CopiedRecord[]): void;
  close(): void;
}

export interface SqlCopyOptions {
  /** Made anew; nothing in it survives the process. */
  readonly file: string;
  readonly topics: readonly StoredTopic[];
  readonly now: () => number;
}

/**
 * A copy of a queue's topics for searching. It is only a copy: not flushed to the disk, and made anew at each start.
 * @throws QueueError QUEUE_UNAVAILABLE when the file cannot be made
 */
export function createSqlCopy({ file, topics, now }: SqlCopyOptions): SqlCopy {
  let database: Database.Database;
  try {
    database = new Database(file);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    createSchema(database);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new QueueError('QUEUE_UNAVAILABLE', `The copy '${file}' cannot be made: ${reason}`, false, thrown);
  }
  const tables = openTables(database);
  for (const topic of topics) tables.declare(topic);
  return {
    apply(records) {
      database.exec('BEGIN');
      try {
        const at = now();
        for (const { topic, partition, key, id, value } of records) {
          const text = value === null ? null : JSON.stringify(value);
          tables.write({ topic, partition, key, id, value, text, broadcast: false }, at);
        }
        tables.flush();
        database.exec('COMMIT');
        tables.committed();
      } catch (thrown) {
        database.exec('ROLLBACK');
        tables.rolledBack();
        throw thrown;
      }
    },
    close: () => void database.close(),
  };
}
