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

  function use<Table extends Transactional>(table: Table): Table {
    touched.add(table);
    return table;
  }

  const events = (topic: StoredTopic): EventTable => {
    const opened = openTopic(topic);
    return use(opened.kind === 'events' ? opened.table : wrongKind(topic, 'events'));
  };
  const state = (topic: StoredTopic): StateTable => {
    const opened = openTopic(topic);
    return use(opened.kind === 'state' ? opened.table : wrongKind(topic, 'state'));
  };
  const jobs = (topic: StoredTopic): JobTable => {
    const opened = openTopic(topic);
    return use(opened.kind === 'jobs' ? opened.table : wrongKind(topic, 'jobs'));
  };

  return {
    declare: (topic) => void openTopic(topic),
    *topics() {
      for (const { topic } of open.values()) yield topic;
    },
    events,
    state,
    jobs,
    write(record, writtenAt) {
      switch (record.topic.kind) {
        case 'events':
          return events(record.topic).append(record, writtenAt);
        case 'state':
          if (record.text === null) state(record.topic).remove(record);
          else state(record.topic).put(record.partition, { ...record, text: record.text });
          return 0;
        case 'jobs':
          if (record.text === null) jobs(record.topic).remove(record.key);
          else jobs(record.topic).put(record);
          return 0;
      }
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
