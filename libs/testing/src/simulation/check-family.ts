import { keyOf, type ExecutionHead, type FlowRecord, type TaskRun } from '@millrace/model';
import type { View } from '@millrace/queue';
import type { Observer } from './observer.js';
import { TENANT, type Scenario } from './scenario.js';

/** Executions that another one started, as the topics have them. */
export interface ChildOf {
  readonly id: string;
  readonly parentId: string;
  readonly taskRunId: string;
  readonly index: number | undefined;
  readonly waits: boolean;
}

export function childrenIn(observer: Observer): readonly ChildOf[] {
  return [...observer.executions.keys()].flatMap((key) => {
    const created = observer.executions.get(key, 'created');
    if (created?.kind !== 'created' || created.parent === undefined) return [];
    const { executionId, taskRunId, index, waits } = created.parent;
    return [{ id: created.executionId, parentId: executionId, taskRunId, index, waits }];
  });
}

/** What a parent says of an execution that it started must be what that one came to. */
export function checkChild(child: ChildOf, observer: Observer): string[] {
  const parent = observer.head(child.parentId);
  const head = observer.head(child.id);
  const run = observer.runs(child.parentId).find(({ id }) => id === child.taskRunId);
  // The task run went with its round, or with a restart; the execution stays.
  if (head && parent && !run && (parent.removed ?? 0) > 0) return [];
  if (!parent || !head || !run) return [`${child.id} was started by a task run that is not there`];
  if (!child.waits || wasStopped(run) || wasForced(run)) return [];
  if (child.index !== undefined) return checkItems(run, child, observer);
  if (run.childExecutionId !== child.id) return [];
  const told = run.outputs?.['state'];
  return told === head.state ? [] : [`${child.id} ended ${head.state}, but its parent was told ${String(told)}`];
}

/** It was not waiting any more. */
const wasStopped = ({ histories, state }: TaskRun): boolean =>
  state === 'KILLED' || histories.some((change) => change.state === 'KILLING');

/** A block around it ended first, and with it what it had started. */
const wasForced = ({ state, outputs, items }: TaskRun): boolean =>
  state === 'FAILED' &&
  (items === undefined
    ? outputs?.['state'] === undefined
    : items.started > Object.values(items.ended).reduce((sum: number, count) => sum + count, 0));

/** Counted anew by the states of the executions. */
function checkItems(run: TaskRun, { index }: ChildOf, observer: Observer): string[] {
  if (index !== 0 || wasForced(run)) return [];
  const counted: Record<string, number> = {};
  for (const other of childrenIn(observer)) {
    if (other.taskRunId !== run.id) continue;
    const state = observer.head(other.id)?.state ?? 'nothing';
    counted[state] = (counted[state] ?? 0) + 1;
  }
  const iterations = Object.entries((run.outputs?.['iterations'] ?? {}) as Readonly<Record<string, number>>);
  const told = iterations.filter(([, count]) => count > 0);
  // Without `transmitFailed` all count as good ones.
  const total = told.reduce((sum, [, count]) => sum + count, 0);
  const all = Object.values(counted).reduce((sum, count) => sum + count, 0);
  if (total !== all) return [`${run.taskId} counts ${total} executions, but started ${all}`];
  const plain = JSON.stringify(Object.fromEntries(told.sort()));
  const recount = JSON.stringify(Object.fromEntries(Object.entries(counted).sort()));
  const untold = JSON.stringify({ SUCCESS: all });
  return plain === recount || plain === untold ? [] : [`${run.taskId} counts ${plain}, but they are ${recount}`];
}

/** A kill that was acknowledged while the parent ran reaches what it started. */
export function checkCascade(child: ChildOf, parent: ExecutionHead, head: ExecutionHead): string[] {
  const killing = parent.histories.find(({ state }) => state === 'KILLING')?.date;
  const end = head.histories.at(-1);
  if (killing === undefined || end === undefined || head.state === 'KILLED') return [];
  // It may have ended while the kill was under way.
  const began = head.histories[0]?.date ?? 0;
  return end.date - Math.max(killing, began) > KILL_TAKES_MS
    ? [`${child.id} ran on for ${end.date - killing} ms after its parent was killed`]
    : [];
}

/** Longer than any stall, take-over and lost worker together. */
const KILL_TAKES_MS = 120_000;

const STARTED = new Set(['RUNNING', 'RETRYING', 'PAUSED']);

/** Counts, commit by commit, how many executions of a flow run at a time. */
export function watchLimits(scenario: Scenario, executions: Observer['executions'], violation: (text: string) => void) {
  const limits = new Map(
    scenario.flows.flatMap(({ id, definition }) =>
      definition.concurrency === undefined ? [] : [[id, definition.concurrency.limit] as const],
    ),
  );
  const running = new Map<string, Set<string>>();
  executions.onChange(({ key, value }) => {
    if (value?.kind !== 'head') return;
    const limit = limits.get(value.flowId);
    if (limit === undefined) return;
    const held = running.get(value.flowId) ?? new Set();
    running.set(value.flowId, held);
    if (isRunning(value)) held.add(key);
    else held.delete(key);
    if (held.size > limit) {
      violation(`${held.size} executions of '${value.flowId}' run at a time, and ${limit} may`);
    }
  });
}

/** It has begun, and what comes after it has not ended. */
const isRunning = ({ histories, progress }: ExecutionHead): boolean =>
  progress.section !== 'ended' && histories.some(({ state }) => STARTED.has(state));

/** When all have ended nobody holds a slot, and nobody waits for one. */
export const checkSlots = (flowState: View<FlowRecord>): string[] =>
  [...flowState.keys()].flatMap((key) =>
    [...flowState.records(key).values()].flatMap((record) =>
      record.kind === 'slots' ? [] : [`${record.executionId} is still a ${record.kind} of a slot of ${key}`],
    ),
  );

export const isKnown = (key: string, known: ReadonlySet<string>, children: readonly ChildOf[]): boolean =>
  known.has(key) ||
  children.some(({ id, parentId }) => keyOf(TENANT, id) === key && known.has(keyOf(TENANT, parentId)));
