import type Database from 'libsql';
import { QueueError } from '../contract.js';
import type { StoredTopic } from '../shell/commit.js';
import { tableName } from './table-name.js';

/** Raised when an older server could no longer read the file. */
const FORMAT = 1;

const NAME = /^[a-z_][a-z0-9_]*$/;

/** The queue's own tables. */
export function createSchema(database: Database.Database): void {
  database.exec(`
    create table if not exists millrace_format (format integer not null);
    create table if not exists millrace_topics (name text primary key, definition text not null) without rowid;
    create table if not exists millrace_leases (
      processor text, partition integer, input text not null, owner text, epoch integer not null,
      applied integer not null, now integer not null, tries_position integer, tries integer,
      primary key (processor, partition)) without rowid;
    create table if not exists millrace_live (
      processor text, partition integer, key text, primary key (processor, partition, key)) without rowid;
    create table if not exists millrace_purges (
      topic text, partition integer, position integer, next integer not null,
      primary key (topic, partition, position)) without rowid;
  `);
  const row = database.prepare('select format from millrace_format').raw().get();
  const format: unknown = Array.isArray(row) ? row[0] : undefined;
  if (format === undefined) database.prepare('insert into millrace_format values (?)').run(FORMAT);
  else if (format !== FORMAT) {
    throw new QueueError(
      'QUEUE_MISMATCH',
      `The data file has format ${String(format)}, this version reads ${FORMAT}: start a matching version`,
      false,
    );
  }
}

/** The topic's columns in their order, for statements. */
export const columnsOf = (topic: StoredTopic): readonly string[] => Object.keys(topic.columns ?? {});

/**
 * Makes the topic's table at its first use, and compares at later ones.
 * @throws QueueError QUEUE_MISMATCH when the declaration is another than the table's
 */
export function createTable(database: Database.Database, topic: StoredTopic): void {
  const columns = Object.fromEntries(Object.entries(topic.columns ?? {}).map(([name, { type }]) => [name, type]));
  const definition = { kind: topic.kind, partitions: topic.partitions, columns };
  const row = database.prepare('select definition from millrace_topics where name = ?').raw().get(topic.name);
  const known: unknown = Array.isArray(row) ? row[0] : undefined;
  if (typeof known === 'string') assertSame(topic, JSON.parse(known), definition);
  else {
    database.exec(tableOf(topic));
    database.prepare('insert into millrace_topics values (?, ?)').run(topic.name, JSON.stringify(definition));
  }
  for (const [name, parts] of Object.entries(topic.indexes ?? {})) {
    database.exec(
      `create index if not exists ${tableName(topic)}_${checked(name)} on ${tableName(topic)} (${parts.map(indexPart).join(', ')})`,
    );
  }
}

/** @throws QueueError QUEUE_MISMATCH */
export function assertPartitions(
  before: { readonly partitions?: unknown },
  now: Pick<StoredTopic, 'name' | 'partitions'>,
): void {
  if (before.partitions === now.partitions) return;
  throw new QueueError(
    'QUEUE_MISMATCH',
    `Topic '${now.name}' was made with ${String(before.partitions)} partitions and is now declared with ${now.partitions}: configure ${String(before.partitions)}, or start with an empty data folder`,
    false,
  );
}

function assertSame(topic: StoredTopic, before: { readonly partitions?: unknown }, now: object): void {
  assertPartitions(before, topic);
  if (JSON.stringify(before) === JSON.stringify(now)) return;
  throw new QueueError(
    'QUEUE_MISMATCH',
    `Topic '${topic.name}' has other columns in the data file than in this version: start the version that made the file, or start with an empty data folder`,
    false,
  );
}

function tableOf(topic: StoredTopic): string {
  const columns = Object.entries(topic.columns ?? {})
    .map(([name, { type }]) => `, ${checked(name)} ${type}`)
    .join('');
  const table = tableName(topic);
  switch (topic.kind) {
    case 'state':
      return `create table ${table} (partition integer not null, key text, id text, value text not null${columns}, primary key (key, id)) without rowid`;
    case 'events':
      return `create table ${table} (partition integer, position integer, key text not null, value text not null, written_at integer not null, broadcast integer not null${columns}, primary key (partition, position)) without rowid`;
    case 'jobs':
      return (
        `create table ${table} (key text primary key, available_order integer not null, value text not null) without rowid;` +
        `create index ${table}_available on ${table} (available_order)`
      );
  }
}

/** Names come from the program, not from users; a mistake is found at the first start all the same. */
function checked(name: string): string {
  if (!NAME.test(name))
    throw new RangeError(`'${name}' cannot be the name of a column or an index: use a-z, 0-9 and _`);
  return name;
}

function indexPart(part: string): string {
  const [name = '', order, ...rest] = part.split(' ');
  if (rest.length > 0 || (order !== undefined && order !== 'desc'))
    throw new RangeError(`'${part}' is no part of an index`);
  return order === undefined ? checked(name) : `${checked(name)} desc`;
}
