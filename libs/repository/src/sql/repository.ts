import type { Repository } from '../contract.js';
import type { RepositoryPart } from '../part.js';
import { repositoryOf } from '../whole.js';
import { executionOf, recordsByKey } from './executions.js';
import { lookUpsOn, searchesOn, taskRunsOf, type Readers } from './part.js';
import { createDirectReader } from './reader.js';
import { createThreadReader } from './reader-thread.js';

export interface SqlRepositoryOptions {
  /** The embedded database's file, made by the SQL queue before. */
  readonly file: string;
}

/**
 * The query side over the embedded database: reads the tables that the SQL queue writes in its transactions, so what was
 * committed is seen at once. Look-ups by key run on a connection in this thread, searches on one in a thread of its own.
 * @throws RepositoryError UNAVAILABLE when the file cannot be opened
 */
export function createSqlRepository(options: SqlRepositoryOptions): Repository {
  const { readers, close } = openReaders(options);
  const { direct } = readers;
  return {
    ...repositoryOf(partOf(readers, close)),
    // Without the records that only copies need.
    async execution(scope, executionId) {
      const execution = executionOf(direct.allNow(recordsByKey(scope, executionId)));
      if (!execution || !scope.covers(execution.head.namespace)) return undefined;
      return { ...execution, taskRuns: await taskRunsOf(direct, scope, executionId) };
    },
  };
}

/** As `createSqlRepository`, as a part of a repository. @throws RepositoryError UNAVAILABLE */
export function createSqlPart(options: SqlRepositoryOptions): RepositoryPart {
  const { readers, close } = openReaders(options);
  return partOf(readers, close);
}

const partOf = (readers: Readers, close: () => Promise<void>): RepositoryPart => ({
  ...lookUpsOn(readers.direct),
  ...searchesOn(readers),
  close,
});

/** @throws RepositoryError UNAVAILABLE when the file cannot be opened */
export function openReaders({ file }: SqlRepositoryOptions): {
  readonly readers: Readers;
  close(): Promise<void>;
} {
  const direct = createDirectReader(file);
  const thread = createThreadReader(file);
  return {
    readers: {
      direct,
      // One after the other in one turn: nobody of this process writes in between.
      quickly: async (...statements) => statements.map((statement) => direct.allNow(statement)),
      searching: (...statements) => thread.together(statements),
    },
    async close() {
      await Promise.all([thread.close(), direct.close()]);
    },
  };
}
