import type { ExecutionCreated, ExecutionRecord, ExecutionTrigger, ParentTaskRun } from './execution.js';
import type { Label } from './flow.js';
import type { PlainObject } from './json.js';
import type { JobOutcome } from './job.js';
import type { State } from './states.js';

/** Everything that can move an execution: the records of the topic `execution-events`. Past tense: it has happened. */
export type ExecutionEvent =
  | ExecutionRequested
  | ExecutionWanted
  | KillRequested
  | OperationRequested
  | SnapshotPart
  | ChildExecutionEnded
  | SlotAnswered
  | JobClaimed
  | JobProgressed
  | JobEnded
  | JobHandedBack
  | InstanceLost
  | MaintenanceEnded
  | WorkersChanged
  | Continued;

/** Somebody asked for an execution; its id was made by whoever asked. A repeat changes nothing. */
export interface ExecutionRequested {
  readonly kind: 'execution-requested';
  readonly created: ExecutionCreated;
  readonly variables: PlainObject;
  readonly labels: readonly Label[];
  /** Why it is FAILED before anything runs: a check of the flow demands that. */
  readonly failedAtStart?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Another execution or a trigger wants an execution. Unlike `execution-requested` its inputs are not resolved yet: the
 * decision of the new execution's owner does that, with the flow that it looks up anyway, so whoever wants it needs to
 * know nothing of that flow. What is refused (no such flow, disabled, inputs not valid) is told to the waiting task run, or
 * becomes a FAILED execution when nobody waits.
 */
export interface ExecutionWanted {
  readonly kind: 'execution-wanted';
  readonly tenant: string;
  /** Derived by whoever wants it, so that a repeat changes nothing. */
  readonly executionId: string;
  readonly namespace: string;
  readonly flowId: string;
  /** Absent: the latest. */
  readonly flowRevision?: number;
  /** Values of inputs, rendered, not yet checked. Those that the flow does not declare are dropped with a warning. */
  readonly given: PlainObject;
  /** Win over the flow's labels. */
  readonly labels: readonly Label[];
  /** Lose against the flow's labels (`inheritLabels`). */
  readonly inheritedLabels?: readonly Label[];
  readonly trigger: ExecutionTrigger;
  /** The task run that waits for its end, or at least for the news that it was refused. */
  readonly parent?: ParentTaskRun;
  readonly executionKind?: 'TEST' | 'PLAYGROUND';
  /** Milliseconds since the epoch. */
  readonly scheduleDate?: number;
  /** How many executions started each other before this one. */
  readonly depth: number;
  /** What went wrong before it could start: the execution is created FAILED, with this sentence and without task runs. */
  readonly failure?: string;
  readonly at: number;
}

export interface KillRequested {
  readonly kind: 'kill-requested';
  readonly tenant: string;
  readonly executionId: string;
  /** Who asked, for the log. */
  readonly by?: string;
  /** Executions that it started are killed too. Default true. */
  readonly cascade?: boolean;
  /** What it is when everything has stopped (an SLA that was broken). Default KILLED. */
  readonly endsAs?: Extract<State, 'KILLED' | 'FAILED' | 'CANCELLED'>;
}

/** Somebody wants something of an execution that exists; answered on `replies` when `replyTo` is there. */
export interface OperationRequested {
  readonly kind: 'operation-requested';
  readonly tenant: string;
  readonly executionId: string;
  /** A repeat of the same id changes nothing. */
  readonly commandId: string;
  /** Server instance that waits for the reply. */
  readonly replyTo?: string;
  /** Who asked, for logs and outputs. */
  readonly by?: string;
  readonly at: number;
  readonly operation: ExecutionOperation;
  /** `restart` of an execution by the task run that started it, which is told when there is nothing to restart. */
  readonly parent?: ParentTaskRun;
}

/** What may be asked of an execution (spec executions.md §7). */
export type ExecutionOperation =
  | { readonly kind: 'pause' }
  /** `given`: values for the paused task's `onResume` inputs, not yet checked. Without `taskRunId` the first paused one. */
  | { readonly kind: 'resume'; readonly taskRunId?: string; readonly given: PlainObject }
  | { readonly kind: 'restart' }
  /** Of an execution that was made as a copy by `snapshot-part`s: goes on from this task run. */
  | { readonly kind: 'replay'; readonly taskRunId: string }
  | { readonly kind: 'change-task-run-state'; readonly taskRunId: string; readonly state: State }
  | { readonly kind: 'change-status'; readonly state: State }
  /** The labels that users see, all of them; labels of the system stay. */
  | { readonly kind: 'set-labels'; readonly labels: readonly Label[] }
  | { readonly kind: 'add-labels'; readonly labels: readonly Label[] }
  | { readonly kind: 'force-run' }
  | { readonly kind: 'unqueue'; readonly state: State }
  | { readonly kind: 'delete' }
  /**
   * Its records are written again as they are, for a reader that cannot ask the index for them; nothing of it changes. Only
   * from `SHOW_FORMAT` on. `after`: the record up to which that has been done.
   */
  | { readonly kind: 'show'; readonly after?: string };

/**
 * A part of the records of an execution, sent before the operation that needs them: those of a copy (replay), or of an
 * execution that has left the queue (restart). Used only while the key has no head; the part with the head is the last
 * one (protocols.md part 4.5).
 */
export interface SnapshotPart {
  readonly kind: 'snapshot-part';
  readonly tenant: string;
  readonly executionId: string;
  /**
   * The same in all parts of one snapshot, and in no other: two webservers may send one of the same execution at the same
   * time. Absent in parts that older versions sent.
   */
  readonly snapshot?: string;
  /** By record id. */
  readonly records: Readonly<Record<string, ExecutionRecord>>;
  /** The first one, with the record `created`: what another snapshot brought, that has not come to its end, goes. */
  readonly begins?: boolean;
  /** In the last one: how many records all parts have together. Without all of them it is not used. */
  readonly total?: number;
}

/**
 * An execution that a task run started has ended for good, or was refused. A task run that does not wait for the end hears
 * instead that the execution exists (CREATED).
 */
export interface ChildExecutionEnded {
  readonly kind: 'child-execution-ended';
  readonly tenant: string;
  /** The parent. */
  readonly executionId: string;
  readonly taskRunId: string;
  /** Its place among the executions of a ForEachItem. */
  readonly index?: number;
  /** The execution that was wanted; also when it has ended RETRIED and another took its place. */
  readonly childId: string;
  readonly state: State;
  readonly outputs?: PlainObject;
  /** Why there is no such execution. */
  readonly refusal?: string;
  readonly at: number;
}

/** What the flow's slots say to an execution that asked for one (protocols.md part 4.2). */
export interface SlotAnswered {
  readonly kind: 'slot-answered';
  readonly tenant: string;
  readonly executionId: string;
  /** The flow whose slot it is. */
  readonly namespace: string;
  readonly flowId: string;
  readonly answer: 'granted' | 'queued' | 'cancelled' | 'failed';
  /** Why, for the log. */
  readonly message?: string;
}

/** A worker tells of a child of the WorkingDirectory that it runs; counts like a result, under its attempt and token. */
export interface JobProgressed {
  readonly kind: 'job-progressed';
  readonly tenant: string;
  readonly executionId: string;
  /** The WorkingDirectory's. */
  readonly taskRunId: string;
  readonly attempt: number;
  readonly token: string;
  readonly instance: string;
  readonly child: {
    readonly taskRunId: string;
    readonly taskId: string;
    /** Place in the list of tasks. */
    readonly index: number;
    /** RUNNING: an attempt has begun; RUNNING again: the one before has failed and it is tried anew. */
    readonly state: Extract<State, 'RUNNING' | 'SUCCESS' | 'WARNING' | 'FAILED' | 'KILLED' | 'SKIPPED'>;
    /** 1 for the first. */
    readonly attempt: number;
    readonly outputs?: PlainObject;
    readonly logFile?: string;
  };
  readonly at: number;
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

/**
 * The installation left maintenance mode: executions that were created meanwhile begin. Broadcast; becomes one for each of
 * them, with its id.
 */
export interface MaintenanceEnded {
  readonly kind: 'maintenance-ended';
  readonly tenant?: string;
  readonly executionId?: string;
}

/**
 * Workers of a group have come, or the last one has gone. Broadcast by executors; each partition turns it into one event
 * for each execution that has jobs which nobody has taken (then `executionId` is set).
 */
export interface WorkersChanged {
  readonly kind: 'workers-changed';
  readonly group: string;
  readonly live: boolean;
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
