import type Database from 'libsql';
import type { RecordCondition } from '@millrace/model';
import type { StoredTopic } from '../shell/commit.js';
import { cells, integer, text } from './rows.js';
import { columnsOf } from './schema.js';
import { tableName } from './table-name.js';

/** Rows removed, or looked at, in one transaction: a few milliseconds. */
const PIECE = { removed: 500, lookedAt: 4_000 } as const;

/** A purge under way: rows of its partition before `position`, of which those before `next` are done. */
interface Purge {
  readonly partition: number;
  readonly position: number;
  readonly next: number;
}

/**
 * Removes the rows that records of a topic name (`Topic.purges`), in pieces, so that nobody waits long for the writer. What
 * is left to do is kept in the database: it goes on after a restart.
 */
export interface Purging {
  /** The record at `position` removes earlier ones. */
  begin(partition: number, position: number): void;
  /** Rows are waiting to be removed. */
  readonly isWaiting: boolean;
  /**
   * Removes a piece of them; answers how many rows were removed or looked at. Everything written before must have been
   * handed to the database.
   */
  piece(): number;
  /** Looks again what is left, after a transaction that never happened. */
  reload(): void;
}

type Parameter = string | number;

interface Piece {
  readonly next: number | undefined;
  readonly rows: number;
}

export function openPurging(database: Database.Database, topic: StoredTopic): Purging | undefined {
  if (topic.purges === undefined) return undefined;
  const table = tableName(topic);
  const select = database
    .prepare('select partition, position, next from millrace_purges where topic = ? order by partition, position')
    .raw();
  const insert = database.prepare('insert or replace into millrace_purges values (?, ?, ?, 0)');
  const move = database.prepare(
    'update millrace_purges set next = ? where topic = ? and partition = ? and position = ?',
  );
  const end = database.prepare('delete from millrace_purges where topic = ? and partition = ? and position = ?');
  const record = database.prepare(`select value from ${table} where partition = ? and position = ?`).raw();
  const firstRow = database.prepare(`select min(position) from ${table} where partition = ?`).raw();
  const load = (): Purge[] =>
    select.all(topic.name).map((row) => {
      const [partition = 0, position = 0, next = 0] = cells(row).map(integer);
      return { partition, position, next };
    });
  let waiting = load();

  /** What the record says; undefined when it is gone, and with it all that was before it. */
  function conditionsOf({ partition, position }: Purge): readonly RecordCondition[] | undefined {
    const row = record.get(partition, position);
    return row === undefined ? undefined : topic.purges?.(topic.decode(JSON.parse(text(cells(row)[0]))));
  }

  /** Removes some rows; `next` is where the rest begins, undefined when there is none. */
  function removeSome({ partition, position, next }: Purge, conditions: readonly RecordCondition[]): Piece {
    const where = whereOf(topic, conditions);
    if (isServedByIndex(topic, conditions)) {
      // The plus signs keep the database from walking over the partition instead.
      const chosen = `select partition, position from ${table} where ${where.sql} and +partition = ? and +position < ? limit ?`;
      const { changes } = database
        .prepare(`delete from ${table} where (partition, position) in (${chosen})`)
        .run(...where.parameters, partition, position, PIECE.removed);
      return { next: changes < PIECE.removed ? undefined : next, rows: changes };
    }
    const from = Math.max(next, integer(cells(firstRow.get(partition))[0] ?? position));
    const to = Math.min(from + PIECE.lookedAt, position);
    database
      .prepare(`delete from ${table} where partition = ? and position >= ? and position < ? and ${where.sql}`)
      .run(partition, from, to, ...where.parameters);
    return { next: to < position ? to : undefined, rows: Math.max(0, to - from) };
  }

  return {
    get isWaiting() {
      return waiting.length > 0;
    },
    begin(partition, position) {
      insert.run(topic.name, partition, position);
      waiting.push({ partition, position, next: 0 });
    },
    piece() {
      const [purge, ...others] = waiting;
      if (purge === undefined) return 0;
      const { partition, position } = purge;
      const conditions = conditionsOf(purge);
      const { next, rows } = conditions === undefined ? NOTHING_LEFT : removeSome(purge, conditions);
      if (next === undefined) {
        end.run(topic.name, partition, position);
        waiting = others;
      } else {
        move.run(next, topic.name, partition, position);
        waiting = [{ ...purge, next }, ...others];
      }
      return rows;
    },
    reload() {
      waiting = load();
    },
  };
}

const NOTHING_LEFT: Piece = { next: undefined, rows: 0 };

/** True when an index begins with two columns of which the conditions give the values: then few rows are looked at in vain. */
function isServedByIndex(topic: StoredTopic, conditions: readonly RecordCondition[]): boolean {
  const given = new Set(conditions.flatMap((one) => ('equals' in one && 'column' in one.on ? [one.on.column] : [])));
  return Object.values(topic.indexes ?? {}).some(([first = '', second = '']) => given.has(first) && given.has(second));
}

function whereOf(
  topic: StoredTopic,
  conditions: readonly RecordCondition[],
): { readonly sql: string; readonly parameters: readonly Parameter[] } {
  const parameters: Parameter[] = [];
  const known = columnsOf(topic);
  const bind = (...values: readonly Parameter[]): void => void parameters.push(...values);
  const parts = conditions.map((condition) => {
    const operand = operandOf(known, condition);
    if (operand === undefined) return '0';
    if ('equals' in condition) bind(condition.equals);
    else if ('oneOf' in condition) bind(...condition.oneOf);
    else if ('from' in condition) bind(condition.from);
    else if ('before' in condition) bind(condition.before);
    else bind(condition.within, `${condition.within}.`, `${condition.within}/`);
    return `${comparison(operand, condition)}`;
  });
  return { sql: parts.length === 0 ? '1' : parts.join(' and '), parameters };
}

/** Names come from the program; a column that the topic does not have holds nothing. */
function operandOf(columns: readonly string[], { on }: RecordCondition): string | undefined {
  if ('column' in on) return columns.includes(on.column) ? on.column : undefined;
  if (!/^[A-Za-z]+$/.test(on.member)) throw new RangeError(`'${on.member}' is no name of a member`);
  return `json_extract(value, '$.${on.member}')`;
}

function comparison(operand: string, condition: RecordCondition): string {
  if ('equals' in condition) return `${operand} = ?`;
  if ('oneOf' in condition) return `${operand} in (${condition.oneOf.map(() => '?').join(', ')})`;
  if ('from' in condition) return `${operand} >= ?`;
  if ('before' in condition) return `${operand} < ?`;
  // A dot follows the text of a child, and a slash follows a dot in the order of characters.
  return `(${operand} = ? or (${operand} >= ? and ${operand} < ?))`;
}
