import { NO_PROGRESS, type PlainObject, type State, type TaskRun } from '@millrace/model';
import type { Decision } from './decision.js';
import { exitExecution } from './exit.js';
import { endOwner, stateOf } from './owner.js';

/**
 * A PAUSED Pause goes on: with its old `tasks`, if it has some, else it ends in `state`. With `outputs` somebody has
 * resumed it.
 */
export function resumeTaskRun(
  decision: Decision,
  run: TaskRun,
  state: 'SUCCESS' | 'WARNING' | 'FAILED',
  outputs?: PlainObject,
): void {
  const task = decision.taskOf(run);
  if (outputs) decision.fact({ kind: 'outputs-set', taskRunId: run.id, outputs });
  restartExecution(decision);
  const isOpen = (run.progress?.openLanes ?? 0) > 0;
  const children = state === 'SUCCESS' && task.lists.tasks.length > 0;
  const lists = task.lists.finally.length > 0 || (state === 'FAILED' && task.lists.errors.length > 0);
  if (!isOpen && !children && !lists) {
    // Without a say of its own it is as `onPause` was.
    return endOwner(decision, run, task, state === 'SUCCESS' ? stateOf(run.progress ?? NO_PROGRESS) : state);
  }
  decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now });
  if (children) decision.fact({ kind: 'lanes-added', taskRunId: run.id, count: 1 });
  if (state === 'SUCCESS') return decision.then({ kind: 'advance', owner: run.id });
  decision.fact({ kind: 'task-run-end-decided', taskRunId: run.id, state });
  // What `onPause` does is not cut off: its end is what goes on then.
  if (!isOpen) decision.then({ kind: 'leave', taskRunId: run.id });
}

/** The last paused task run goes on: the execution was RESTARTED before it is RUNNING (spec executions.md §7). */
function restartExecution(decision: Decision): void {
  const { state, paused, hold } = decision.view.head;
  decision.fact({ kind: 'attempt-counted' });
  if (state === 'PAUSED' && paused === 1 && hold?.active !== true) {
    decision.fact({ kind: 'execution-moved', to: 'RESTARTED', at: decision.now });
  }
}

/** Nobody resumed it in time. */
export function pauseExpired(decision: Decision, run: TaskRun): void {
  const task = decision.taskOf(run);
  const becomes: State = run.onExpiry ?? 'RUNNING';
  switch (becomes) {
    case 'FAILED':
      decision.log(run, task, 1, 'ERROR', `'${task.id}' was not resumed in time.`);
      return resumeTaskRun(decision, run, 'FAILED');
    case 'WARNING':
      decision.log(run, task, 1, 'WARN', `'${task.id}' was not resumed in time.`);
      return resumeTaskRun(decision, run, 'WARNING');
    case 'CANCELLED':
      decision.log(run, task, 1, 'WARN', `'${task.id}' was not resumed in time: the execution is cancelled.`);
      return exitExecution(decision, run, 'CANCELLED');
    default:
      return resumeTaskRun(decision, run, 'SUCCESS');
  }
}
