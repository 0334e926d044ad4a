import type { TaskRun } from '@millrace/model';
import type { Decision } from '../decision.js';
import type { TaskPlan } from '../plan.js';

/** A task run that is about to start executions. */
export interface Starting {
  readonly decision: Decision;
  readonly task: TaskPlan;
  readonly run: TaskRun;
  /** Number of the attempt that begins. */
  readonly attempt: number;
  /** Ends the attempt at once. */
  fail(message: string): void;
  /** Asks a worker for the values of the task's expressions; `start` is called again when they are there. */
  evaluate(): void;
}

/** A task type that starts executions: decided by the executor, and without children of its own. */
export interface Executable {
  start(starting: Starting): void;
}
