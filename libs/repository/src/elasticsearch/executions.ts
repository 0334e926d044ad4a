import type { Scope } from '@millrace/authorization';
import {
  keyOf,
  type ExecutionCreated,
  type ExecutionHead,
  type ExecutionRecord,
  type ExecutionVariables,
  type TaskRun,
} from '@millrace/model';
import type { ExecutionRecords } from '../contract.js';
import { EXECUTION_FIELDS, EXECUTION_PATTERNS, executionSort } from '../filtering/executions.js';
import { DISTINCT_MAX, withMatches } from '../filtering/patterns.js';
import { predicatesOf } from '../filtering/values.js';
import type { ExecutionParts, RepositoryPart } from '../part.js';
import { member, numberOf, recordOf } from './answers.js';
import { REMOVED_RUN, withoutRemoved, type PlacedTaskRun } from './documents/task-runs.js';
import { none, onFilter, term, terms, within } from './queries.js';
import { sortOf, type Searching } from './searching.js';

const BY_ID = [{ field: 'id', direction: 'asc' }] as const;

type ExecutionSearches = Pick<
  RepositoryPart,
  'executionHead' | 'executionRecords' | 'searchExecutions' | 'executionParts'
>;

/** What is answered of executions. */
export const executionSearches = (searching: Searching): ExecutionSearches => ({
  executionHead: (scope, executionId) => headOf(searching, scope, executionId),
  async executionRecords(scope, executionId, hasHead = false) {
    const head = await headOf(searching, scope, executionId);
    // One that the scope does not cover, or that was deleted, is none here.
    if (head === undefined && !hasHead) return undefined;
    const found = new Map<string, ExecutionRecord>();
    if (head !== undefined) found.set('head', head);
    const ofKey = [term('tenant', scope.tenant), term('key', keyOf(scope.tenant, executionId))];
    const marks = new Map<string, number>();
    for await (const hit of searching.all('execution-records', ofKey, sortOf('execution-records', BY_ID))) {
      const id = String(member(hit.source, 'id'));
      if (id.startsWith(`${REMOVED_RUN}/`))
        marks.set(id.slice(REMOVED_RUN.length + 1), numberOf(member(hit.source, 'position')));
      else found.set(id, recordOf<ExecutionRecord>(hit));
    }
    for (const run of await taskRunsOf(searching, ofKey, marks, head)) found.set(run.id, run);
    return found.size === 0 && head === undefined ? undefined : found;
  },
  async searchExecutions(scope, query, window, without) {
    const asked = await withMatches(query, EXECUTION_PATTERNS, (field) =>
      searching.distinct('executions', within(scope), field, DISTINCT_MAX + 1),
    );
    const clauses = predicatesOf(EXECUTION_FIELDS, asked.filters, asked.now).map(onFilter);
    const outside = without === undefined || without.keys.size === 0 ? [] : [none(terms('key', [...without.keys]))];
    const sort = sortOf('executions', executionSort(query.sort), { field: 'key', direction: 'asc' });
    const { hits, total } = await searching.window(
      'executions',
      [...within(scope), ...clauses, ...outside],
      sort,
      window,
    );
    const heads = hits.map((hit) => recordOf<ExecutionHead>(hit));
    const parts = await partsOf(searching, scope, heads.map(keyOfHead));
    const results = heads.map((head): ExecutionRecords => ({ head, ...parts.get(keyOfHead(head)), taskRuns: [] }));
    return { results, total };
  },
  async executionParts(scope, keys) {
    const parts = await partsOf(searching, scope, keys);
    return new Map([...parts].filter(([, { created }]) => created === undefined || scope.covers(created.namespace)));
  },
});

const keyOfHead = ({ tenant, executionId }: ExecutionHead): string => keyOf(tenant, executionId);

async function headOf(searching: Searching, scope: Scope, executionId: string): Promise<ExecutionHead | undefined> {
  const key = term('key', keyOf(scope.tenant, executionId));
  const [hit] = await searching.after('executions', [...within(scope), key], [], 1, undefined);
  return hit && recordOf<ExecutionHead>(hit);
}

/** In order of creation, without those that were removed. */
async function taskRunsOf(
  searching: Searching,
  ofKey: readonly Readonly<Record<string, unknown>>[],
  marks: ReadonlyMap<string, number>,
  head: ExecutionHead | undefined,
): Promise<readonly TaskRun[]> {
  const sort = sortOf('task-runs', [
    { field: 'sequence', direction: 'asc' },
    { field: 'id', direction: 'asc' },
  ]);
  const runs: PlacedTaskRun[] = [];
  for await (const hit of searching.all('task-runs', ofKey, sort))
    runs.push({ run: recordOf<TaskRun>(hit), position: numberOf(member(hit.source, 'position')) });
  const expected = head === undefined ? runs.length : head.sequence - (head.removed ?? 0);
  return withoutRemoved(runs, marks, expected);
}

/** Executions whose parts are asked for at once: each has two. */
const KEYS = 1_000;

async function partsOf(
  searching: Searching,
  scope: Scope,
  keys: readonly string[],
): Promise<ReadonlyMap<string, ExecutionParts>> {
  const found = new Map<string, { created?: ExecutionCreated; variables?: ExecutionVariables }>();
  for (let at = 0; at < keys.length; at += KEYS) {
    const some = keys.slice(at, at + KEYS);
    const clauses = [term('tenant', scope.tenant), terms('key', some), terms('kind', ['created', 'variables'])];
    const hits = await searching.after('execution-records', clauses, [], 2 * some.length, undefined);
    for (const hit of hits) {
      const record = recordOf<ExecutionRecord>(hit);
      const key = String(member(hit.source, 'key'));
      const parts = found.get(key) ?? {};
      if (record.kind === 'created') parts.created = record;
      else if (record.kind === 'variables') parts.variables = record;
      found.set(key, parts);
    }
  }
  return found;
}
