import type { Scope } from '@millrace/authorization';
import { isTerminal, type Clock } from '@millrace/model';
import type { ExecutionRecords, Repository } from '@millrace/repository';
import { notFound } from '../http/errors.js';
import type { Live } from './live.js';

/** An id that is not known yet may be on its way from another webserver (protocols.md part 7.3). */
const UNKNOWN_WAIT_MS = 1_000;

/** Executions as the API answers them: what was committed, waited for when that makes sense. */
export interface Executions {
  /** @throws HttpError 404 after up to a second when the execution is unknown or outside the scope */
  get(scope: Scope, executionId: string): Promise<ExecutionRecords>;
  /**
   * Starts to wait for the end of an execution that is about to be published.
   * `ended` resolves with it, or with undefined when `signal` aborts before.
   */
  awaitEnd(
    scope: Scope,
    executionId: string,
    signal: AbortSignal,
  ): { readonly ended: Promise<ExecutionRecords | undefined> };
}

export interface ExecutionsOptions {
  readonly repository: Repository;
  readonly live: Live;
  readonly clock: Clock;
}

export function createExecutions({ repository, live, clock }: ExecutionsOptions): Executions {
  /** Resolves when a record of the execution comes by, or the time is over. */
  const firstRecord = (scope: Scope, executionId: string): { readonly came: Promise<void>; stop(): void } => {
    let stop = (): void => undefined;
    const came = new Promise<void>((resolve) => {
      const stopTimer = clock.after(UNKNOWN_WAIT_MS, resolve);
      const stopListening = live.onRecord(scope.tenant, executionId, (record) => {
        if (record.kind === 'head') resolve();
      });
      stop = () => {
        stopTimer();
        stopListening();
      };
    });
    return { came, stop };
  };

  return {
    async get(scope, executionId) {
      const found = await repository.execution(scope, executionId);
      if (found) return found;
      const waiting = firstRecord(scope, executionId);
      try {
        // Once more now that nothing can be missed, then after the first record or the time.
        const early = await repository.execution(scope, executionId);
        if (early) return early;
        await waiting.came;
        const late = await repository.execution(scope, executionId);
        if (late) return late;
      } finally {
        waiting.stop();
      }
      throw notFound(`There is no execution '${executionId}'`);
    },
    awaitEnd(scope, executionId, signal) {
      const ended = new Promise<void>((resolve) => {
        const stop = live.onRecord(scope.tenant, executionId, (record) => {
          if (record.kind === 'head' && isTerminal(record.state)) done();
        });
        const done = (): void => {
          stop();
          signal.removeEventListener('abort', done);
          resolve();
        };
        signal.addEventListener('abort', done);
        if (signal.aborted) done();
      });
      return { ended: ended.then(() => (signal.aborted ? undefined : repository.execution(scope, executionId))) };
    },
  };
}
