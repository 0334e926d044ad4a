import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Scope } from '@millrace/authorization';
import { isoDate, LEVEL_RANK, type Clock, type Job, type JobOutcome } from '@millrace/model';
import { cutLine } from '@millrace/plugin-api';
import { executionFileUri, type Storage } from '@millrace/storage';
import type { AttemptLog } from './attempt-log.js';

/** UTF-16 units of a log that goes to a file; the rest is dropped. */
const SIZE_MAX = 1024 * 1024 * 1024;

export interface FileLogOptions {
  readonly job: Job;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly hide: (text: string) => string;
  /** Where it is collected. */
  readonly directory: string;
  /** Takes the metrics, which do not go to the file. */
  readonly metrics: AttemptLog;
}

/** The log of an attempt with `logToFile`: collected on disk, one file in internal storage when the attempt has ended. */
export interface FileLog extends AttemptLog {
  readonly uri: string;
}

export function createFileLog({ job, storage, clock, hide, directory, metrics }: FileLogOptions): FileLog {
  const uri = executionFileUri({ ...job, taskId: job.task.id, name: `attempt-${job.attempt}.log` });
  const path = join(directory, `log-${randomBytes(8).toString('hex')}`);
  let stream: Promise<WriteStream> | undefined;
  let failure: unknown;
  let size = 0;
  let waiting = '';
  let isFull = false;
  let closed = false;

  async function open(): Promise<WriteStream> {
    await mkdir(directory, { recursive: true });
    const opened = createWriteStream(path, { mode: 0o600 });
    opened.on('error', (error) => (failure = error));
    return opened;
  }

  async function flush(): Promise<void> {
    const opened = await (stream ??= open());
    const text = waiting;
    waiting = '';
    if (failure !== undefined || text === '') return;
    await new Promise<void>((resolve) => {
      // Waits only when the disk is behind; the callback comes after a failure too.
      if (opened.write(text, () => resolve())) resolve();
    });
  }

  return {
    uri,
    write(level, message) {
      if (closed || isFull || LEVEL_RANK[level] < LEVEL_RANK[job.logLevel]) return;
      isFull = size > SIZE_MAX;
      const text = isFull ? 'The log has reached its largest size: the rest is dropped, the task goes on' : message;
      const line = `${isoDate(clock.now())} ${isFull ? 'WARN' : level} ${cutLine(hide(text))}\n`;
      size += line.length;
      waiting += line;
      if (waiting.length > 64 * 1024) void flush().catch((error: unknown) => (failure = error));
    },
    ready: flush,
    metric: metrics.metric,
    async close() {
      if (closed) return;
      closed = true;
      await metrics.close();
      try {
        await flush();
        const opened = await (stream ??= open());
        opened.end();
        await finished(opened);
        if (failure !== undefined) throw failure;
        await storage.put(Scope.system(job.tenant), uri, createReadStream(path));
      } finally {
        await rm(path, { force: true });
      }
    },
  };
}

/** An outcome whose log could not be stored. */
export function withoutLogFile({ logFile: _lost, ...outcome }: JobOutcome): JobOutcome {
  return outcome;
}
