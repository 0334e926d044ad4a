import type Database from 'libsql';
import type { EncodedRecord, StoredTopic } from '../shell/commit.js';
import type { JobRow } from '../shell/job-loop.js';
import { cells, createRowWriter, integer, text } from './rows.js';
import { tableName } from './table-name.js';
import type { Transactional } from './writer.js';

/** Jobs kept at hand; what is beyond is read from the table when its turn comes. */
const AT_HAND_MAX = 5_000;

/** The jobs of a group that nobody has taken, oldest first. */
export interface JobTable extends Transactional {
  put(record: EncodedRecord): void;
  remove(key: string): void;
  isEmpty(): boolean;
  count(): number;
  /** Removes and answers the oldest that `accept` takes. */
  take(limit: number, accept: (job: JobRow) => boolean): readonly JobRow[];
}

export function openJobTable(database: Database.Database, topic: StoredTopic): JobTable {
  const table = tableName(topic);
  const writer = createRowWriter(
    database,
    3,
    (values) =>
      `insert into ${table} (key, available_order, value) values ${values} on conflict (key) do update set value = excluded.value`,
  );
  const remove = database.prepare(`delete from ${table} where key = ?`);
  const oldest = database.prepare(`select key, value from ${table} order by available_order limit ?`).raw();
  const count = database.prepare(`select count(*) from ${table}`).raw();
  const last = database.prepare(`select max(available_order) from ${table}`).raw();
  const highest = cells(last.get())[0];
  let order = highest === null ? 0 : integer(highest);
  const atHand = new Map<string, JobRow>();
  /** The table may have jobs that are not at hand. */
  let behind = true;

  function refill(): void {
    if (!behind || atHand.size > 0) return;
    writer.flush();
    const rows = oldest.all(AT_HAND_MAX);
    behind = rows.length === AT_HAND_MAX;
    for (const row of rows) {
      const [key, value] = cells(row);
      atHand.set(text(key), { key: text(key), text: text(value) });
    }
  }

  return {
    put({ key, value, text }) {
      if (text === null) return;
      writer.add([key, ++order, text]);
      if (atHand.has(key) || (!behind && atHand.size < AT_HAND_MAX)) atHand.set(key, { key, value, text });
      else behind = true;
    },
    remove(key) {
      writer.flush();
      remove.run(key);
      atHand.delete(key);
    },
    isEmpty: () => atHand.size === 0 && !behind,
    count: () => integer(cells(count.get())[0]),
    take(limit, accept) {
      refill();
      const taken: JobRow[] = [];
      for (const job of atHand.values()) {
        if (taken.length === limit) break;
        if (accept(job)) taken.push(job);
      }
      if (taken.length > 0) writer.flush();
      for (const { key } of taken) {
        remove.run(key);
        atHand.delete(key);
      }
      return taken;
    },
    flush: () => writer.flush(),
    committed: () => undefined,
    rolledBack() {
      writer.forget();
      atHand.clear();
      behind = true;
    },
  };
}
