import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@millrace/model';
import { createMemoryQueue } from '@millrace/queue/memory';
import { createSqlQueue } from '@millrace/queue/sql';
import { openOverlay } from '../src/overlay/index.js';
import { createSqlRepository } from '../src/sql/index.js';
import { START, topics } from './database.js';
import { describeRemoving, type Written } from './removing-cases.js';

const STILL: Clock = { now: () => START, after: () => () => undefined };
const onError = (error: unknown): void => {
  throw error;
};

const folders: string[] = [];
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'removing-'));
  folders.push(folder);
  return folder;
}
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

async function embedded(): Promise<Written> {
  const file = join(newFolder(), 'millrace.db');
  const used = [topics.executions, topics.taskRuns, topics.logs, topics.metrics];
  const queue = createSqlQueue({ file, clock: STILL, topics: used });
  return { queue, repository: createSqlRepository({ file }) };
}

async function copied(): Promise<Written> {
  const queue = createMemoryQueue({ clock: STILL });
  return { queue, repository: await openOverlay({ queue, topics, folder: newFolder(), clock: STILL, onError }) };
}

describeRemoving('the embedded database', embedded);
describeRemoving("a webserver's copy of another queue", copied);
