import type { Scope } from '@millrace/authorization';
import { isTerminal, type Clock } from '@millrace/model';
import { RepositoryError, type ExecutionRecords, type Repository } from '@millrace/repository';
import { notFound } from '../http/errors.js';
import type { Live } from './live.js';
import { SeenRecords } from './seen-records.js';

/** An id that is not known yet may be on its way from another webserver (protocols.md part 7.3). */
const UNKNOWN_WAIT_MS = 1_000;

/** Executions as the API answers them: what was committed, waited for when that makes sense. */
export interface Executions {
  /**
   * @throws HttpError 404 after up to a second when the execution is unknown or outside the scope; RepositoryError UNAVAILABLE
   *   then when only the index would know it, and is away
   */
  get(scope: Scope, executionId: string): Promise<ExecutionRecords>;
  /**
   * Starts to wait for the end of an execution that is about to be published; `ended` resolves with it, or with undefined
   * after `cancel`.
   */
  awaitEnd(scope: Scope, executionId: string): EndOfExecution;
}

export interface EndOfExecution {
  readonly ended: Promise<ExecutionRecords | undefined>;
  /** Nobody waits any more. Harmless after the end. */
  cancel(): void;
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
      const found = await look(repository, scope, executionId);
      if ('execution' in found) return found.execution;
      const waiting = firstRecord(scope, executionId);
      try {
        // Once more now that nothing can be missed, then after the first record or the time.
        const early = await look(repository, scope, executionId);
        if ('execution' in early) return early.execution;
        await waiting.came;
        const late = await look(repository, scope, executionId);
        if ('execution' in late) return late.execution;
        throw late.failure ?? notFound(`There is no execution '${executionId}'`);
      } finally {
        waiting.stop();
      }
    },
    awaitEnd(scope, executionId) {
      const seen = new SeenRecords();
      let cancel = (): void => undefined;
      const ended = new Promise<ExecutionRecords | undefined>((resolve, reject) => {
        const stop = live.onRecord(
          scope.tenant,
          executionId,
          (record) => {
            seen.add(record);
            // The other records of the same commit come by before the next microtask, or at least soon.
            if (record.kind === 'head' && isTerminal(record.state)) queueMicrotask(finish);
          },
          (taskRunId) => seen.remove(taskRunId),
        );
        const finish = (): void => {
          const execution = seen.ended();
          if (execution) {
            stop();
            resolve(execution);
          } else live.caughtUp().then(finishLate, reject);
        };
        const finishLate = (): void => {
          stop();
          const execution = seen.ended();
          if (execution) resolve(execution);
          else repository.execution(scope, executionId).then(resolve, reject);
        };
        cancel = () => {
          stop();
          resolve(undefined);
        };
      });
      return { ended, cancel };
    },
  };
}

/** While the index is away nobody knows what is in it, but one that has just begun comes by all the same. */
async function look(
  repository: Repository,
  scope: Scope,
  executionId: string,
): Promise<{ readonly execution: ExecutionRecords } | { readonly failure?: RepositoryError }> {
  try {
    const execution = await repository.execution(scope, executionId);
    return execution ? { execution } : {};
  } catch (failure) {
    if (failure instanceof RepositoryError && failure.code === 'UNAVAILABLE') return { failure };
    throw failure;
  }
}
