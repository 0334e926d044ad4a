import { keyOf, keyParts, triggerRecordId, triggersKey, type ExecutionRecord, type TaskRun } from '@millrace/model';
import { COPY_REMOVED, COPY_STARTS } from '@millrace/queue/sql';
import type { Freshness } from '../contract.js';
import type { Kind, Newer, RecentPart, Searches } from '../join/index.js';
import { triggerKeyOf, type WithoutKeys, type WithoutPositions } from '../part.js';
import { allRecordsByKey, recordOf } from '../sql/executions.js';
import { searchesOn, taskRunsOf, type Run } from '../sql/part.js';
import type { Row, Statement } from '../sql/reader.js';
import { openReaders } from '../sql/repository.js';
import { triggerByKey, triggerOf } from '../sql/triggers.js';

/** Keys that the index can be asked to leave out. */
export const NEWER_KEYS_MAX = 10_000;

export interface RecentCopyOptions {
  /** Of a copy (`createSqlCopy`) that remembers what was removed. */
  readonly file: string;
  freshness(): Freshness;
}

const startsOf = (topic: 'logs' | 'metrics'): Statement => ({
  sql: `select partition, position from ${COPY_STARTS} where topic = ?`,
  parameters: [topic],
});

/** What tells the newer keys and first positions. */
const NEWER: Readonly<Record<Kind, readonly Statement[]>> = {
  executions: [{ sql: `select key from executions where id = 'head' limit ?`, parameters: [NEWER_KEYS_MAX + 1] }],
  triggers: [
    { sql: `select key, id from triggers where kind = 'trigger' limit ?`, parameters: [NEWER_KEYS_MAX + 1] },
    {
      sql: `select key, id from ${COPY_REMOVED} where topic = 'triggers' and id like 'trigger/%' limit ?`,
      parameters: [NEWER_KEYS_MAX + 1],
    },
  ],
  logs: [startsOf('logs')],
  metrics: [startsOf('metrics')],
};

/** A copy of what is newer than the index, as a part. */
export function createRecentCopy({ file, freshness }: RecentCopyOptions): RecentPart {
  const { readers, close } = openReaders({ file });
  const { direct } = readers;

  /** Of the same moment as what one call of `read` finds. */
  async function together<Answer>(
    statements: readonly Statement[],
    read: (searches: Searches) => Promise<Answer>,
  ): Promise<{ readonly answer: Answer; readonly rows: readonly Row[] }> {
    let told: readonly (readonly Row[])[] = [];
    const withNewer =
      (run: Run): Run =>
      async (...asked) => {
        const all = await run(...statements, ...asked);
        told = all.slice(0, statements.length);
        return all.slice(statements.length);
      };
    const answer = await read(
      searchesOn({ quickly: withNewer(readers.quickly), searching: withNewer(readers.searching) }),
    );
    return { answer, rows: told.flat() };
  }

  return {
    async search<Of extends Kind, Answer>(of: Of, read: (searches: Searches) => Promise<Answer>) {
      const { answer, rows } = await together(NEWER[of], read);
      return { answer, newer: newerOf[of](rows) };
    },
    async records(scope, executionId) {
      const records = new Map<string, ExecutionRecord>(
        direct.allNow(allRecordsByKey(scope, executionId)).map(recordOf),
      );
      const removed = new Set(direct.allNow(removedOf(keyOf(scope.tenant, executionId))).map(({ id }) => String(id)));
      const runs: readonly TaskRun[] = await taskRunsOf(direct, scope, executionId);
      for (const run of runs) records.set(run.id, run);
      return { records, removed };
    },
    async trigger(scope, name) {
      const [row] = direct.allNow(triggerByKey(scope, name));
      if (row !== undefined) return triggerOf(row);
      const key = triggersKey(scope.tenant, name.namespace, name.flowId);
      const [gone] = direct.allNow({
        sql: `select id from ${COPY_REMOVED} where topic = 'triggers' and key = ? and id = ?`,
        parameters: [key, triggerRecordId(name.triggerId)],
      });
      return gone && 'removed';
    },
    freshness,
    close,
  };
}

const removedOf = (key: string): Statement => ({
  sql: `select id from ${COPY_REMOVED} where topic in ('executions', 'task-runs') and key = ?`,
  parameters: [key],
});

const keysOf = (rows: readonly Row[], keyOfRow: (row: Row) => string): WithoutKeys | 'too many' =>
  rows.length > NEWER_KEYS_MAX ? 'too many' : { keys: new Set(rows.map(keyOfRow)) };

const positionsOf = (rows: readonly Row[]): WithoutPositions => ({
  from: new Map(rows.map(({ partition, position }) => [Number(partition), Number(position)])),
});

const newerOf: { readonly [Of in Kind]: (rows: readonly Row[]) => Newer[Of] } = {
  executions: (rows) => keysOf(rows, ({ key }) => String(key)),
  triggers: (rows) => keysOf(rows, triggerKeyOfRow),
  logs: positionsOf,
  metrics: positionsOf,
};

/** The key of `WithoutKeys` from those of the record. */
function triggerKeyOfRow({ key, id }: Row): string {
  const [tenant = '', namespace = '', flowId = ''] = keyParts(String(key));
  return triggerKeyOf(tenant, { namespace, flowId, triggerId: String(id).replace(/^trigger\//, '') });
}
