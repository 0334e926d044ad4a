import type Database from 'libsql';
import type { EncodedRecord, StoredTopic } from '../shell/commit.js';
import { openEventTable, type EventTable } from './event-table.js';
import { openJobTable, type JobTable } from './job-table.js';
import { assertPartitions, createTable } from './schema.js';
import { openStateTable, type StateTable } from './state-table.js';
import type { Transactional } from './writer.js';

/** The tables of all topics used so far; a topic's table is made at its first use. */
export interface Tables extends Transactional {
  declare(topic: StoredTopic): void;
  topics(): Iterable<StoredTopic>;
  events(topic: StoredTopic): EventTable;
  state(topic: StoredTopic): StateTable;
  jobs(topic: StoredTopic): JobTable;
  /** Writes a record into its topic's table; answers its position, 0 where there are none. */
  write(record: EncodedRecord, writtenAt: number): number;
  /** Rows are waiting to be removed, for a record named them (`Topic.purges`). */
  readonly hasPurges: boolean;
  /** Removes a piece of them, in the transaction under way; answers how many rows were removed or looked at. */
  purgePiece(): number;
}

type Open =
  | { readonly kind: 'events'; readonly topic: StoredTopic; readonly table: EventTable }
  | { readonly kind: 'state'; readonly topic: StoredTopic; readonly table: StateTable }
  | { readonly kind: 'jobs'; readonly topic: StoredTopic; readonly table: JobTable };

export function openTables(database: Database.Database): Tables {
  const open = new Map<string, Open>();
  const touched = new Set<Transactional>();
  /** Made in the transaction under way: gone again when it is rolled back. */
  let made: string[] = [];

  function openTopic(topic: StoredTopic): Open {
    const known = open.get(topic.name);
    if (known?.topic === topic) return known;
    if (known !== undefined) assertPartitions(known.topic, topic);
    if (known !== undefined) return known;
    createTable(database, topic);
    const opened = openKind(database, topic);
    open.set(topic.name, opened);
    if (database.inTransaction) made.push(topic.name);
    return opened;
  }

  const use = <Table extends Transactional>(table: Table): Table => (touched.add(table), table);

  const events = (topic: StoredTopic): EventTable => {
    const opened = openTopic(topic);
    return opened.kind === 'events' ? use(opened.table) : wrongKind(topic, 'events');
  };
  const state = (topic: StoredTopic): StateTable => {
    const opened = openTopic(topic);
    return opened.kind === 'state' ? use(opened.table) : wrongKind(topic, 'state');
  };
  const jobs = (topic: StoredTopic): JobTable => {
    const opened = openTopic(topic);
    return opened.kind === 'jobs' ? use(opened.table) : wrongKind(topic, 'jobs');
  };

  return {
    declare: (topic) => void openTopic(topic),
    get hasPurges() {
      return purgingTable(open.values()) !== undefined;
    },
    purgePiece() {
      const table = purgingTable(open.values());
      if (table === undefined) return 0;
      use(table).flush();
      return table.purging?.piece() ?? 0;
    },
    *topics() {
      for (const { topic } of open.values()) yield topic;
    },
    events,
    state,
    jobs,
    write(record, writtenAt) {
      const { topic, text } = record;
      if (topic.kind === 'events') return events(topic).append(record, writtenAt);
      if (topic.kind === 'state' && text === null) state(topic).remove(record);
      else if (topic.kind === 'state' && text !== null) state(topic).put(record.partition, { ...record, text });
      else if (text === null) jobs(topic).remove(record.key);
      else jobs(topic).put(record);
      return 0;
    },
    flush() {
      for (const table of touched) table.flush();
    },
    committed() {
      for (const table of touched) table.committed();
      touched.clear();
      made = [];
    },
    rolledBack() {
      for (const table of touched) table.rolledBack();
      touched.clear();
      for (const name of made) open.delete(name);
      made = [];
    },
  };
}

function purgingTable(all: Iterable<Open>): EventTable | undefined {
  for (const opened of all) if (opened.kind === 'events' && opened.table.purging?.isWaiting) return opened.table;
  return undefined;
}

function wrongKind(topic: StoredTopic, kind: string): never {
  throw new TypeError(`Topic '${topic.name}' is a topic of ${topic.kind}, not of ${kind}`);
}

function openKind(database: Database.Database, topic: StoredTopic): Open {
  switch (topic.kind) {
    case 'events':
      return { kind: 'events', topic, table: openEventTable(database, topic) };
    case 'state':
      return { kind: 'state', topic, table: openStateTable(database, topic) };
    case 'jobs':
      return { kind: 'jobs', topic, table: openJobTable(database, topic) };
  }
}
