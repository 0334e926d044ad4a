import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import type { Clock, Topic } from '@millrace/model';
import { createSqlQueue, tableName } from '../src/sql/index.js';

interface Thing {
  readonly name: string;
}

const clock: Clock = { now: () => 1_000, after: () => () => undefined };
const things: Topic<Thing> = {
  name: 'some.things-here',
  kind: 'state',
  partitions: 2,
  decode: (stored) => stored as Thing,
  columns: { name: { type: 'text', of: ({ name }) => name } },
  indexes: { by_name: ['name desc'] },
};

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'queue-'));
  file = join(folder, 'millrace.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const rows = (): unknown[] => {
  const reader = new Database(file, { readonly: true });
  try {
    return reader.prepare(`select key, id, name from ${tableName(things)} order by key`).all();
  } finally {
    reader.close();
  }
};

it('keeps records in tables with their columns, readable beside the running queue', async () => {
  const queue = createSqlQueue({ file, clock, topics: [things] });
  await queue.publish(
    Array.from({ length: 40 }, (_, n) => ({
      topic: things,
      key: `k${String(n).padStart(2, '0')}`,
      id: 'x',
      value: { name: `n${n}` },
    })),
  );
  await queue.publish([
    { topic: things, key: 'k00', id: 'x', value: { name: 'other' } },
    { topic: things, key: 'k01', id: 'x', value: null },
  ]);
  expect(tableName(things)).toBe('some_things_here');
  expect(rows()).toHaveLength(39);
  expect(rows()[0]).toMatchObject({ key: 'k00', id: 'x', name: 'other' });
  await queue.close();
});

it('refuses a file that another queue has open, naming its process; a closed one is free', async () => {
  const first = createSqlQueue({ file, clock });
  expect(() => createSqlQueue({ file, clock })).toThrow(
    expect.objectContaining({ code: 'QUEUE_LOCKED', message: expect.stringContaining(`process ${process.pid}`) }),
  );
  await first.close();
  await createSqlQueue({ file, clock }).close();
});

it('is refused while another process holds the lock, and opens when that process was killed', async () => {
  const holder = spawn(
    process.execPath,
    [
      '-e',
      `
    const Database = require(${JSON.stringify(createRequire(__filename).resolve('libsql'))});
    const database = new Database(${JSON.stringify(`${file}.lock`)});
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
    console.log('held');
    setInterval(() => undefined, 1000);
  `,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(holder.stdout, 'data');
  expect(() => createSqlQueue({ file, clock })).toThrow(expect.objectContaining({ code: 'QUEUE_LOCKED' }));
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await createSqlQueue({ file, clock }).close();
});

it.each([
  ['partitions', { ...things, partitions: 3 }, /made with 2 partitions/],
  ['columns', { ...things, columns: {} }, /other columns/],
])('refuses a file whose topic was declared with other %s', async (_what, other, message) => {
  await createSqlQueue({ file, clock, topics: [things] }).close();
  expect(() => createSqlQueue({ file, clock, topics: [other] })).toThrow(
    expect.objectContaining({ code: 'QUEUE_MISMATCH', message: expect.stringMatching(message) }),
  );
  // What was refused does not hold the file.
  await createSqlQueue({ file, clock, topics: [things] }).close();
});

it('fails only the write that the database refuses, not its neighbours of the same turn', async () => {
  const queue = createSqlQueue({ file, clock });
  const broken: Topic<Thing> = { ...things, columns: { name: { type: 'text', of: ({ name }) => name.toUpperCase() } } };
  await queue.publish([{ topic: broken, key: 'first', value: { name: 'ok' } }]);
  const outcomes = await Promise.allSettled([
    queue.publish([{ topic: broken, key: 'one', value: { name: 'ok' } }]),
    queue.publish([
      { topic: broken, key: 'before', value: { name: 'ok' } },
      { topic: broken, key: 'two', value: {} as never },
    ]),
    queue.publish([{ topic: broken, key: 'three', value: { name: 'ok' } }]),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const view = await queue.view(broken);
  expect([...view.keys()].sort()).toEqual(['first', 'one', 'three']);
  await queue.close();
});
