import type { LogLevel, PlainObject, State } from '@millrace/model';

/** The bodies of the REST API, as this client reads them (spec rest-api.md and executions.md §1). */

export interface StateAnswer {
  readonly current: State;
  readonly histories: readonly { readonly state: State; readonly date: string }[];
  readonly startDate?: string;
  readonly endDate?: string;
  /** ISO-8601; only when the state is terminal or paused. */
  readonly duration?: string;
}

export interface TaskRunAnswer {
  readonly id: string;
  readonly taskId: string;
  readonly parentTaskRunId?: string;
  readonly value?: string;
  readonly iteration?: number;
  readonly attempts?: readonly { readonly state: StateAnswer }[];
  readonly outputs?: PlainObject;
  readonly state: StateAnswer;
}

export interface ExecutionAnswer {
  readonly id: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly flowRevision: number;
  readonly inputs?: PlainObject;
  readonly outputs?: PlainObject;
  readonly labels?: readonly { readonly key: string; readonly value: string }[];
  readonly taskRunList?: readonly TaskRunAnswer[];
  readonly state: StateAnswer;
}

export interface LogAnswer {
  readonly executionId: string;
  readonly taskId?: string;
  readonly taskRunId?: string;
  readonly attemptNumber?: number;
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly message?: string;
}

export interface FlowAnswer {
  readonly namespace: string;
  readonly id: string;
  readonly revision: number;
  readonly disabled?: boolean;
  readonly deleted?: boolean;
  readonly description?: string;
  readonly source?: string;
}

export interface Page<Row> {
  readonly results: readonly Row[];
  readonly total: number;
}
