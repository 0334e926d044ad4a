import type Database from 'libsql';
import type { EncodedRecord, StoredTopic } from '../shell/commit.js';
import type { EventRow } from '../store/contract.js';
import { openPurging, type Purging } from './purging.js';
import { cells, createRowWriter, integer, text, type RowWriter } from './rows.js';
import { columnsOf } from './schema.js';
import { tableName } from './table-name.js';
import type { Transactional } from './writer.js';

/** An append-only log in a table, with positions in commit order. */
export interface EventTable extends Transactional {
  /** Answers the record's position. */
  append(record: EncodedRecord, writtenAt: number): number;
  /** Puts the record at a position that another log gave it; what was there is replaced. */
  place(record: EncodedRecord, position: number, writtenAt: number): void;
  read(partition: number, after: number, limit: number): readonly EventRow[];
  /** First position that is there; the next one when there is none. */
  start(partition: number): number;
  /** Removes rows written before `expired` and up to `done`; answers how many. */
  removeExpired(partition: number, expired: number, done: number, limit: number): number;
  /** What records of the topic remove; absent where none does. */
  readonly purging?: Purging;
}

export function openEventTable(database: Database.Database, topic: StoredTopic): EventTable {
  const table = tableName(topic);
  const columns = Object.values(topic.columns ?? {});
  const names = ['partition', 'position', 'key', 'value', 'written_at', 'broadcast', ...columnsOf(topic)];
  const writers = createWriters(database, table, names);
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
  const heads = createHeads(topic, (partition) => integer(cells(bounds.get(partition))[1] ?? 0));
  const purging = openPurging(database, topic);

  function write(into: RowWriter, record: EncodedRecord, position: number, writtenAt: number): void {
    const { partition, key, value, text, broadcast } = record;
    const extra = columns.map((column) => column.of(value, { key, id: '' }) ?? null);
    into.add([partition, position, key, text, writtenAt, broadcast ? 1 : 0, ...extra]);
    if (purging && topic.purges?.(value)) purging.begin(partition, position);
  }

  return {
    append(record, writtenAt) {
      const position = heads.next(record.partition);
      write(writers.appending, record, position, writtenAt);
      return position;
    },
    place(record, position, writtenAt) {
      write(writers.placing(), record, position, writtenAt);
    },
    read(partition, after, limit) {
      if (heads.of(partition) <= after) return [];
      return select.all(partition, after, limit).map((row) => {
        const [position, key, value, broadcast] = cells(row);
        return { position: integer(position), key: text(key), text: text(value), broadcast: broadcast === 1 };
      });
    },
    start(partition) {
      return integer(cells(bounds.get(partition))[0] ?? heads.of(partition) + 1);
    },
    removeExpired(partition, expired, done, limit) {
      // The last row stays for ever: it is what tells the next start which position comes next.
      const last = Math.min(done, heads.of(partition) - 1);
      const rows = oldest.all(partition, limit).map((row) => cells(row).map(integer));
      const kept = rows.findIndex(([position = 0, writtenAt = 0]) => position > last || writtenAt >= expired);
      const gone = kept === -1 ? rows : rows.slice(0, kept);
      if (gone.length > 0) remove.run(partition, gone.at(-1)?.[0] ?? 0);
      return gone.length;
    },
    ...(purging ? { purging } : {}),
    flush: () => writers.flush(),
    committed: () => heads.committed(),
    rolledBack() {
      heads.rolledBack();
      writers.forget();
      purging?.reload();
    },
  };
}

/** A log of this process only grows; a copy may be given a record again. */
function createWriters(database: Database.Database, table: string, names: readonly string[]) {
  const writerOf = (statement: string): RowWriter =>
    createRowWriter(
      database,
      names.length,
      (values) => `${statement} into ${table} (${names.join(', ')}) values ${values}`,
    );
  const appending = writerOf('insert');
  let placing: RowWriter | undefined;
  return {
    appending,
    placing: (): RowWriter => (placing ??= writerOf('insert or replace')),
    flush(): void {
      appending.flush();
      placing?.flush();
    },
    forget(): void {
      appending.forget();
      placing?.forget();
    },
  };
}

/** The highest position of each partition: this process is the only writer, so they are kept here and not read again. */
interface Heads {
  of(partition: number): number;
  /** Gives the next position away. */
  next(partition: number): number;
  committed(): void;
  rolledBack(): void;
}

function createHeads(topic: StoredTopic, stored: (partition: number) => number): Heads {
  const heads = Array.from({ length: topic.partitions }, (_, partition) => stored(partition));
  let before: readonly number[] | undefined;
  const of = (partition: number): number => {
    const position = heads[partition];
    if (position === undefined)
      throw new RangeError(`Topic '${topic.name}' has ${topic.partitions} partitions, there is no ${partition}`);
    return position;
  };
  return {
    of,
    next(partition) {
      const position = of(partition) + 1;
      before ??= [...heads];
      heads[partition] = position;
      return position;
    },
    committed() {
      before = undefined;
    },
    rolledBack() {
      before?.forEach((position, partition) => (heads[partition] = position));
      before = undefined;
    },
  };
}
