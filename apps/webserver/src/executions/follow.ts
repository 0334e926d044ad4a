import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Scope } from '@millrace/authorization';
import {
  isTerminal,
  type Clock,
  type ExecutionHead,
  type LogEntry,
  type LogLevel,
  LEVEL_RANK,
  type TaskRun,
} from '@millrace/model';
import {
  presentExecution,
  presentLogEntry,
  type ExecutionRecords,
  type LogPlace,
  type Repository,
} from '@millrace/repository';
import type { EventStream } from '../http/server-sent-events.js';
import type { Live, RecordListener } from './live.js';

/** At most one event of an execution in this time; the last state is always sent. */
const COALESCE_MS = 50;

/** Log entries read at once: with long lines they take the event loop some 10 ms. */
export const LOG_PAGE = 200;

/** Log lines that wait for a slow client; beyond it they are read again from the repository. */
const LOG_BUFFER_MAX = 10_000;

/** Names of sent log lines that are kept: more than can wait, so that what is read again is known. */
const SENT_KEPT = 2 * LOG_BUFFER_MAX;

/** Nothing more will happen: ended, with what runs after the execution. */
export const isFinished = ({ state, progress }: ExecutionHead): boolean => isTerminal(state) && progress.active === 0;

export interface FollowOptions {
  readonly repository: Repository;
  readonly live: Live;
  readonly clock: Clock;
}

/**
 * Sends an execution each time it changed: `start`, then `progress` with all of it, last `end`. Changes that come close
 * together are one event, and a slow client gets the newest state when it is ready for it.
 */
export async function followExecution(
  { repository, live, clock }: FollowOptions,
  scope: Scope,
  executionId: string,
  stream: EventStream,
): Promise<void> {
  const changed = createBell();
  const newest = createNewest();
  const onRecord: RecordListener = (record) => {
    if (record.kind !== 'head' && record.kind !== 'task-run') return;
    newest.put(record);
    changed.ring();
  };
  const onRemoved = (taskRunId: string): void => {
    newest.remove(taskRunId);
    changed.ring();
  };
  const stop = live.onRecord(scope.tenant, executionId, onRecord, onRemoved);
  stream.signal.addEventListener('abort', changed.ring);
  try {
    const known = await repository.execution(scope, executionId);
    if (!known) return;
    newest.begin(known);
    stream.send('start', { id: executionId });
    while (!stream.signal.aborted) {
      // What was committed with the end may come by after it.
      if (newest.isFinished()) await live.caughtUp();
      if (newest.hasLost()) {
        const left = await repository.execution(scope, executionId);
        if (left) newest.begin(left);
      }
      const records = newest.records();
      if (records) {
        const execution = presentExecution(records);
        stream.send('progress', execution);
        if (isFinished(records.head)) {
          stream.send('end', execution);
          return;
        }
      }
      await Promise.all([pause(clock, COALESCE_MS, stream.signal), stream.drained()]);
      await changed.rung();
    }
  } finally {
    stop();
    stream.close();
  }
}

/** The newest records of an execution, by revision: from the repository and from what came by meanwhile. */
function createNewest() {
  let base: ExecutionRecords | undefined;
  let head: ExecutionHead | undefined;
  const taskRuns = new Map<string, TaskRun>();
  /** Task runs that are no more; their ids never come back, but what was read before may still have them. */
  const removed = new Set<string>();
  const put = (record: ExecutionHead | TaskRun): void => {
    if (record.kind === 'head') {
      if (record.revision >= (head?.revision ?? 0)) head = record;
    } else if (!removed.has(record.id) && record.revision >= (taskRuns.get(record.id)?.revision ?? 0))
      taskRuns.set(record.id, record);
  };
  return {
    put,
    remove(taskRunId: string): void {
      removed.add(taskRunId);
      taskRuns.delete(taskRunId);
    },
    begin(records: ExecutionRecords): void {
      const known = new Set(records.taskRuns.map(({ id }) => id));
      for (const [id, { sequence }] of taskRuns) {
        if (!known.has(id) && sequence < records.head.sequence) taskRuns.delete(id);
      }
      base = records;
      put(records.head);
      for (const taskRun of records.taskRuns) put(taskRun);
    },
    /** A restart has removed some since `begin`: what is left has to be read. */
    hasLost: (): boolean => base !== undefined && head?.removed !== base.head.removed,
    isFinished: (): boolean => head !== undefined && isFinished(head),
    records: (): ExecutionRecords | undefined => base && head && { ...base, head, taskRuns: [...taskRuns.values()] },
  };
}

