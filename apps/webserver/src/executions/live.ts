import {
  isPurge,
  keyOf,
  type Clock,
  type ExecutionRecord,
  type LogEntry,
  type TaskRun,
  type Topics,
} from '@millrace/model';
import type { Queue, Tail } from '@millrace/queue';
import { withinReason } from './within-reason.js';

/** Told which task runs are no more, by id; must not throw. */
export type RemovalListener = (taskRunId: string) => void;
/** Told of new records of one execution, in order; must not throw. */
export type RecordListener = (record: ExecutionRecord | TaskRun) => void;
export type LogListener = (entry: LogEntry) => void;

/**
 * What is happening, as it is committed: one reader of the topics for the whole server, which hands records to whoever
 * follows their execution. Keys begin with the tenant, so a follower of one tenant cannot get a record of another.
 */
export interface Live {
  onRecord(tenant: string, executionId: string, listener: RecordListener, onRemoved?: RemovalListener): () => void;
  onLog(tenant: string, executionId: string, listener: LogListener): () => void;
  /**
   * Resolves when everything was told that was committed before the call, or after a second. Records that were committed
   * together may come by apart: after an execution's end this waits for the others.
   */
  caughtUp(): Promise<void>;
  close(): void;
}

export interface LiveOptions {
  readonly queue: Queue;
  readonly topics: Pick<Topics, 'executions' | 'taskRuns' | 'logs'>;
  /** A record that does not belong to the execution of its key was dropped. */
  readonly clock: Clock;
  readonly onViolation: () => void;
  readonly onError: (error: unknown) => void;
}

export async function createLive({ queue, topics, clock, onViolation, onError }: LiveOptions): Promise<Live> {
  const records = createListeners<ExecutionRecord | TaskRun>();
  const removals = createListeners<string>();
  const logs = createListeners<LogEntry>();
  const tenantOf = (record: ExecutionRecord | TaskRun): string | undefined =>
    'tenant' in record ? record.tenant : undefined;
  const give = (key: string, record: ExecutionRecord | TaskRun | null): void => {
    if (!record || !records.has(key)) return;
    const tenant = tenantOf(record);
    if (tenant !== undefined && !key.startsWith(`${keyOf(tenant)}/`)) onViolation();
    else records.tell(key, record);
  };
  const tails: Tail[] = [
    await queue.tail(topics.executions, { onRecord: ({ key, value }) => give(key, value), onError }),
    await queue.tail(topics.taskRuns, {
      onRecord({ key, id, value }) {
        if (value) give(key, value);
        else removals.tell(key, id);
      },
      onError,
    }),
    await queue.tail(topics.logs, {
      onRecord({ key, value }) {
        if (!value || isPurge(value) || !logs.has(key)) return;
        if (key === keyOf(value.tenant, value.executionId)) logs.tell(key, value);
        else onViolation();
      },
      onError,
    }),
  ];
  return {
    onRecord(tenant, executionId, listener, onRemoved) {
      const key = keyOf(tenant, executionId);
      const stops = [records.add(key, listener), ...(onRemoved ? [removals.add(key, onRemoved)] : [])];
      return () => {
        for (const stop of stops) stop();
      };
    },
    onLog: (tenant, executionId, listener) => logs.add(keyOf(tenant, executionId), listener),
    caughtUp: () => withinReason(clock, Promise.all(tails.map((tail) => tail.caughtUp()))),
    close() {
      for (const tail of tails) tail.close();
    },
  };
}

function createListeners<Value>() {
  const listeners = new Map<string, Set<(value: Value) => void>>();
  return {
    has: (key: string): boolean => listeners.has(key),
    tell(key: string, value: Value): void {
      for (const listener of listeners.get(key) ?? []) listener(value);
    },
    add(key: string, listener: (value: Value) => void): () => void {
      const ofKey = listeners.get(key) ?? new Set();
      listeners.set(key, ofKey.add(listener));
      return () => {
        ofKey.delete(listener);
        if (ofKey.size === 0 && listeners.get(key) === ofKey) listeners.delete(key);
      };
    },
  };
}
