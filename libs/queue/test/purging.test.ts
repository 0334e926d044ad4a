import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import type { Clock } from '@millrace/model';
import { ledgerTopics, type Line } from '../../testing/src/queue-contract/ledger.js';
import { createSqlCopy, createSqlQueue, tableName } from '../src/sql/index.js';

const clock: Clock = { now: () => 1_000, after: () => () => undefined };
const { lines } = ledgerTopics(1);

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'purging-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (page: number, colour = 'red'): Line => ({ kind: 'line', book: 'a', page, colour });
const ALL: Line = { kind: 'purge', conditions: [{ on: { column: 'book' }, equals: 'a' }] };
const BLUE: Line = { kind: 'purge', conditions: [{ on: { member: 'colour' }, equals: 'blue' }] };

function countIn(file: string, from: string): number {
  const reader = new Database(file, { readonly: true });
  try {
    const row: unknown = reader.prepare(`select count(*) from ${from}`).raw().get();
    return Array.isArray(row) ? Number(row[0]) : Number.NaN;
  } finally {
    reader.close();
  }
}
const TABLE = `${tableName(lines)} where book is not null`;
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('the embedded queue', () => {
  it('has removed few rows when the writer is answered, and many soon after', async () => {
    const file = join(folder, 'queue.db');
    const queue = createSqlQueue({ file, clock, topics: [lines] });
    const publish = (...values: readonly Line[]) =>
      queue.publish(values.map((value) => ({ topic: lines, key: 'a', value })));
    await publish(line(1), line(2, 'blue'), line(3));
    await publish(BLUE);
    expect(countIn(file, TABLE)).toBe(2);
    await publish(...Array.from({ length: 9_000 }, (_, page) => line(page, 'blue')));
    await publish(BLUE);
    while (countIn(file, TABLE) > 2) await turn();
    await publish(ALL);
    expect(countIn(file, TABLE)).toBe(0);
    while (countIn(file, 'millrace_purges') > 0) await turn();
    expect(countIn(file, TABLE)).toBe(0);
    await queue.close();
  });

  it('goes on after a restart', async () => {
    const file = join(folder, 'queue.db');
    const first = createSqlQueue({ file, clock, topics: [lines] });
    await first.publish(Array.from({ length: 5_000 }, (_, page) => ({ topic: lines, key: 'a', value: line(page) })));
    await first.publish([{ topic: lines, key: 'a', value: ALL }]);
    first.kill();
    expect(countIn(file, TABLE)).toBeGreaterThan(0);
    const second = createSqlQueue({ file, clock, topics: [lines] });
    while (countIn(file, TABLE) > 0) await turn();
    await second.publish([{ topic: lines, key: 'a', value: line(1) }]);
    expect(countIn(file, TABLE)).toBe(1);
    await second.close();
  });
});

it('a copy removes what the records name, also in several calls', () => {
  const refused: string[] = [];
  const onRefused = (_record: unknown, reason: string): void => void refused.push(reason);
  const copy = createSqlCopy({ folder, topics: [lines], now: clock.now, onRefused });
  const record = (value: Line, position: number) => ({ topic: lines, partition: 0, position, key: 'a', id: '', value });
  copy.apply(
    Array.from({ length: 9_000 }, (_, page) => record(line(page), page + 1)),
    () => false,
  );
  expect(copy.apply([record(ALL, 9_001)], () => true)).toBe(1);
  expect(copy.hasPurges).toBe(true);
  for (let calls = 0; copy.hasPurges; calls++) {
    expect(calls).toBeLessThan(10);
    expect(copy.apply([], () => true)).toBe(0);
  }
  expect(countIn(copy.file, TABLE)).toBe(0);
  expect(refused).toEqual([]);
  copy.close();
});
