import {
  derivedId,
  isTerminal,
  requestedHead,
  type Breakpoint,
  type ExecutionCreated,
  type ExecutionHead,
  type ExecutionRecord,
  type Label,
  type PlainObject,
  type Progress,
  type SnapshotPart,
  type State,
  type TaskRun,
} from '@millrace/model';
import type { FlowPlan } from '../plan.js';
import { relocate } from './relocate.js';
import { withLabel } from './restart.js';

/** What becomes of the copy: it goes on from a task run (`replay`), or where its source failed (`restart`). */
export interface CopyWish {
  readonly kind: 'restart' | 'replay';
  /** Of the new execution. */
  readonly executionId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The revision with which it runs; may be another than the source's. */
  readonly plan: FlowPlan;
  /** Instead of the source's. */
  readonly inputs?: PlainObject;
  readonly breakpoints?: readonly Breakpoint[];
}

export interface ExecutionCopy {
  /** By record id, the head last. */
  readonly records: ReadonlyMap<string, ExecutionRecord>;
  readonly head: ExecutionHead;
  /** The id that a task run of the source has in the copy; undefined when the copy's revision has no place for it. */
  idOf(taskRunId: string): string | undefined;
}

/** Labels that tell of one execution only. */
const OWN_LABELS: ReadonlySet<string> = new Set(['system.restarted', 'system.replayed']);

/** The labels of an execution that is made from another one. */
export const inheritedLabels = (labels: readonly Label[]): readonly Label[] =>
  labels.filter(({ key }) => !OWN_LABELS.has(key));

/**
 * The records of a new execution made from those of another one: new ids, the same tree. What had not ended is CREATED in
 * it and has no timers and no claims; the operation that follows runs it. With another revision, task runs whose task is
 * not in the same place any more are left out with all below them.
 */
export function copyForReplay(source: ReadonlyMap<string, ExecutionRecord>, wish: CopyWish): ExecutionCopy {
  const { head, created } = originOf(source);
  const runs = [...source.values()].filter((record): record is TaskRun => record.kind === 'task-run');
  runs.sort((one, other) => one.sequence - other.sequence);
  const placed = head.flowRevision === wish.plan.revision ? runs : relocate(runs, wish.plan);
  const ids = new Map(placed.map(({ id }) => [id, derivedId(wish.executionId, 'copy', id)]));
  const records = new Map<string, ExecutionRecord>();
  const newCreated = createdOf(created, head, wish);
  records.set('created', newCreated);
  for (const [id, record] of source) {
    if (record.kind === 'values' || record.kind === 'dag') {
      const taskRunId = ids.get(record.taskRunId);
      if (taskRunId !== undefined) records.set(id.replace(record.taskRunId, taskRunId), { ...record, taskRunId });
    } else if (record.kind === 'variables' && head.flowRevision === wish.plan.revision) records.set(id, record);
  }
  if (head.flowRevision !== wish.plan.revision) {
    records.set('variables', { kind: 'variables', variables: wish.plan.variables });
  }
  const counts = countsOf(placed);
  for (const run of placed) {
    const copied = copiedRun(run, ids, counts, wish);
    records.set(copied.id, copied);
  }
  const newHead = headOf(head, newCreated, { runs: placed.length, counts: counts.get(undefined) ?? NONE }, wish);
  records.set('head', newHead);
  return { records, head: newHead, idOf: (taskRunId) => ids.get(taskRunId) };
}

function originOf(source: ReadonlyMap<string, ExecutionRecord>): { head: ExecutionHead; created: ExecutionCreated } {
  const [head, created] = [source.get('head'), source.get('created')];
  if (head?.kind !== 'head' || created?.kind !== 'created') throw new Error('The source has no head or no beginning');
  return { head, created };
}

function createdOf(created: ExecutionCreated, head: ExecutionHead, wish: CopyWish): ExecutionCreated {
  // Whoever waited for the source has its answer.
  const {
    scheduleDate: _past,
    parent: _waited,
    breakpoints: _passed,
    attemptNumber: _counted,
    originalCreatedAt,
    ...rest
  } = created;
  const first = originalCreatedAt ?? head.histories[0]?.date;
  return {
    ...rest,
    executionId: wish.executionId,
    flowRevision: wish.plan.revision,
    inputs: wish.inputs ?? created.inputs,
    parentId: head.executionId,
    ...(wish.breakpoints === undefined ? {} : { breakpoints: wish.breakpoints }),
    ...(wish.kind === 'restart' && first !== undefined
      ? { attemptNumber: head.attemptNumber, originalCreatedAt: first }
      : {}),
  };
}

