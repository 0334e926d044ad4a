import type Database from 'libsql';
import type { StateRow } from '../store/contract.js';
import type { StoredTopic } from '../shell/commit.js';
import { cells, createRowWriter, text } from './rows.js';
import { columnsOf } from './schema.js';
import { tableName } from './table-name.js';
import type { Transactional } from './writer.js';

/** The newest value of each record of a state topic. */
export interface StateTable extends Transactional {
  put(
    partition: number,
    record: { readonly key: string; readonly id: string; readonly value: unknown; readonly text: string },
  ): void;
  remove(record: { readonly key: string; readonly id: string }): void;
  load(key: string): readonly StateRow[];
  /** The records after a place, in the order of key and id; at most `limit`. */
  page(after: { readonly key: string; readonly id: string }, limit: number): readonly StateRow[];
}

export function openStateTable(database: Database.Database, topic: StoredTopic): StateTable {
  const table = tableName(topic);
  const columns = Object.values(topic.columns ?? {});
  const names = ['partition', 'key', 'id', 'value', ...columnsOf(topic)];
  const updates = ['value', ...columnsOf(topic)].map((name) => `${name} = excluded.${name}`).join(', ');
  const writer = createRowWriter(
    database,
    names.length,
    (values) =>
      `insert into ${table} (${names.join(', ')}) values ${values} on conflict (key, id) do update set ${updates}`,
  );
  const remove = database.prepare(`delete from ${table} where key = ? and id = ?`);
  const select = database.prepare(`select key, id, value from ${table} where key = ?`).raw();
  const page = database
    .prepare(`select key, id, value from ${table} where (key, id) > (?, ?) order by key, id limit ?`)
    .raw();

  const rowOf = (row: unknown): StateRow => {
    const [key, id, value] = cells(row);
    return { topic, key: text(key), id: text(id), text: text(value) };
  };

  return {
    put(partition, { key, id, value, text }) {
      writer.add([partition, key, id, text, ...columns.map((column) => column.of(value, { key, id }) ?? null)]);
    },
    remove({ key, id }) {
      // Earlier puts of the same record are written first, so that the order of the two is kept.
      writer.flush();
      remove.run(key, id);
    },
    load: (key) => select.all(key).map(rowOf),
    page: ({ key, id }, limit) => page.all(key, id, limit).map(rowOf),
    flush: () => writer.flush(),
    committed: () => undefined,
    rolledBack: () => writer.forget(),
  };
}
