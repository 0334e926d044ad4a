import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type * as threads from 'node:worker_threads';
import type libsql from 'libsql';
import { RepositoryError } from '../contract.js';
import type { Row, Statement, StatementReader } from './reader.js';

/** Searches that may wait at a time; more are refused, so that a slow one cannot pile up work without bound. */
const PENDING_MAX = 64;

interface Answer {
  readonly id: number;
  readonly rows?: readonly Row[];
  readonly missingTable?: boolean;
  readonly fault?: string;
}

/**
 * Reads in a thread of its own, started at the first statement: a search over many rows takes longer than the event
 * loop may be held (docs/decisions/0004-search-reader.md). One statement at a time, in order.
 */
export function createThreadReader(file: string): StatementReader {
  let worker: Worker | undefined;
  let closed = false;
  let nextId = 0;
  const pending = new Map<number, { resolve(rows: readonly Row[]): void; reject(error: Error): void }>();

  const failAll = (error: Error): void => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
    worker = undefined;
  };
  const answered = ({ id, rows, missingTable, fault }: Answer): void => {
    const waiting = pending.get(id);
    pending.delete(id);
    if (pending.size === 0) worker?.unref();
    if (rows || missingTable) waiting?.resolve(rows ?? []);
    else waiting?.reject(new RepositoryError('UNAVAILABLE', `The database could not be searched: ${fault}`, true));
  };
  const start = (): Worker => {
    const started = new Worker(`(${readStatements.toString()})(require)`, {
      eval: true,
      // The thread's source has no place in the file system, so it is told where the driver is.
      workerData: { file, driver: createRequire(import.meta.url).resolve('libsql') },
    });
    started.on('message', answered);
    started.on('error', (error) =>
      failAll(new RepositoryError('UNAVAILABLE', `The search thread failed: ${error.message}`, true, error)),
    );
    started.on('exit', () => failAll(new RepositoryError('UNAVAILABLE', 'The search thread ended; ask again', true)));
    return started;
  };

  return {
    all(statement) {
      if (closed) return Promise.reject(new RepositoryError('UNAVAILABLE', 'The repository is closed', false));
      if (pending.size >= PENDING_MAX) {
        return Promise.reject(
          new RepositoryError('BUSY', `${PENDING_MAX} searches are waiting already; ask again later`, true),
        );
      }
      worker ??= start();
      worker.ref();
      const id = nextId++;
      const { sql, parameters } = statement;
      const answer = new Promise<readonly Row[]>((resolve, reject) => pending.set(id, { resolve, reject }));
      worker.postMessage({ id, sql, parameters } satisfies Statement & { id: number });
      return answer;
    },
    async close() {
      closed = true;
      const running = worker;
      failAll(new RepositoryError('BUSY', 'The server is stopping; ask again', true));
      await running?.terminate();
    },
  };
}

/**
 * The thread: runs as text outside this module, so it may use nothing but its argument.
 */
function readStatements(load: (name: string) => unknown): void {
  const { parentPort, workerData } = load('node:worker_threads') as typeof threads;
  const { file, driver } = workerData as { file: string; driver: string };
  const Driver = load(driver) as typeof libsql;
  const database = new Driver(file, { readonly: true });
  database.pragma('query_only = 1');
  parentPort?.on('message', ({ id, sql, parameters }: { id: number; sql: string; parameters: unknown[] }) => {
    try {
      parentPort.postMessage({ id, rows: database.prepare(sql).all(...parameters) });
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      parentPort.postMessage({ id, fault, missingTable: fault.includes('no such table') });
    }
  });
}
