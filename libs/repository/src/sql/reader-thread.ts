import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type * as threads from 'node:worker_threads';
import type libsql from 'libsql';
import { RepositoryError } from '../contract.js';
import type { Row, Statement, StatementReader } from './reader.js';

/** Searches that may wait at a time; more are refused, so that a slow one cannot pile up work without bound. */
const PENDING_MAX = 64;

interface Asked {
  readonly id: number;
  readonly statements: readonly Statement[];
}

interface Answer {
  readonly id: number;
  /** Of each statement. */
  readonly rows?: readonly (readonly Row[])[];
  readonly fault?: string;
}

/**
 * Reads in a thread of its own, started at the first statement: a search over many rows takes longer than the event
 * loop may be held (docs/decisions/0004-search-reader.md). One search at a time, in order.
 */
export function createThreadReader(file: string): StatementReader {
  let worker: Worker | undefined;
  let closed = false;
  let nextId = 0;
  const pending = new Map<number, { resolve(rows: readonly (readonly Row[])[]): void; reject(error: Error): void }>();

  const failAll = (error: Error): void => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
    worker = undefined;
  };
  const answered = ({ id, rows, fault }: Answer): void => {
    const waiting = pending.get(id);
    pending.delete(id);
    if (pending.size === 0) worker?.unref();
    if (rows) waiting?.resolve(rows);
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
    together(statements) {
      if (closed) return Promise.reject(new RepositoryError('UNAVAILABLE', 'The repository is closed', false));
      if (pending.size >= PENDING_MAX) {
        return Promise.reject(
          new RepositoryError('BUSY', `${PENDING_MAX} searches are waiting already; ask again later`, true),
        );
      }
      worker ??= start();
      worker.ref();
      const id = nextId++;
      const answer = new Promise<readonly (readonly Row[])[]>((resolve, reject) =>
        pending.set(id, { resolve, reject }),
      );
      // Only what a statement is: compiled queries carry a tree that cannot be sent.
      const sent = statements.map(({ sql, parameters }) => ({ sql, parameters }));
      worker.postMessage({ id, statements: sent } satisfies Asked);
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
  const rowsOf = ({ sql, parameters }: { sql: string; parameters: unknown[] }): unknown[] => {
    try {
      return database.prepare(sql).all(...parameters);
    } catch (error) {
      // Nothing was written yet: the queue makes a table when its topic is first used.
      if (error instanceof Error && error.message.includes('no such table')) return [];
      throw error;
    }
  };
  parentPort?.on(
    'message',
    ({ id, statements }: { id: number; statements: { sql: string; parameters: unknown[] }[] }) => {
      try {
        // The first read fixes the state that all of them see.
        if (statements.length > 1) database.exec('BEGIN');
        const rows = statements.map(rowsOf);
        parentPort.postMessage({ id, rows });
      } catch (error) {
        const fault = error instanceof Error ? error.message : String(error);
        parentPort.postMessage({ id, fault });
      } finally {
        if (database.inTransaction) database.exec('ROLLBACK');
      }
    },
  );
}
