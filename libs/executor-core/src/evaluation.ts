import type { PlainObject, TaskRun } from '@millrace/model';
import { countedAttempts, placeOf, type Decision } from './decision.js';
import { closeTaskRun, endAttempt, evaluationAttempt } from './end-task-run.js';
import { EXECUTABLES } from './executables/executables.js';
import { exitExecution } from './exit.js';
import { jobFor, tooLargeForJob } from './jobs.js';
import { chooseGroup, handOver } from './worker-groups.js';
import type { TaskPlan } from './plan.js';

/** Properties that are written down, by name. */
export function expressionsOf(task: TaskPlan, names: readonly string[]): PlainObject {
  const wanted = names.filter((name) => task.definition[name] !== undefined);
  return Object.fromEntries(wanted.map((name) => [name, task.definition[name]]));
}

/** Asks a worker for the values of expressions that need what an executor must not touch. */
export function requestEvaluation(decision: Decision, task: TaskPlan, run: TaskRun, expressions: PlainObject): void {
  const variables = decision.rendering(task, placeOf(run), 0).variablesFor(expressions);
  const tooLarge = tooLargeForJob(decision, task, variables);
  if (tooLarge !== undefined) {
    decision.log(run, task, 1, 'ERROR', tooLarge);
    return endEvaluation(decision, run, 'FAILED');
  }
  const chosen = chooseGroup(decision, task, placeOf(run), 0);
  if (chosen.kind === 'ends') {
    decision.log(run, task, 1, chosen.state === 'FAILED' ? 'ERROR' : 'WARN', chosen.message);
    if (chosen.state === 'CANCELLED') exitExecution(decision, run, 'CANCELLED');
    return endEvaluation(decision, run, chosen.state, chosen.isFinal);
  }
  if (!run.evaluating) {
    decision.fact(
      { kind: 'evaluation-requested', taskRunId: run.id },
      { kind: 'task-run-moved', taskRunId: run.id, to: 'SUBMITTED', at: decision.now },
    );
  }
  const evaluations = run.evaluating ? run.evaluations : run.evaluations === undefined ? 0 : run.evaluations + 1;
  handOver(
    decision,
    {
      ...jobFor(decision, task, run),
      attempt: evaluationAttempt(evaluations === undefined ? {} : { evaluations }),
      kind: 'evaluate',
      task: { id: task.id, type: task.definition.type },
      expressions,
      variables,
      resubmits: run.resubmits ?? 0,
    },
    chosen,
  );
}

/**
 * Expressions could not be evaluated. A task that has no children yet ends; its retry is for those. `isFinal`: it is not
 * tried again.
 */
export function endEvaluation(
  decision: Decision,
  run: TaskRun,
  state: 'FAILED' | 'KILLED' | 'CANCELLED',
  isFinal = false,
): void {
  if (EXECUTABLES.has(decision.taskOf(run).type)) return endExecutable(decision, run, state, isFinal);
  const entered = run.lanes !== undefined;
  if (entered && state === 'FAILED') {
    decision.fact(
      { kind: 'evaluated', taskRunId: run.id, values: {} },
      { kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now },
      { kind: 'task-run-end-decided', taskRunId: run.id, state: 'FAILED' },
    );
    return decision.then({ kind: 'leave', taskRunId: run.id });
  }
  if (!entered) {
    decision.fact({ kind: 'attempt-opened', taskRunId: run.id, at: decision.now });
    // Nobody had the job: closing the task run would see neither a claim nor the attempt that was only just opened.
    if (run.claim === undefined) {
      decision.fact({ kind: 'attempt-closed', taskRunId: run.id, state, at: decision.now });
    }
  }
  closeTaskRun(decision, run, decision.taskOf(run), state);
}

/** One that starts executions is tried again like a task for a worker. */
function endExecutable(
  decision: Decision,
  run: TaskRun,
  state: 'FAILED' | 'KILLED' | 'CANCELLED',
  isFinal: boolean,
): void {
  const opened = run.attempts.at(-1)?.state === 'RUNNING';
  if (!opened) decision.fact({ kind: 'attempt-opened', taskRunId: run.id, at: decision.now });
  endAttempt(decision, decision.taskOf(run), {
    id: run.id,
    ...(run.parentId === undefined ? {} : { parentId: run.parentId }),
    attempts: isFinal ? Infinity : countedAttempts(run) + (opened ? 0 : 1),
    firstStart: run.attempts[0]?.histories[0]?.date ?? decision.now,
    state,
  });
}
