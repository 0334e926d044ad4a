import type { ExecutionHead, Progress, TaskRun } from '@millrace/model';
import type { OwnerId } from './facts.js';
import type { ExecutionState } from './state.js';

// Replacing records of an execution: for ./evolve.ts and what it is made of, and for nobody else.

/** `undefined` takes a property away. */
export type Change<Value> = { readonly [Name in keyof Value]?: Value[Name] | undefined };

/** One copy; a property is deleted only when it is there, as that makes every later read of the record slower. */
function revised<Value extends { readonly revision: number }>(value: Value, change: Change<Value>): Value {
  const result: { -readonly [Name in keyof Value]?: Value[Name] | undefined } = {
    ...value,
    revision: value.revision + 1,
  };
  for (const name in change) {
    const given = change[name];
    if (given !== undefined) result[name] = given;
    else if (result[name] !== undefined) delete result[name];
  }
  return result as Value;
}

/** Replaces the head. */
export function changeHead(state: ExecutionState, change: Change<ExecutionHead>): void {
  state.putHead(revised(state.head, change));
}

/** @throws when there is none: a bug of the engine */
export function existing(state: ExecutionState, taskRunId: string): TaskRun {
  const run = state.run(taskRunId);
  if (!run) throw new Error(`The execution has no task run '${taskRunId}'`);
  return run;
}

/** Replaces a task run. */
export function changeRun(state: ExecutionState, taskRunId: string, change: (run: TaskRun) => Change<TaskRun>): void {
  const run = existing(state, taskRunId);
  state.putRun(revised(run, change(run)));
}

/** Replaces the progress of an owner. */
export function changeProgress(state: ExecutionState, owner: OwnerId, change: (progress: Progress) => Progress): void {
  const progress = change(state.progress(owner));
  if (owner === undefined) changeHead(state, { progress });
  else changeRun(state, owner, () => ({ progress }));
}
