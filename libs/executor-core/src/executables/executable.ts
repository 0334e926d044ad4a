import type { PlainObject } from '@millrace/model';
import type { Decision, TaskRunPlace } from '../decision.js';
import type { TaskPlan } from '../plan.js';

/** A task run that is about to start executions; its record may not be in the state yet. */
export interface Starting {
  readonly decision: Decision;
  readonly task: TaskPlan;
  readonly place: TaskRunPlace;
  /** Number of the attempt that begins. */
  readonly attempt: number;
  /** What a worker found for the expressions that were asked for. */
  readonly evaluated: PlainObject | undefined;
  /** Ends the attempt at once. */
  fail(message: string): void;
  /** Asks a worker for values; `start` is called again when they are there. */
  evaluate(expressions: PlainObject): void;
}

/** A task type that starts executions: decided by the executor, and without children of its own. */
export interface Executable {
  start(starting: Starting): void;
}
