import type Database from 'libsql';
import type { StoredTopic } from '../shell/commit.js';
import { cells, integer } from './rows.js';
import { tableName } from './table-name.js';
import type { Tables } from './tables.js';

/** Table with the columns topic, partition, position: where the copy of a topic of events begins (`SqlCopy.begin`). */
export const COPY_STARTS = 'millrace_copy_starts';
/** Table with the columns topic, key, id: state records whose last record removed them. */
export const COPY_REMOVED = 'millrace_copy_removed';

/** Makes the tables that only a copy has. */
export const createCopied = (database: Database.Database): void =>
  void database.exec(`
    create table ${COPY_STARTS} (topic text, partition integer, position integer not null,
      primary key (topic, partition)) without rowid;
    create table ${COPY_REMOVED} (topic text, key text, id text, primary key (topic, key, id)) without rowid;
  `);

/** What a copy has of its topics, and how it gets smaller. */
export function openCopied(database: Database.Database, tables: Tables) {
  const setStart = database.prepare(`insert or replace into ${COPY_STARTS} values (?, ?, ?)`);
  const remember = database.prepare(`insert or ignore into ${COPY_REMOVED} values (?, ?, ?)`);
  const remembered = database.prepare(`delete from ${COPY_REMOVED} where topic = ? and key = ? and id = ?`);
  return {
    begin: (topic: StoredTopic, partition: number, position: number): void =>
      void setStart.run(topic.name, partition, position),
    remember: ({ name }: StoredTopic, key: string, id: string, isRemoved: boolean): void =>
      void (isRemoved ? remember : remembered).run(name, key, id),
    forget(topic: StoredTopic, records: readonly { readonly key: string; readonly id: string }[]): void {
      inTransaction(database, () => {
        for (const { key, id } of records) {
          tables.state(topic).remove({ key, id });
          remembered.run(topic.name, key, id);
        }
      });
      tables.committed();
    },
    forgetBefore(topic: StoredTopic, partition: number, position: number, limit: number): boolean {
      const table = tableName(topic);
      const oldest = `select position from ${table} where partition = ? and position < ? order by position limit ?`;
      const rows = database.prepare(oldest).raw().all(partition, position, limit);
      const last = rows.length < limit ? position - 1 : integer(cells(rows.at(-1))[0]);
      inTransaction(database, () => {
        database.prepare(`delete from ${table} where partition = ? and position <= ?`).run(partition, last);
        setStart.run(topic.name, partition, last + 1);
      });
      return last + 1 < position;
    },
  };
}

function inTransaction(database: Database.Database, work: () => void): void {
  database.exec('BEGIN');
  try {
    work();
    database.exec('COMMIT');
  } catch (thrown) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw thrown;
  }
}
