import type { ExecutionCreated } from './execution.js';
import type { Label } from './flow.js';
import type { PlainObject } from './json.js';
import type { JobOutcome } from './job.js';

/** Everything that can move an execution: the records of the topic `execution-events`. Past tense: it has happened. */
export type ExecutionEvent =
  ExecutionRequested | KillRequested | JobClaimed | JobEnded | JobHandedBack | InstanceLost | Continued;

/** Somebody asked for an execution; its id was made by whoever asked. A repeat changes nothing. */
export interface ExecutionRequested {
  readonly kind: 'execution-requested';
  readonly created: ExecutionCreated;
  readonly variables: PlainObject;
  readonly labels: readonly Label[];
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface KillRequested {
  readonly kind: 'kill-requested';
  readonly tenant: string;
  readonly executionId: string;
  /** Who asked, for the log. */
  readonly by?: string;
}

/** A worker took a job. The newest claim of the current attempt holds. */
export interface JobClaimed {
  readonly kind: 'job-claimed';
  readonly tenant: string;
  readonly executionId: string;
  readonly taskRunId: string;
  readonly attempt: number;
  readonly token: string;
  readonly instance: string;
  readonly at: number;
}

/** A worker's answer. Counts only when task run, attempt and token are current. */
export interface JobEnded {
  readonly kind: 'job-ended';
  readonly tenant: string;
  readonly executionId: string;
  readonly taskRunId: string;
  readonly attempt: number;
  readonly token: string;
  readonly instance: string;
  readonly outcome: JobOutcome;
  readonly at: number;
}

/** A worker that stops gives a job back unfinished; not counted as a loss. */
export interface JobHandedBack {
  readonly kind: 'job-handed-back';
  readonly tenant: string;
  readonly executionId: string;
  readonly taskRunId: string;
  readonly attempt: number;
  readonly token: string;
}

/**
 * A server instance is gone for good. Broadcast by the liveness processor to every partition; each partition turns it
 * into one event for each execution that has jobs there (then `executionId` is set).
 */
export interface InstanceLost {
  readonly kind: 'instance-lost';
  readonly instance: string;
  readonly tenant?: string;
  readonly executionId?: string;
}

/** What was left to decide when the shell yielded (protocols.md part 1.5): goes on in turn with other executions. */
export interface Continued {
  readonly kind: 'continued';
  readonly tenant: string;
  readonly executionId: string;
  readonly pending: readonly unknown[];
}
