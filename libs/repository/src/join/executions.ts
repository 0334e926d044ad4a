import type { Scope } from '@millrace/authorization';
import type { ExecutionHead, ExecutionRecord } from '@millrace/model';
import type { RepositoryError } from '../contract.js';
import type { RepositoryPart } from '../part.js';
import type { IndexAccess } from './index-access.js';
import type { RecentPart } from './recent.js';

/** Of the records of a large execution, which come page by page. */
const PAGES = 4;

/** The newest head of an execution. @throws RepositoryError UNAVAILABLE */
export async function joinedHead(
  index: RepositoryPart,
  recent: RecentPart,
  access: IndexAccess,
  scope: Scope,
  executionId: string,
): Promise<ExecutionHead | undefined> {
  const { records } = await recent.records(scope, executionId);
  const head = headOf(records);
  if (head !== undefined) return isShown(scope, head) ? head : undefined;
  return access.need(() => index.executionHead(scope, executionId));
}

/** Every record of an execution in its newest state. @throws RepositoryError UNAVAILABLE */
export async function executionRecords(
  index: RepositoryPart,
  recent: RecentPart,
  access: IndexAccess,
  scope: Scope,
  executionId: string,
): Promise<ReadonlyMap<string, ExecutionRecord> | undefined> {
  const { records, removed } = await recent.records(scope, executionId);
  const head = headOf(records);
  if (head !== undefined && (!isShown(scope, head) || hasAll(head, records)))
    return isShown(scope, head) ? records : undefined;
  const reached = await access.ask(() => index.executionRecords(scope, executionId, head !== undefined), PAGES);
  if (!('answer' in reached)) return wholeNow(recent, scope, executionId, reached.unreachable);
  const older = reached.answer;
  if (older === undefined) return head === undefined ? undefined : records;
  const joined = new Map(older);
  for (const [id, record] of records) if (!isNewer(older.get(id), record)) joined.set(id, record);
  const newest = headOf(joined);
  // Of an execution that left the queue every record was removed there; then as many as its head counts are still here.
  if (newest !== undefined && runsOf(joined) > countedBy(newest)) for (const id of removed) joined.delete(id);
  return joined;
}

/** Head and task runs are read apart: what was missing may have come meanwhile. @throws the given failure */
async function wholeNow(
  recent: RecentPart,
  scope: Scope,
  executionId: string,
  failure: RepositoryError,
): Promise<ReadonlyMap<string, ExecutionRecord>> {
  const { records } = await recent.records(scope, executionId);
  const head = headOf(records);
  if (head !== undefined && isShown(scope, head) && hasAll(head, records)) return records;
  throw failure;
}

/** True when nothing of the execution is elsewhere: its first record is here, and as many task runs as its head counts. */
const hasAll = (head: ExecutionHead, records: ReadonlyMap<string, ExecutionRecord>): boolean =>
  records.has('created') && runsOf(records) === countedBy(head);

const countedBy = ({ sequence, removed = 0 }: ExecutionHead): number => sequence - removed;

function runsOf(records: ReadonlyMap<string, ExecutionRecord>): number {
  let count = 0;
  for (const { kind } of records.values()) if (kind === 'task-run') count++;
  return count;
}

function headOf(records: ReadonlyMap<string, ExecutionRecord>): ExecutionHead | undefined {
  const head = records.get('head');
  return head?.kind === 'head' ? head : undefined;
}

const isShown = (scope: Scope, head: ExecutionHead): boolean => head.deleted !== true && scope.covers(head.namespace);

/** True when the index was faster than the reader of this process. */
const isNewer = (there: ExecutionRecord | undefined, here: ExecutionRecord): boolean =>
  there !== undefined && 'revision' in there && 'revision' in here && there.revision > here.revision;
