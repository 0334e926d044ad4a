import {
  outgoing,
  keyOf,
  LEVEL_RANK,
  type Clock,
  type Job,
  type LogEntry,
  type LogLevel,
  type MetricEntry,
  type OutgoingRecord,
  type Topics,
} from '@millrace/model';
import { cutLine, LOG_LIMITS, type TaskContext, type TaskLog } from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import { publishPersistently } from './persistent-publish.js';

/** A batch is published when it has so many records or UTF-16 units, or is so old. */
export const LOG_BATCH = { records: 500, size: 256 * 1024, ageMs: 100 } as const;
/** With so much waiting, writers are asked to wait. */
const CROWDED = 4 * LOG_BATCH.size;
/** A task that writes on without waiting loses lines beyond this; the worker's memory is not its to fill. */
const FULL = 32 * 1024 * 1024;
const METRICS_MAX = 10_000;
/** What a record costs besides its message. */
const RECORD_SIZE = 300;

/** Log and metrics of one attempt: batched while it runs, acknowledged when `close` resolves. */
export interface AttemptLog extends TaskLog {
  metric: TaskContext['metric'];
  /** Publishes all that is left; lines written later are dropped. @throws QueueError when the queue takes nothing more */
  close(): Promise<void>;
}

export interface AttemptLogOptions {
  readonly job: Job;
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Topics;
  readonly clock: Clock;
  /** Takes out what must not be seen. */
  readonly hide: (text: string) => string;
  /** Shared by the logs of one job, whose entries have one order. */
  readonly numbering?: LineNumbering;
}

/** Gives each line of a job its number. */
export interface LineNumbering {
  next: number;
}

export function createAttemptLog(options: AttemptLogOptions): AttemptLog {
  const { job, queue, topics, clock, hide, numbering = { next: 0 } } = options;
  const { tenant, namespace, flowId, executionId, taskRunId } = job;
  const key = keyOf(tenant, executionId);
  const about = { tenant, namespace, flowId, executionId, taskId: job.task.id, taskRunId };
  const outbox = createOutbox(queue, clock);
  let lines = 0;
  let metrics = 0;
  let closed = false;

  function append(level: LogLevel, message: string): void {
    const value: LogEntry = {
      ...about,
      attempt: job.attempt,
      timestamp: clock.now(),
      level,
      message,
      thread: 'worker',
      taskRunSequence: job.sequence,
      lineNumber: numbering.next++,
    };
    lines += 1;
    outbox.add(outgoing({ topic: topics.logs, key, value }), message.length);
  }

  return {
    write(level, message) {
      if (closed || lines > LOG_LIMITS.linesPerAttempt || LEVEL_RANK[level] < LEVEL_RANK[job.logLevel]) return;
      if (lines === LOG_LIMITS.linesPerAttempt) {
        append(
          'WARN',
          `The log of this attempt has reached ${LOG_LIMITS.linesPerAttempt} lines: the rest is dropped, the task goes on`,
        );
      } else if (outbox.size > FULL) {
        append('WARN', 'The task writes faster than its log can be stored: the rest is dropped, the task goes on');
        lines = LOG_LIMITS.linesPerAttempt + 1;
      } else append(level, cutLine(hide(message)));
    },
    ready: () => outbox.ready(),
    metric({ type, name, value, tags = {} }) {
      if (closed || metrics >= METRICS_MAX || !Number.isFinite(value)) return;
      metrics += 1;
      const entry: MetricEntry = {
        ...about,
        type,
        name: hide(name).slice(0, 256),
        value,
        tags,
        timestamp: clock.now(),
      };
      outbox.add(outgoing({ topic: topics.metrics, key, value: entry }), 0);
    },
    async close() {
      closed = true;
      await outbox.drained();
    },
  };
}

interface Outbox {
  /** Estimate of what is not acknowledged, in bytes. */
  readonly size: number;
  add(record: OutgoingRecord, length: number): void;
  ready(): Promise<void>;
  drained(): Promise<void>;
}

/** Records on their way to the queue, in order, one batch at a time. */
function createOutbox(queue: Pick<Queue, 'publish'>, clock: Clock): Outbox {
  let pending: { readonly record: OutgoingRecord; readonly size: number }[] = [];
  let size = 0;
  let sending: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;
  /** Set once the queue takes nothing any more; what is pending is lost. */
  let failure: unknown;

  function takeBatch(): readonly { readonly record: OutgoingRecord; readonly size: number }[] {
    let bytes = 0;
    let count = 0;
    while (count < pending.length && count < LOG_BATCH.records && bytes < LOG_BATCH.size)
      bytes += pending[count++]?.size ?? 0;
    const batch = pending.slice(0, count);
    pending = pending.slice(count);
    return batch;
  }

  async function sendAll(): Promise<void> {
    try {
      while (pending.length > 0) {
        const batch = takeBatch();
        await publishPersistently(
          queue,
          clock,
          batch.map(({ record }) => record),
        );
        size -= batch.reduce((sum, entry) => sum + entry.size, 0);
      }
    } catch (error) {
      failure = error;
      pending = [];
      size = 0;
    } finally {
      sending = undefined;
    }
  }

  function send(): Promise<void> {
    cancelTimer?.();
    cancelTimer = undefined;
    return (sending ??= pending.length === 0 ? undefined : sendAll()) ?? Promise.resolve();
  }

  return {
    get size() {
      return size;
    },
    add(record, length) {
      if (failure !== undefined) return;
      pending.push({ record, size: length + RECORD_SIZE });
      size += length + RECORD_SIZE;
      if (size >= LOG_BATCH.size || pending.length >= LOG_BATCH.records) void send();
      else cancelTimer ??= clock.after(LOG_BATCH.ageMs, () => void send());
    },
    async ready() {
      while (size > CROWDED) await send();
    },
    async drained() {
      while (pending.length > 0 || sending) await send();
      if (failure !== undefined) throw failure;
    },
  };
}
