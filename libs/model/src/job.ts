import type { TaskDefinition, LogLevel } from './flow.js';
import type { PlainObject } from './json.js';
import type { State } from './states.js';

/** Work for a worker: a record of `jobs.<group>`. Carries all that is needed, so a worker never asks back. */
export interface Job {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly flowRevision: number;
  readonly executionId: string;
  readonly taskRunId: string;
  /** Order of creation of the task run within the execution: part of the sort key of its log entries. */
  readonly sequence: number;
  /** 1 for the first. */
  readonly attempt: number;
  /**
   * `run`: render the task's properties, run it. `evaluate`: only render `expressions`, which need what an executor
   * must not touch (files, secrets, the network), and answer with the values.
   */
  readonly kind: 'run' | 'evaluate';
  /** The task as the flow has it, plugin defaults applied, not rendered. */
  readonly task: TaskDefinition;
  /** `evaluate`: what to render, by property. */
  readonly expressions?: PlainObject;
  /** The variables that the task's expressions name, and no others. */
  readonly variables: PlainObject;
  /** Least level of log entries that are kept. */
  readonly logLevel: LogLevel;
  /** How often this attempt was given out again after its worker was lost. */
  readonly resubmits: number;
  /** A WorkingDirectory's tasks, plugin defaults applied, with the ids that their task runs get. */
  readonly children?: readonly { readonly taskRunId: string; readonly task: TaskDefinition }[];
  /** The values of the loops around the task run, outermost first: how outputs of its children are addressed. */
  readonly loopValues?: readonly string[];
}

/** The key of a job: a task run has at most one job at a time for each attempt. */
export const jobKey = (job: Pick<Job, 'tenant' | 'taskRunId' | 'attempt'>): string =>
  `${encodeURIComponent(job.tenant)}/${job.taskRunId}/${job.attempt}`;

/** How a job ended. */
export interface JobOutcome {
  /** SKIPPED only when `runIf` had to be evaluated by the worker. */
  readonly state: Extract<State, 'SUCCESS' | 'WARNING' | 'FAILED' | 'KILLED' | 'SKIPPED'>;
  readonly outputs?: PlainObject;
  /** What went wrong, in one sentence; also in the task run's log. */
  readonly error?: string;
  /** `evaluate`: the rendered values, by property. */
  readonly evaluated?: PlainObject;
  /** URI of the attempt's log, when it went to a file. */
  readonly logFile?: string;
}

/** What a worker is told on `worker-commands`; the key of the record is the instance, or the group for all of them. */
export type WorkerCommand =
  | {
      /** Stop one attempt: killed, forced by its parent, or no longer current. `token` absent: whoever runs it. */
      readonly kind: 'kill-job';
      readonly tenant: string;
      readonly executionId: string;
      readonly taskRunId: string;
      readonly attempt: number;
      readonly token?: string;
    }
  | { readonly kind: 'drain'; readonly instance: string };
