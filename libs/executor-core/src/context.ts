import type { InlineContext, InlineResult, PlainObject, WorkerGroupWish } from '@millrace/model';
import type { FlowPlan } from './plan.js';

/**
 * A task type that is a pure function of its rendered properties. Checks them against its schema itself.
 * @throws an error whose message is for the user when they do not fit
 */
export type InlineTask = (properties: PlainObject, context: InlineContext) => InlineResult;

/** Totals that only a runaway flow reaches; each fails the execution with a sentence. */
export interface ExecutionLimits {
  readonly taskRuns: number;
  /** Of one task run's outputs, and of the flow's, in characters of JSON. */
  readonly outputBytes: number;
  /** Of the variables that one job carries, in characters of JSON. */
  readonly jobBytes: number;
  /** How often a job is given out again after its worker was lost, before its task fails. */
  readonly resubmits: number;
  /** Executions of one ForEachItem that run at a time. */
  readonly itemsAtATime?: number;
}

export const DEFAULT_LIMITS: ExecutionLimits = {
  taskRuns: 200_000,
  outputBytes: 512 * 1024,
  jobBytes: 640 * 1024,
  resubmits: 3,
};

/** Of a worker group, for one tenant; `unknown` also when it is not available to the tenant. */
export type WorkerGroupStatus = 'unknown' | 'no-worker' | 'live';

/** What the shell looked up before a decision; decisions read nothing else besides the state and the event. */
export interface ExecutionContext {
  /** Milliseconds since the epoch; never goes back within a partition. */
  readonly now: number;
  /** The cluster's: what is made is written in this format. Absent: the first. */
  readonly format?: number;
  /** The placement that executions get which are made now. Absent: the first. */
  readonly placement?: number;
  /** undefined when the revision is gone, which fails the execution. */
  readonly flow: FlowPlan | undefined;
  /** The flow, in this revision or the latest, limits its concurrent executions: each asks for a slot first. */
  readonly hasSlots?: boolean;
  /** undefined for task types that need a worker. */
  inlineTask(type: string): InlineTask | undefined;
  /** `envs`, `globals`, `kestra`: the same for every execution of this server. */
  readonly serverVariables: PlainObject;
  /** IANA name. */
  readonly timeZone: string;
  /** The installation is in maintenance mode: what would begin stays CREATED. Default: it is not. */
  readonly inMaintenance?: boolean;
  /** Results of expressions are rendered again until nothing changes. */
  readonly recursiveRendering?: boolean;
  /** Base64; SECRET inputs of executions that start here are stored encrypted with it. Absent: they are refused. */
  readonly encryptionKey?: string;
  /**
   * Whether a worker group is there for the tenant, and a worker of it is running. Absent: every group is live.
   */
  workerGroup?(tenant: string, key: string): WorkerGroupStatus;
  /** What the namespace, those above it and the tenant say of the worker group, the nearest first. Absent: nothing. */
  inheritedWorkerGroups?(tenant: string, namespace: string): readonly WorkerGroupWish[];
  /** The worker instance was declared lost, or has said good-bye. */
  isLost(instance: string): boolean;
  readonly limits: ExecutionLimits;
  /** Broken on purpose: only the simulation sets it, to show that its checks would notice. */
  readonly broken?: 'no-claim-token';
}