function headOf(
  head: ExecutionHead,
  created: ExecutionCreated,
  { runs, counts }: { readonly runs: number; readonly counts: Counts },
  wish: CopyWish,
): ExecutionHead {
  const labels = inheritedLabels(head.labels);
  return {
    ...requestedHead(
      created,
      wish.kind === 'replay' ? withLabel(labels, 'system.replay') : labels,
      wish.at,
      head.format,
    ),
    ...(wish.kind === 'restart' ? { state: head.state, histories: head.histories } : {}),
    generation: head.generation,
    sequence: head.sequence,
    ...(head.sequence === runs ? {} : { removed: head.sequence - runs }),
    progress: { ...head.progress, ...counts },
    revision: head.revision + 1,
  };
}

type Counts = Pick<Progress, 'active' | 'failed' | 'warning' | 'killed'>;
const NONE: Counts = { active: 0, failed: 0, warning: 0, killed: 0 };

/** What each owner counts of its children. */
function countsOf(runs: readonly TaskRun[]): ReadonlyMap<string | undefined, Counts> {
  const counts = new Map<string | undefined, Counts>();
  for (const { parentId, section, state } of runs) {
    const { active, failed, warning, killed } = counts.get(parentId) ?? NONE;
    const one = (wanted: State): number => (section === 'tasks' && state === wanted ? 1 : 0);
    counts.set(parentId, {
      active: active + (isTerminal(state) ? 0 : 1),
      failed: failed + one('FAILED'),
      warning: warning + one('WARNING'),
      killed: killed + one('KILLED'),
    });
  }
  return counts;
}

function copiedRun(
  run: TaskRun,
  ids: ReadonlyMap<string, string>,
  counts: ReadonlyMap<string | undefined, Counts>,
  { executionId, at }: CopyWish,
): TaskRun {
  const {
    claim: _claim,
    dueAt: _due,
    evaluating: _evaluating,
    resubmits: _resubmits,
    evaluated: _found,
    // Its next job is given out anew.
    awaitsWorker: _awaits,
    waitsUntil: _waitsUntil,
    workerGroup: _group,
    // The executions that it started are the source's.
    childExecutionId: _started,
    items: _items,
    ...rest
  } = run;
  const parentId = run.parentId === undefined ? undefined : ids.get(run.parentId);
  return {
    ...rest,
    id: ids.get(run.id) ?? run.id,
    executionId,
    ...(parentId === undefined ? {} : { parentId }),
    ...(isTerminal(run.state) ? {} : { state: 'CREATED', histories: [{ state: 'CREATED', date: at }] }),
    ...(run.progress ? { progress: { ...run.progress, ...(counts.get(run.id) ?? NONE) } } : {}),
    attempts: run.attempts.filter(({ state }) => isTerminal(state)),
    revision: run.revision + 1,
  };
}

/** Characters of one part. */
const PART_LENGTH = 400_000;

/** `created` first, which remembers whose parts are to come; the head, with which it is an execution, last. */
const rankOf = (id: string): number => (id === 'created' ? 0 : id === 'head' ? 2 : 1);

/**
 * The records of an execution as events; `created` comes first and the head last. A record that is larger than a part goes
 * alone; one that only just fits into the queue by itself does not with the event around it: publishing it is refused
 * (QUEUE_TOO_LARGE, with a sentence), and nothing of the snapshot is taken.
 * @param snapshot an id that no other snapshot has
 * @throws Error when there is no `created` or no head
 */
export function snapshotParts(
  records: ReadonlyMap<string, ExecutionRecord>,
  { tenant, executionId }: Pick<ExecutionHead, 'tenant' | 'executionId'>,
  snapshot: string,
): readonly SnapshotPart[] {
  originOf(records);
  const parts: Record<string, ExecutionRecord>[] = [];
  let size = Infinity;
  for (const [id, record] of [...records].sort(([one], [other]) => rankOf(one) - rankOf(other))) {
    const { length } = JSON.stringify(record);
    if (size + length > PART_LENGTH) {
      parts.push({});
      size = 0;
    }
    const part = parts.at(-1);
    if (part) part[id] = record;
    size += length;
  }
  return parts.map((part, at) => ({
    kind: 'snapshot-part',
    tenant,
    executionId,
    snapshot,
    records: part,
    ...(at === 0 ? { begins: true } : {}),
    ...(at === parts.length - 1 ? { total: records.size } : {}),
  }));
}
