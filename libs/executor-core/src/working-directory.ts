import { isTerminal, type JobOutcome, type JobProgressed, type TaskRun } from '@millrace/model';
import { countedAttempts, type Decision } from './decision.js';
import { closeTaskRun, scheduleRetry, softened, stopChildren } from './end-task-run.js';
import type { TaskPlan } from './plan.js';
import { childId, WORKING_DIRECTORY, workerChildren } from './working-directory-job.js';

export const isWorkingDirectory = (run: TaskRun, decision: Decision): boolean =>
  decision.taskOf(run).type === WORKING_DIRECTORY;

/** True when a worker has told of a child already. */
export const hasWorkerChildren = (decision: Decision, run: TaskRun): boolean =>
  workerChildren(decision, decision.taskOf(run), run).length > 0;

/** A child of the current attempt has begun, is tried again, or has ended. */
export function childProgressed(decision: Decision, run: TaskRun, { child, instance }: JobProgressed): void {
  const task = decision.taskOf(run).lists.tasks[child.index];
  if (!task || childId(decision, task, run.id, run.childGeneration ?? -1) !== child.taskRunId) return;
  const existing = decision.view.run(child.taskRunId);
  if (existing ? isTerminal(existing.state) : decision.isStopping) return;
  if (!existing) createChild(decision, run, task, child, instance);
  if (child.state === 'RUNNING') {
    if (existing && child.attempt > existing.attempts.length) openNextAttempt(decision, existing, instance);
    return;
  }
  endChild(decision, task, child);
}

type Child = JobProgressed['child'];

function createChild(decision: Decision, run: TaskRun, task: TaskPlan, child: Child, instance: string): void {
  decision.nextSequence();
  const { taskRunId: id, index } = child;
  decision.fact(
    {
      kind: 'task-run-created',
      run: { id, taskId: task.id, section: 'tasks', lane: 0, index, parentId: run.id, at: decision.now, owner: false },
    },
    ...(child.state === 'SKIPPED'
      ? []
      : [{ kind: 'task-run-moved', taskRunId: id, to: 'RUNNING', at: decision.now } as const]),
    { kind: 'attempt-opened', taskRunId: id, at: decision.now, workerId: instance },
  );
}

function openNextAttempt(decision: Decision, { id }: TaskRun, instance: string): void {
  decision.fact(
    { kind: 'attempt-closed', taskRunId: id, state: 'FAILED', at: decision.now },
    { kind: 'attempt-opened', taskRunId: id, at: decision.now, workerId: instance },
  );
}

function endChild(decision: Decision, task: TaskPlan, { taskRunId, state, attempt, outputs, logFile }: Child): void {
  if (outputs) decision.fact({ kind: 'outputs-set', taskRunId, outputs });
  const retried = attempt > 1 && task.definition.retry?.warningOnRetry === true && state === 'SUCCESS';
  decision.fact(
    {
      kind: 'attempt-closed',
      taskRunId,
      state,
      at: decision.now,
      ...(logFile === undefined ? {} : { logFile }),
    },
    { kind: 'task-run-moved', taskRunId, to: softened(task, retried ? 'WARNING' : state), at: decision.now },
  );
}

/**
 * The list that the worker ran has ended: the task is tried again from the start, or `errors` and `finally` follow as
 * ordinary task runs. Children that the worker left open take the state of the whole.
 *
 * @param then `ends`: it is not tried again
 */
export function endWorkingDirectory(
  decision: Decision,
  run: TaskRun,
  outcome: JobOutcome,
  then: 'retries' | 'ends',
): void {
  const task = decision.taskOf(run);
  const { outputs, logFile } = outcome;
  const state = decision.isStopping ? 'KILLED' : outcome.state;
  if (outputs) decision.fact({ kind: 'outputs-set', taskRunId: run.id, outputs });
  if (state === 'KILLED' || state === 'SKIPPED') return closeTaskRun(decision, run, task, state);
  stopChildren(decision, run.id, state);
  decision.fact({
    kind: 'attempt-closed',
    taskRunId: run.id,
    state,
    at: decision.now,
    ...(logFile === undefined ? {} : { logFile }),
  });
  const firstStart = run.attempts[0]?.histories[0]?.date ?? decision.now;
  const ended = { id: run.id, attempts: countedAttempts(run), firstStart };
  if (state === 'FAILED' && then === 'retries' && scheduleRetry(decision, task, ended)) return;
  decision.then({ kind: 'advance', owner: run.id });
}
