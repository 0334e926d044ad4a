import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Scope } from '@millrace/authorization';
import type { TaskRun } from '@millrace/model';
import type { LogFilter, Page } from '../contract.js';
import { EXECUTION_PATTERNS } from '../filtering/executions.js';
import { LOG_PATTERNS } from '../filtering/logs.js';
import { withMatches } from '../filtering/patterns.js';
import { TRIGGER_PATTERNS } from '../filtering/triggers.js';
import type { RepositoryPart } from '../part.js';
import { countSelected, figuresOf, metricFigures, metricNames, metricTasks, textOf } from './aggregates.js';
import {
  allRecordsByKey,
  distinctOfExecutions,
  executionOf,
  executionParts,
  listedExecutionOf,
  partsOf,
  recordOf,
  recordsByKey,
  searchExecutions,
  taskRunOf,
  taskRunsByKey,
  TASK_RUN_PAGE,
} from './executions.js';
import { distinctOfLogs, executionLogs, placedLogEntryOf, searchLogs } from './logs.js';
import { executionMetrics, placedMetricOf } from './metrics.js';
import type { DirectReader, Row, Statement } from './reader.js';
import { distinctOfTriggers, searchTriggers, triggerByKey, triggerOf } from './triggers.js';

/** Runs statements on one state of the tables; answers the rows of each. */
export type Run = (...statements: readonly Statement[]) => Promise<readonly (readonly Row[])[]>;

/** How the tables are read. */
export interface Readers {
  /** For look-ups by key, in the calling thread. */
  readonly direct: DirectReader;
  /** For what takes microseconds. */
  readonly quickly: Run;
  /** For what may take longer than the event loop may be held. */
  readonly searching: Run;
}

type Searches = Omit<RepositoryPart, 'executionHead' | 'executionRecords' | 'trigger' | 'close'>;

/** Everything but look-ups by key. */
export const searchesOn = ({ quickly, searching }: Pick<Readers, 'quickly' | 'searching'>): Searches => ({
  async searchExecutions(scope, query, window, without) {
    const asked = await withMatches(query, EXECUTION_PATTERNS, textsOf(searching, scope, distinctOfExecutions));
    return paged(searching, searchExecutions(scope, asked, window, without), listedExecutionOf);
  },
  executionParts: async (scope, keys) => partsOf(await one(searching, executionParts(scope, keys))),
  async executionLogs(scope, executionId, filter, without) {
    const run = isSearch(filter) ? searching : quickly;
    return (await one(run, executionLogs(scope, executionId, filter, without))).map(placedLogEntryOf);
  },
  async searchLogs(scope, query, window, without) {
    const asked = await withMatches(query, LOG_PATTERNS, textsOf(searching, scope, distinctOfLogs));
    return paged(searching, searchLogs(scope, asked, window, without), placedLogEntryOf);
  },
  executionMetrics: async (scope, executionId, query, window, without) =>
    paged(searching, executionMetrics(scope, executionId, query, window, without), placedMetricOf),
  countLogs: async (scope, selection, without) =>
    totalOf(await one(searching, countSelected(scope, 'logs', selection, without))),
  countMetrics: async (scope, selection, without) =>
    totalOf(await one(searching, countSelected(scope, 'metrics', selection, without))),
  metricNames: async (scope, source) => (await one(searching, metricNames(scope, source))).map(textOf),
  metricTasks: async (scope, source) => (await one(searching, metricTasks(scope, source))).map(textOf),
  metricFigures: async (scope, query, without) =>
    (await one(searching, metricFigures(scope, query, without))).map(figuresOf),
  async searchTriggers(scope, query, window, without) {
    const asked = await withMatches(query, TRIGGER_PATTERNS, textsOf(searching, scope, distinctOfTriggers));
    return paged(searching, searchTriggers(scope, asked, window, without), triggerOf);
  },
});

/** Look-ups by key. */
export const lookUpsOn = (
  direct: DirectReader,
): Pick<RepositoryPart, 'executionHead' | 'executionRecords' | 'trigger'> => ({
  async executionHead(scope, executionId) {
    const head = executionOf(direct.allNow(recordsByKey(scope, executionId)))?.head;
    return head && scope.covers(head.namespace) ? head : undefined;
  },
  async executionRecords(scope, executionId, hasHead = false) {
    const records = new Map(direct.allNow(allRecordsByKey(scope, executionId)).map(recordOf));
    const head = records.get('head');
    if (head === undefined && !hasHead) return undefined;
    if (head?.kind === 'head' && (head.deleted === true || !scope.covers(head.namespace))) return undefined;
    for (const run of await taskRunsOf(direct, scope, executionId)) records.set(run.id, run);
    return records;
  },
  async trigger(scope, name) {
    if (!scope.covers(name.namespace)) return undefined;
    const [row] = direct.allNow(triggerByKey(scope, name));
    return row && triggerOf(row);
  },
});

/** All task runs of an execution, in order of creation. */
export async function taskRunsOf(direct: DirectReader, scope: Scope, executionId: string): Promise<TaskRun[]> {
  const found: TaskRun[] = [];
  for (let afterId = ''; ;) {
    const rows = direct.allNow(taskRunsByKey(scope, executionId, afterId));
    for (const row of rows) found.push(taskRunOf(row));
    if (rows.length < TASK_RUN_PAGE) return found.sort((one, other) => one.sequence - other.sequence);
    afterId = String(rows.at(-1)?.['id']);
    await nextTurn();
  }
}

/** The different values of a field of the rows in scope; those without one have none. */
const textsOf =
  (run: Run, scope: Scope, distinct: (scope: Scope, field: string) => Statement) =>
  async (field: string): Promise<readonly string[]> =>
    (await one(run, distinct(scope, field))).flatMap(({ text }) => (typeof text === 'string' ? [text] : []));

const one = async (run: Run, statement: Statement): Promise<readonly Row[]> => (await run(statement))[0] ?? [];

const totalOf = (rows: readonly Row[]): number => Number(rows[0]?.['total'] ?? 0);

/** True when finding a page may take looking at every entry of the execution. */
const isSearch = ({ taskRunId, taskId, attempt }: LogFilter): boolean =>
  taskRunId !== undefined || taskId !== undefined || attempt !== undefined;

async function paged<Item>(
  run: Run,
  { page, total }: { readonly page: Statement; readonly total: Statement },
  itemOf: (row: Row) => Item,
): Promise<Page<Item>> {
  const [rows = [], counts = []] = await run(page, total);
  return { results: rows.map(itemOf), total: totalOf(counts) };
}
