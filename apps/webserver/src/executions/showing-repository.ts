import type { Scope } from '@millrace/authorization';
import { keyOf, SHOW_FORMAT, type Topics } from '@millrace/model';
import { RepositoryError, type Repository } from '@millrace/repository';
import type { Operation } from '@millrace/resources';
import { HttpError } from '../http/errors.js';

export interface ShowingOptions {
  readonly repository: Repository;
  readonly topics: Pick<Topics, 'executions'>;
  /** Asks the owner of an execution. @throws HttpError 404 when it does not know it, 504 when it does not answer */
  operate(operation: Operation): Promise<void>;
}

/**
 * A repository that knows every execution of the queue by its id also while the index is away. What is older than its copy of
 * the topics is asked of the owner, who writes it again: then the copy has it, until the index is back and further than that.
 */
export function showingRepository({ repository, topics, operate }: ShowingOptions): Repository {
  /** By key; several may ask for the same one. */
  const asked = new Map<string, Promise<boolean>>();

  /** Answers whether the copy has it now. */
  const show = (tenant: string, executionId: string): Promise<boolean> => {
    const key = keyOf(tenant, executionId);
    const before = asked.get(key);
    if (before) return before;
    const shown = operate({ tenant, executionId, operation: { kind: 'show' } })
      .then(
        () => true,
        (error: unknown) => {
          // Not known, or nobody answers: then it is as if nobody had been asked.
          if (error instanceof HttpError) return false;
          throw error;
        },
      )
      .finally(() => asked.delete(key));
    asked.set(key, shown);
    return shown;
  };

  const found = async <Answer>(scope: Scope, executionId: string, look: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await look();
    } catch (failure) {
      const isAway = failure instanceof RepositoryError && failure.code === 'UNAVAILABLE';
      // Without a copy beside the index there is no place where it could be shown.
      if (!isAway || repository.freshness().overlay === undefined) throw failure;
      if (topics.executions.cluster.format < SHOW_FORMAT || !(await show(scope.tenant, executionId))) throw failure;
      return look();
    }
  };

  const byId: Pick<Repository, 'execution' | 'executionHead' | 'executionRecords'> = {
    execution: (scope, executionId) => found(scope, executionId, () => repository.execution(scope, executionId)),
    executionHead: (scope, executionId) =>
      found(scope, executionId, () => repository.executionHead(scope, executionId)),
    executionRecords: (scope, executionId) =>
      found(scope, executionId, () => repository.executionRecords(scope, executionId)),
  };
  // Everything else is that of the repository, as it is when it is called.
  return Object.assign(Object.create(repository) as Repository, byId);
}
