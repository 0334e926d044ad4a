import type { ChildExecutionEnded, PlainObject, State, TaskRun } from '@millrace/model';
import { countedAttempts, isOpen, placeOf, sentence, type Decision } from '../decision.js';
import { endAttempt, type EndedAttempt } from '../end-task-run.js';
import type { TaskPlan } from '../plan.js';
import { isPure, needsWorker } from '../rendering.js';
import {
  childExecutionId,
  childExpressions,
  isWaiting,
  restartsFailed,
  transmitsFailed,
  wantedChild,
} from './child-execution.js';
import type { Executable, Starting } from './executable.js';

/**
 * Subflow: one execution of another flow. With `wait` the task run is RUNNING until that one has ended with all that comes
 * after it; without, until it exists, so that a flow that is missing or disabled fails the task.
 */
export const subflow: Executable = { start };

function start(starting: Starting): void {
  const { decision, task, run, attempt } = starting;
  if (run.state === 'RESTARTED' && run.childExecutionId !== undefined && restartsFailed(task)) {
    begin(starting, run.childExecutionId);
    return restartChild(decision, task, run.id, run.childExecutionId, attempt);
  }
  const expressions = childExpressions(task);
  if (!run.evaluated && !isPure(expressions)) return starting.evaluate();
  const executionId = childExecutionId(decision.context.placement ?? 0, run.id, attempt);
  let event;
  try {
    const place = placeOf(run);
    const rendered = run.evaluated ?? (decision.rendering(task, place, attempt - 1).typed(expressions) as PlainObject);
    event = wantedChild(decision, task, place, rendered, { executionId });
    checkSize(decision, task, event);
  } catch (error) {
    if (needsWorker(error)) return starting.evaluate();
    return starting.fail(sentence(error));
  }
  begin(starting, executionId);
  decision.effect({ kind: 'send-event', event });
}

function begin({ decision, run }: Starting, executionId: string): void {
  decision.fact(
    { kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now },
    { kind: 'attempt-opened', taskRunId: run.id, at: decision.now },
    { kind: 'child-started', taskRunId: run.id, childExecutionId: executionId },
    { kind: 'outputs-set', taskRunId: run.id, outputs: { executionId } },
  );
}

/** Restarts an execution that had failed; its task run is told when there is nothing to restart. */
export function restartChild(
  decision: Decision,
  task: TaskPlan,
  taskRunId: string,
  executionId: string,
  attempt: number,
  index?: number,
): void {
  const { tenant, executionId: parentId } = decision.view.head;
  decision.effect({
    kind: 'send-event',
    event: {
      kind: 'operation-requested',
      tenant,
      executionId,
      commandId: childExecutionId(0, taskRunId, attempt, index),
      at: decision.now,
      operation: { kind: 'restart' },
      parent: {
        executionId: parentId,
        taskRunId,
        ...(index === undefined ? {} : { index }),
        waits: isWaiting(task),
      },
    },
  });
}

/** @throws Error when the event would not fit into a record */
export function checkSize(decision: Decision, task: TaskPlan, event: object): void {
  const size = JSON.stringify(event).length;
  const { jobBytes } = decision.context.limits;
  if (size <= jobBytes) return;
  throw new Error(
    `What '${task.id}' gives to the execution that it starts has ${size} characters, and at most ${jobBytes} are allowed: pass a file.`,
  );
}

/** Step of the parent: an execution that a Subflow started has ended, exists, or was refused. */
export function subflowEnded(decision: Decision, run: TaskRun, event: ChildExecutionEnded): void {
  if (!isOpen(run) || run.state !== 'RUNNING' || event.childId !== run.childExecutionId) return;
  const task = decision.taskOf(run);
  if (event.refusal !== undefined) decision.log(run, task, run.attempts.length, 'ERROR', event.refusal);
  const outputs = outputsOf(run, task, event);
  endAttempt(decision, task, {
    id: run.id,
    ...(run.parentId === undefined ? {} : { parentId: run.parentId }),
    attempts: countedAttempts(run),
    firstStart: run.attempts[0]?.histories[0]?.date ?? decision.now,
    state: event.refusal === undefined ? transmitted(task, event.state) : 'FAILED',
    ...(outputs === undefined ? {} : { outputs }),
  });
}

function outputsOf(
  run: TaskRun,
  task: TaskPlan,
  { state, outputs, refusal }: ChildExecutionEnded,
): PlainObject | undefined {
  // What was never created has no id.
  if (refusal !== undefined) return {};
  if (!isWaiting(task)) return undefined;
  return { executionId: run.childExecutionId, state, ...(outputs === undefined ? {} : { outputs }) };
}

/** The state of the task run by that of the execution (spec executions.md §9). */
export function transmitted(task: TaskPlan, state: State): EndedAttempt['state'] {
  if (!isWaiting(task) || !transmitsFailed(task)) return 'SUCCESS';
  return state === 'FAILED' || state === 'KILLED' || state === 'WARNING' ? state : 'SUCCESS';
}
