import { DEFAULT_GROUP, jobKey, type PlainObject, type Retry, type State, type TaskRun } from '@millrace/model';
import type { Decision } from './decision.js';
import type { TaskPlan } from './plan.js';
import { killChildrenOf } from './executables/kill-children.js';
import { nextRetry } from './retry.js';

/** An attempt that has ended; the task run may not be in the state yet (a task decided in the step that created it). */
export interface EndedAttempt {
  readonly id: string;
  readonly parentId?: string;
  /** Attempts so far, this one included; those lost with their worker do not count. Infinity: it is not tried again. */
  readonly attempts: number;
  readonly firstStart: number;
  readonly state: Extract<State, 'SUCCESS' | 'WARNING' | 'FAILED' | 'KILLED' | 'CANCELLED' | 'SKIPPED'>;
  readonly outputs?: PlainObject;
  /** URI of its log, when it went to a file. */
  readonly logFile?: string;
}

/** Closes an attempt; then the task run is tried again, or ends and its owner hears of it. */
export function endAttempt(decision: Decision, task: TaskPlan, ended: EndedAttempt): void {
  if (ended.outputs) decision.fact({ kind: 'outputs-set', taskRunId: ended.id, outputs: ended.outputs });
  decision.fact({
    kind: 'attempt-closed',
    taskRunId: ended.id,
    state: ended.state,
    at: decision.now,
    ...(ended.logFile === undefined ? {} : { logFile: ended.logFile }),
  });
  if (ended.state === 'FAILED' && !decision.isLeaving && scheduleRetry(decision, task, ended)) return;
  const retried = ended.attempts > 1 && task.retry?.warningOnRetry === true && ended.state === 'SUCCESS';
  moveToEnd(decision, ended, softened(task, retried ? 'WARNING' : ended.state));
}

/** True when the task run waits for another attempt now. */
export function scheduleRetry(decision: Decision, task: TaskPlan, ended: Omit<EndedAttempt, 'state'>): boolean {
  if (!task.retry || ended.attempts === Infinity) return false;
  if (task.retry.behavior === 'CREATE_NEW_EXECUTION') return scheduleExecution(decision, task.retry, ended);
  const { attempts, firstStart } = ended;
  const dueAt = nextRetry(task.retry, { attempts, firstStart, now: decision.now, seed: `${ended.id}/${attempts}` });
  if (dueAt === undefined) return false;
  decision.fact(
    { kind: 'task-run-moved', taskRunId: ended.id, to: 'FAILED', at: decision.now },
    { kind: 'task-run-moved', taskRunId: ended.id, to: 'RETRYING', at: decision.now },
    { kind: 'retry-scheduled', taskRunId: ended.id, dueAt },
  );
  return true;
}

/** The retry is a new execution: what was tried counts over the whole chain of them (spec executions.md §6). */
function scheduleExecution(decision: Decision, retry: Retry, { id }: Pick<EndedAttempt, 'id'>): boolean {
  const { created, head } = decision.view;
  const attempts = head.attemptNumber;
  const firstStart = created.originalCreatedAt ?? head.histories[0]?.date ?? decision.now;
  const seed = `${head.executionId}/${attempts}`;
  const dueAt = nextRetry(retry, { attempts, firstStart, now: decision.now, seed });
  if (dueAt === undefined) return false;
  decision.fact(
    { kind: 'task-run-moved', taskRunId: id, to: 'FAILED', at: decision.now },
    { kind: 'task-run-moved', taskRunId: id, to: 'RETRIED', at: decision.now },
  );
  decision.then({ kind: 'retry-as-execution', taskRunId: id, dueAt });
  return true;
}

/** `allowFailure` and `allowWarning` (spec flow.md §2). */
export function softened(task: TaskPlan, state: State): State {
  const allowed = state === 'FAILED' && task.allowFailure ? 'WARNING' : state;
  return allowed === 'WARNING' && task.allowWarning ? 'SUCCESS' : allowed;
}

function moveToEnd(decision: Decision, run: { readonly id: string; readonly parentId?: string }, state: State): void {
  decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: state, at: decision.now });
  decision.then({ kind: 'child-ended', owner: run.parentId, taskRunId: run.id });
}

/** Ends a task run with children; what of it still runs is stopped and takes its state. */
export function closeTaskRun(decision: Decision, run: TaskRun, task: TaskPlan, state: State): void {
  const final = softened(task, state);
  stopChildren(decision, run.id, final);
  // Without an attempt there may be the claim of a job that evaluates its expressions; a worker's attempt is closed already.
  if (run.attempts.at(-1)?.state === 'RUNNING' || run.claim !== undefined) {
    decision.fact({ kind: 'attempt-closed', taskRunId: run.id, state: final, at: decision.now });
  }
  moveToEnd(decision, run, final);
}

/** Ends everything below an owner with `state`; jobs are taken back or their workers told to stop. */
export function stopChildren(decision: Decision, owner: string | undefined, state: State): void {
  for (const child of decision.view.activeChildren(owner)) {
    if (child.progress) stopChildren(decision, child.id, state);
    stopTaskRun(decision, child, state);
  }
}

/** Ends one task run from outside: nobody waits for what it would have answered. */
export function stopTaskRun(decision: Decision, run: TaskRun, state: State): void {
  withdrawJob(decision, run);
  // A kill decides by itself whether it cascades.
  if (!decision.isStopping) killChildrenOf(decision, run);
  // A job that evaluates expressions is claimed and has no attempt; its claim is released all the same.
  if (run.claim !== undefined || run.attempts.at(-1)?.state === 'RUNNING') {
    decision.fact({ kind: 'attempt-closed', taskRunId: run.id, state, at: decision.now });
  }
  decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: state, at: decision.now });
}

/** Takes back the job of a task run, or tells the worker that has it to stop. */
export function withdrawJob(decision: Decision, run: TaskRun): void {
  const { tenant, executionId } = decision.view.head;
  if (run.claim) {
    const { instance, token } = run.claim;
    const attempt = run.evaluating ? evaluationAttempt(run) : run.attempts.length;
    decision.effect({
      kind: 'command-worker',
      instance,
      command: { kind: 'kill-job', tenant, executionId, taskRunId: run.id, attempt, token },
    });
  } else if (run.state === 'SUBMITTED' && run.awaitsWorker !== true) {
    const { workerGroup: group = DEFAULT_GROUP } = run;
    decision.effect({
      kind: 'cancel-job',
      group,
      key: jobKey({ tenant, taskRunId: run.id, attempt: nextAttempt(run) }),
    });
  }
}

/** Jobs that only evaluate expressions are not attempts: 0 for the first of a task run, then -1, -2 and so on. */
export const evaluationAttempt = ({ evaluations = 0 }: Pick<TaskRun, 'evaluations'>): number => 0 - evaluations;

/** The number of the attempt that a new job of the task run is for. */
export const nextAttempt = (run: Pick<TaskRun, 'evaluating' | 'attempts' | 'evaluations'>): number =>
  run.evaluating ? evaluationAttempt(run) : run.attempts.length + 1;
