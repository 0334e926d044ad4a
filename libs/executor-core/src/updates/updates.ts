import type { PlainObject, TaskRun } from '@millrace/model';
import { sentence, type Decision } from '../decision.js';
import { exitExecution } from '../exit.js';
import type { Fact } from '../facts.js';
import type { TaskPlan } from '../plan.js';
import { exit } from './exit.js';
import { labels } from './labels.js';
import { setVariables, unsetVariables } from './variables.js';

/** States in which a task that changes the execution may end. */
export type UpdateState = 'SUCCESS' | 'WARNING' | 'FAILED' | 'CANCELLED' | 'KILLED';

/** What a task that changes the execution does. Throws with a sentence for the user when it cannot. */
export interface Update {
  readonly facts: readonly Fact[];
  /** The execution ends in this state. */
  readonly exit?: UpdateState;
}

/** A task type that changes the execution: a pure function of its rendered properties and of the execution. */
export type UpdateTask = (properties: PlainObject, decision: Decision) => Update;

/** Every task type that changes the execution, by the short form of its type. */
export const UPDATES: ReadonlyMap<string, UpdateTask> = new Map([
  ['core.execution.Exit', exit],
  ['core.execution.Labels', labels],
  ['core.execution.SetVariables', setVariables],
  ['core.execution.UnsetVariables', unsetVariables],
]);

/** Runs the task; answers the state of its attempt, and whether a retry would make sense. */
export function runUpdate(
  decision: Decision,
  task: TaskPlan,
  run: TaskRun,
  properties: () => PlainObject,
): { readonly state: UpdateState; readonly isFinal: boolean } {
  const update = UPDATES.get(task.type);
  if (!update) throw new Error(`Task type '${task.type}' does not change executions`);
  try {
    const { facts, exit: state } = update(properties(), decision);
    decision.fact(...facts);
    if (state === undefined) return { state: 'SUCCESS', isFinal: true };
    exitExecution(decision, run, state);
    return { state, isFinal: true };
  } catch (error) {
    decision.log(run, task, run.attempts.length + 1, 'ERROR', sentence(error));
    return { state: 'FAILED', isFinal: false };
  }
}
