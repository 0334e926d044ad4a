import type Database from 'libsql';
import type { EncodedRecord, StoredTopic } from '../shell/commit.js';
import type { EventRow } from '../store/contract.js';
import { cells, createRowWriter, integer, text } from './rows.js';
import { columnsOf } from './schema.js';
import { tableName } from './table-name.js';
import type { Transactional } from './writer.js';

/** An append-only log in a table, with positions in commit order. */
export interface EventTable extends Transactional {
  /** Answers the record's position. */
  append(record: EncodedRecord, writtenAt: number): number;
  read(partition: number, after: number, limit: number): readonly EventRow[];
  /** First position that is there; the next one when there is none. */
  start(partition: number): number;
  /** Removes rows written before `expired` and up to `done`; answers how many. */
  removeExpired(partition: number, expired: number, done: number, limit: number): number;
}

export function openEventTable(database: Database.Database, topic: StoredTopic): EventTable {
  const table = tableName(topic);
  const columns = Object.values(topic.columns ?? {});
  const names = ['partition', 'position', 'key', 'value', 'written_at', 'broadcast', ...columnsOf(topic)];
  const writer = createRowWriter(
    database,
    names.length,
    (values) => `insert into ${table} (${names.join(', ')}) values ${values}`,
  );
  const select = database
    .prepare(
      `select position, key, value, broadcast from ${table} where partition = ? and position > ? order by position limit ?`,
    )
    .raw();
  const bounds = database.prepare(`select min(position), max(position) from ${table} where partition = ?`).raw();
  const oldest = database
    .prepare(`select position, written_at from ${table} where partition = ? order by position limit ?`)
    .raw();
  const remove = database.prepare(`delete from ${table} where partition = ? and position <= ?`);
  /** This process is the only writer, so the highest position of each partition is kept here and not read again. */
  const heads = Array.from({ length: topic.partitions }, (_, partition) =>
    integer(cells(bounds.get(partition))[1] ?? 0),
  );
  let before: readonly number[] | undefined;

  const head = (partition: number): number => {
    const position = heads[partition];
    if (position === undefined)
      throw new RangeError(`Topic '${topic.name}' has ${topic.partitions} partitions, there is no ${partition}`);
    return position;
  };

  return {
    append({ partition, key, value, text, broadcast }, writtenAt) {
      const position = head(partition) + 1;
      const extra = columns.map((column) => column.of(value, { key, id: '' }) ?? null);
      before ??= [...heads];
      heads[partition] = position;
      writer.add([partition, position, key, text, writtenAt, broadcast ? 1 : 0, ...extra]);
      return position;
    },
    read(partition, after, limit) {
      if (head(partition) <= after) return [];
      return select.all(partition, after, limit).map((row) => {
        const [position, key, value, broadcast] = cells(row);
        return { position: integer(position), key: text(key), text: text(value), broadcast: broadcast === 1 };
      });
    },
    start(partition) {
      return integer(cells(bounds.get(partition))[0] ?? head(partition) + 1);
    },
    removeExpired(partition, expired, done, limit) {
      // The last row stays for ever: it is what tells the next start which position comes next.
      const last = Math.min(done, head(partition) - 1);
      const rows = oldest.all(partition, limit).map((row) => cells(row).map(integer));
      const kept = rows.findIndex(([position = 0, writtenAt = 0]) => position > last || writtenAt >= expired);
      const gone = kept === -1 ? rows : rows.slice(0, kept);
      if (gone.length > 0) remove.run(partition, gone.at(-1)?.[0] ?? 0);
      return gone.length;
    },
    flush: () => writer.flush(),
    committed() {
      before = undefined;
    },
    rolledBack() {
      before?.forEach((position, partition) => (heads[partition] = position));
      before = undefined;
      writer.forget();
    },
  };
}