/** Rung as often as you like, heard once: several changes before anybody listened are one. */
function createBell() {
  let rung = false;
  let listener: (() => void) | undefined;
  return {
    ring(): void {
      rung = true;
      listener?.();
    },
    rung: (): Promise<void> =>
      new Promise((resolve) => {
        const hear = (): void => {
          rung = false;
          listener = undefined;
          resolve();
        };
        if (rung) hear();
        else listener = hear;
      }),
  };
}

const pause = (clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
  });

/**
 * The entries that were sent last: what is read from the repository overlaps with what comes by live, but not further
 * back than this.
 */
export function createSentEntries(max = SENT_KEPT) {
  const kept = new Map<string, number>();
  let forgottenUntil: number | undefined;
  return {
    /** False when the entry was sent before. */
    add({ timestamp, taskRunSequence, attempt = 0, lineNumber, taskRunId = '' }: LogEntry): boolean {
      const name = `${timestamp} ${taskRunSequence} ${attempt} ${lineNumber} ${taskRunId}`;
      if (kept.has(name)) return false;
      kept.set(name, timestamp);
      if (kept.size <= max) return true;
      for (const [oldest, time] of kept) {
        kept.delete(oldest);
        forgottenUntil = Math.max(forgottenUntil ?? time, time);
        break;
      }
      return true;
    },
    /** From where the repository has to be read again; undefined: from the beginning. */
    unsureFrom: (): LogPlace | undefined =>
      forgottenUntil === undefined
        ? undefined
        : { timestamp: forgottenUntil + 1, taskRunSequence: -1, lineNumber: -1, position: -1 },
    get size(): number {
      return kept.size;
    },
  };
}

/** Sends the log of an execution from its beginning, line by line as it is written; `end` when all of it was sent. */
export async function followLog(
  { repository, live }: FollowOptions,
  scope: Scope,
  { executionId, minLevel = 'TRACE' }: { readonly executionId: string; readonly minLevel?: LogLevel | undefined },
  stream: EventStream,
): Promise<void> {
  const changed = createBell();
  const waiting: LogEntry[] = [];
  let overflown = false;
  let finished = false;
  const stops = [
    live.onLog(scope.tenant, executionId, (entry) => {
      if (LEVEL_RANK[entry.level] < LEVEL_RANK[minLevel]) return;
      if (waiting.length < LOG_BUFFER_MAX) waiting.push(entry);
      else overflown = true;
      changed.ring();
    }),
    live.onRecord(scope.tenant, executionId, (record) => {
      if (record.kind !== 'head' || !isFinished(record)) return;
      finished = true;
      changed.ring();
    }),
  ];
  stream.signal.addEventListener('abort', changed.ring);
  const sent = createSentEntries();
  const sendAll = async (): Promise<void> => {
    let after = sent.unsureFrom();
    for (;;) {
      const page = await repository.logs(scope, executionId, {
        minLevel,
        limit: LOG_PAGE,
        ...(after && { after }),
      });
      for (const { entry } of page) sendOnce(entry);
      await stream.drained();
      if (page.length < LOG_PAGE || stream.signal.aborted) return;
      after = page.at(-1)?.place;
      // A client that reads as fast as it gets must not keep others waiting.
      await nextTurn();
    }
  };
  const sendOnce = (entry: LogEntry): void => {
    if (sent.add(entry)) stream.send('progress', presentLogEntry(entry));
  };
  try {
    const known = await repository.execution(scope, executionId);
    if (!known) return;
    finished ||= isFinished(known.head);
    stream.send('start', {});
    await sendAll();
    while (!stream.signal.aborted) {
      for (const entry of waiting.splice(0)) sendOnce(entry);
      // What did not fit, and what was committed before the end was seen, is in the repository.
      const wasFinished = finished;
      if (wasFinished) await live.caughtUp();
      if (overflown || wasFinished) {
        overflown = false;
        await sendAll();
      }
      if (wasFinished) {
        stream.send('end', {});
        return;
      }
      await stream.drained();
      await changed.rung();
    }
  } finally {
    for (const stop of stops) stop();
    stream.close();
  }
}
