import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTaskTypeRegistry } from '@millrace/plugin-api';
import { plugin as scriptPlugin } from '@millrace/plugin-script';
import { createMemoryQueue } from '@millrace/queue/memory';
import { systemClock } from '@millrace/service';
import { createLocalStorage } from '@millrace/storage/local';
import { entryOf, outgoing, jobKey } from '@millrace/model';
import { createWorker, environmentSecrets } from '../src/index.js';
import { aContext, aJob, topics } from './support.js';

/** A worker process that runs one script and prints what it logs; a test kills it. */
const queue = createMemoryQueue({ clock: systemClock });
const directory = mkdtempSync(join(tmpdir(), 'millrace-worker-process-'));
await queue.tail(topics.logs, {
  onRecord: ({ value }) => process.stdout.write(`${(value && entryOf(value))?.message ?? ''}\n`),
});
const worker = createWorker({
  context: aContext(),
  queue,
  topics,
  storage: createLocalStorage({ directory: join(directory, 'storage') }),
  registry: createTaskTypeRegistry([scriptPlugin]),
  slots: 1,
  temporaryDirectory: join(directory, 'tmp'),
  secrets: environmentSecrets({}),
});
await worker.start();
const job = aJob({ type: 'scripts.shell.Commands', commands: process.argv.slice(2) });
await queue.publish([outgoing({ topic: topics.jobs('default'), key: jobKey(job), value: job })]);
