import type { PlainObject, State } from '@millrace/model';

/** Which executions of the tenant are meant: those that fit all that is given. */
export interface ExecutionSelection {
  /** With `flowId` this namespace, else its children too. */
  readonly namespace?: string;
  readonly flowId?: string;
  readonly states?: readonly State[];
  /** Started not before, in milliseconds since the epoch. */
  readonly from?: number;
  /** Started before, in milliseconds since the epoch. */
  readonly before?: number;
}

/** What is removed of an execution. */
export interface ExecutionPurge {
  readonly execution: boolean;
  readonly logs: boolean;
  readonly metrics: boolean;
  readonly storage: boolean;
}

/** How much was removed. */
export interface PurgedExecutions {
  readonly executions: number;
  readonly logs: number;
  readonly metrics: number;
  /** Files. */
  readonly storages: number;
}

/** Executions of the tenant. */
export interface TaskExecutions {
  count(selection: ExecutionSelection): Promise<number>;
  /** Ids, the newest first. @param limit at most */
  find(selection: ExecutionSelection, limit: number): Promise<readonly string[]>;
  /**
   * Resumes a paused execution. @param given values of the `onResume` inputs
   * @throws an error with a sentence when it is unknown, is not paused or the values are not valid
   */
  resume(executionId: string, given: PlainObject): Promise<void>;
  /** Removes what ended executions left behind, `batchSize` executions after the other. */
  purge(selection: ExecutionSelection, what: ExecutionPurge, batchSize: number): Promise<PurgedExecutions>;
}
