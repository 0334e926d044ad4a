import { setImmediate as nextTurn } from 'node:timers/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { keyOf, logPurge, outgoing, type Clock } from '@millrace/model';
import { createMemoryQueue } from '@millrace/queue/memory';
import { createSqlCopy, type CopiedRecord, type SqlCopy } from '@millrace/queue/sql';
import { Copying } from '../src/overlay/copying.js';
import { logOf, START, topics } from './database.js';

const STILL: Clock = { now: () => START, after: () => () => undefined };
const onError = (error: unknown): void => {
  throw error;
};

it('what a record removes is gone when it was received, also when there was only time to write the record', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'copying-'));
  const queue = createMemoryQueue({ clock: STILL });
  const copied = [topics.executions, topics.taskRuns, topics.logs, topics.metrics, topics.triggers];
  const copy = createSqlCopy({ folder, topics: copied, now: () => START, onRefused: ({ key }) => onError(key) });
  const hurried: SqlCopy = {
    ...copy,
    get hasPurges() {
      return copy.hasPurges;
    },
    apply(records) {
      let asked = 0;
      return copy.apply(records, () => ++asked >= records.length);
    },
  };
  let told: (() => void)[] = [];
  const copying = new Copying<CopiedRecord>({
    copy: hurried,
    topics,
    clock: STILL,
    onError,
    source: {
      follow: (topic, onRecord, failed) =>
        queue.tail(topic, {
          from: 'start',
          onRecord: (record) => void told.push(() => onRecord({ ...record, topic })),
          onError: failed,
        }),
    },
  });
  await copying.open();
  const reader = new Database(copy.file, { readonly: true });
  const ids = Array.from({ length: 20 }, (_, at) => `e${at}`);
  await queue.publish(
    ids.map((id, at) => outgoing({ topic: topics.logs, key: keyOf('main', id), value: logOf(id, at) })),
  );
  // In every partition.
  await queue.publish([logPurge(topics, { tenant: 'main', namespace: 'company' })]);
  await nextTurn();
  // All at once, and asked at once.
  for (const tell of told) tell();
  told = [];
  await copying.received();
  // Asked before anything else happens.
  expect(
    reader.prepare("select count(*) as rows from logs where json_extract(value, '$.message') is not null").get(),
  ).toMatchObject({ rows: 0 });
  reader.close();
  copying.close();
  copy.close();
  await queue.close();
  rmSync(folder, { recursive: true, force: true });
});
