import type { Label } from './flow.js';
import type { PlainObject } from './json.js';
import type { State, StateChange } from './states.js';

/**
 * The state of one execution is a set of small records (architecture.md part 1), so that an event writes only what it
 * touched: `created` and `values` are written once, `variables` when they change, `head` and one record per task run
 * with each step. All are immutable values, replaced and never changed.
 */
export type ExecutionRecord =
  | ExecutionCreated
  | ExecutionVariables
  | ExecutionHead
  | TaskRun
  | LoopValues
  | DagPage
  | HeldStep
  | ExecutionErrors
  | EndedItems
  | ItemOutputs;

/**
 * The highest format of records that this version reads; raised when an older server could no longer read what is written.
 * 2: ids of executions may name a placement. 3: an execution may be asked to show its records. Which one is written the
 * cluster's level says (`ClusterState`).
 */
export const EXECUTION_FORMAT = 3;
/** The format from which on executors know the operation `show`. */
export const SHOW_FORMAT = 3;
/** What every version reads, and a cluster writes until it has agreed on more. */
export const FIRST_FORMAT = 1;

/** What started the execution: another execution, a trigger, or (absent) a request. */
export interface ExecutionTrigger {
  readonly id: string;
  readonly type: string;
  readonly variables: PlainObject;
  /** A trigger with state on `triggers`, which is told when the execution has fully ended. Not shown. */
  readonly hasState?: true;
}

/** The task run of another execution that waits for the end of this one. */
export interface ParentTaskRun {
  readonly executionId: string;
  readonly taskRunId: string;
  /** Place among the executions of a ForEachItem. */
  readonly index?: number;
  /** false: it is told when this execution exists or is refused, and not when it ends. */
  readonly waits: boolean;
  /** Expressions that are rendered when this execution has ended, for the outputs of the task run (deprecated). */
  readonly outputs?: PlainObject;
}

/** Stops before a task (for one loop value, if given) until the execution is resumed. */
export interface Breakpoint {
  readonly id: string;
  readonly value?: string;
}

/** Written once, when the execution starts to exist. */
export interface ExecutionCreated {
  readonly kind: 'created';
  readonly tenant: string;
  readonly executionId: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly flowRevision: number;
  readonly inputs: PlainObject;
  readonly trigger?: ExecutionTrigger;
  readonly parentId?: string;
  readonly originalId: string;
  readonly executionKind?: 'TEST' | 'PLAYGROUND';
  /** Milliseconds since the epoch. */
  readonly scheduleDate?: number;
  readonly parent?: ParentTaskRun;
  /** How many executions started each other before this one; absent: none. */
  readonly depth?: number;
  readonly breakpoints?: readonly Breakpoint[];
  /** Of the first execution of a chain of retries; absent: this one is the first. */
  readonly originalCreatedAt?: number;
  /** 1 for the first of a chain of retries. Absent: 1. */
  readonly attemptNumber?: number;
  /** Only while the execution has no head yet: the snapshot of which parts are still to come. */
  readonly snapshot?: string;
}

/** The flow's variables at creation, changed by SetVariables and UnsetVariables. */
export interface ExecutionVariables {
  readonly kind: 'variables';
  readonly variables: PlainObject;
}

/** The lists of tasks of a flow or of a task with children, in the order in which they may run. */
export const SECTIONS = ['tasks', 'errors', 'finally', 'afterExecution'] as const;
/** `listeners`: tasks of the listeners whose conditions hold; between `finally` and `afterExecution`. */
export type Section = (typeof SECTIONS)[number] | 'listeners';

/**
 * How far the owner of lists (the flow itself, or a task run with children) has come. Counters, so that no step looks
 * at siblings (architecture.md part 3).
 */
export interface Progress {
  /** The list that decides what comes next; `ended` when nothing more will be started. */
  readonly section: Section | 'ended';
  /** Index of the next lane of `section` that has not been started. A sequence is one lane; Parallel has one per task. */
  readonly nextLane: number;
  /** Lanes of `section` that were started and have not ended. */
  readonly openLanes: number;
  /** Children of any section that have not ended. */
  readonly active: number;
  /** Ended children of `tasks` by what counts for the owner's final state (spec executions.md §5). */
  readonly failed: number;
  readonly warning: number;
  readonly killed: number;
}

/** The small record that changes with every step. Carries what lists of executions show, filter and sort by. */
export interface ExecutionHead {
  readonly kind: 'head';
  readonly format: number;
  readonly tenant: string;
  readonly executionId: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly flowRevision: number;
  readonly state: State;
  readonly histories: readonly StateChange[];
  readonly labels: readonly Label[];
  readonly outputs?: PlainObject;
  readonly originalId: string;
  readonly parentId?: string;
  /** `created.trigger.variables.executionId` when another execution started this one. */
  readonly triggerExecutionId?: string;
  /** That of `created`, for lists. */
  readonly executionKind?: 'TEST' | 'PLAYGROUND';
  readonly attemptNumber: number;
  /** Grows whenever task runs are removed; part of their ids, so an old result cannot hit a new task run. */
  readonly generation: number;
  /** Task runs created so far; gives each its place in the list that users see. */
  readonly sequence: number;
  /** Of these, how many were removed again; absent: none. */
  readonly removed?: number;
  readonly progress: Progress;
  /** Task runs that a worker has claimed, by worker instance: who is asked when an instance is lost. */
  readonly claims: Readonly<Record<string, number>>;
  /** Task runs waiting for a retry; the execution is RETRYING while there are any, and none is paused. */
  readonly retrying: number;
  /** Task runs that are PAUSED; the execution is PAUSED while there are any. Absent: none. */
  readonly paused?: number;
  /** Somebody paused the execution: steps that would start something wait as records of their own. */
  readonly hold?: Hold;
  /** What it will be when everything that runs has ended (an Exit, a kill); until then nothing new starts. */
  readonly endsAs?: State;
  /** Service level agreements that were broken, by id. */
  readonly violations?: readonly string[];
  /** Listeners whose conditions hold, by their place in the flow. */
  readonly listeners?: readonly number[];
  /** Why the execution failed, when no task run tells. */
  readonly failure?: string;
  /** Shown on the execution: a job that waits for a worker group, for example. */
  readonly warnings?: readonly string[];
  /** Of a flow with a limit of concurrent executions: a slot was asked for, or is held until everything has ended. */
  readonly slot?: 'asked' | 'held';
  /** When something of the execution itself is due, by name, in milliseconds since the epoch. */
  readonly timers?: Readonly<Record<string, number>>;
  /** The earliest of `timers`. */
  readonly dueAt?: number;
  /** It is CREATED and begins when the installation leaves maintenance mode. */
  readonly awaitsMaintenance?: true;
  /** How often it was restarted, or went on after a changed task run: steps from before are void. Absent: never. */
  readonly restarts?: number;
  /** Task runs that stand before a breakpoint; the execution is BREAKPOINT while there are any. */
  readonly suspended?: number;
  /** Ids of the latest operations, so that a repeat changes nothing. */
  readonly recentCommands?: readonly string[];
  /** Deleted by somebody: repositories do not show it, and nothing happens in it any more. */
  readonly deleted?: true;
  /** Grows with every change of this record, also across restart and replay. */
  readonly revision: number;
}

/** Steps `first` to `next - 1` wait, in this order. */
export interface Hold {
  /** false when it was resumed and its steps are being taken up again. */
  readonly active: boolean;
  readonly first: number;
  readonly next: number;
}

/** One try of a task run. */
export interface Attempt {
  readonly state: State;
  readonly histories: readonly StateChange[];
  /** The instance that ran it; absent for attempts decided by the executor. */
  readonly workerId?: string;
  /** URI of its log, when the task has `logToFile`. */
  readonly logFile?: string;
}

/** The claim that counts for the current attempt (protocols.md part 3). */
export interface Claim {
  readonly token: string;
  readonly instance: string;
}

/** A node in the tree of an execution. */
export interface TaskRun {
  readonly kind: 'task-run';
  readonly id: string;
  readonly tenant: string;
  readonly executionId: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly taskId: string;
  readonly parentId?: string;
  /** The list of the parent (or of the flow) to which its task belongs. */
  readonly section: Section;
  /** Lane and index within the lane: the task's place in its parent's plan. */
  readonly lane: number;
  readonly index: number;
  /** The loop value, as text, of a child of a loop. */
  readonly value?: string;
  /** 0-based position of the loop value. */
  readonly iteration?: number;
  /** Place in the list that users see: order of creation within the execution. */
  readonly sequence: number;
  readonly state: State;
  readonly histories: readonly StateChange[];
  readonly attempts: readonly Attempt[];
  readonly outputs?: PlainObject;
  /** Its task changes the execution; it has no outputs, not even empty ones. */
  readonly updates?: true;
  /** Of a task run with children. */
  readonly progress?: Progress;
  /** Lanes of the section `tasks`, fixed when the task was entered (the number of values of a ForEach). */
  readonly lanes?: number;
  /** The branch that If or Switch took. */
  readonly branch?: string;
  /** What a worker found for the expressions that only a worker can evaluate, by property. */
  readonly evaluated?: PlainObject;
  /** The job handed out is for these expressions, not for the task itself. */
  readonly evaluating?: boolean;
  readonly claim?: Claim;
  /** Group of its latest job. Absent: the default one. */
  readonly workerGroup?: string;
  /** Its job is not handed out yet: no worker of the group is running. */
  readonly awaitsWorker?: true;
  /** No worker of the group is running, and none is waited for beyond this time; milliseconds since the epoch. */
  readonly waitsUntil?: number;
  /** The execution that it started (Subflow). */
  readonly childExecutionId?: string;
  /** Of the task run that starts the executions of a ForEachItem. */
  readonly items?: ItemsProgress;
  /** Of a WorkingDirectory: the generation in the ids of the task runs that its worker tells of. */
  readonly childGeneration?: number;
  /** How often the current attempt's job was given out again after a lost worker. */
  readonly resubmits?: number;
  /** RETRYING: when the next attempt starts; PAUSED: when that ends by itself. Milliseconds since the epoch. */
  readonly dueAt?: number;
  /** What a PAUSED task run becomes at `dueAt`. */
  readonly onExpiry?: State;
  /** How often a worker was asked for the values of expressions; tells late answers apart. */
  readonly evaluations?: number;
  /** The state in which it will end, whatever its children give. */
  readonly endsAs?: State;
  readonly revision: number;
}

/** A page of the values of a ForEach, written once, so that no step writes all of them. */
export interface LoopValues {
  readonly kind: 'values';
  readonly taskRunId: string;
  readonly page: number;
  readonly values: readonly string[];
}

/** Values per `LoopValues` record. */
export const LOOP_VALUES_PAGE = 500;

/**
 * How far the executions of a ForEachItem have come. Which ones have ended is in `EndedItems` records, so that an end
 * writes little however many there are.
 */
export interface ItemsProgress {
  /** Executions in all. */
  readonly count: number;
  /** The attempt that began with the first item: part of the executions' ids and of the folder of their outputs. */
  readonly attempt: number;
  /** Index of the next one to start. */
  readonly started: number;
  /** How many have ended, by state; the others of those that were started run. */
  readonly ended: Readonly<Partial<Record<State, number>>>;
  /** Pages of outputs that are files. */
  readonly stored: number;
  /** The page of outputs that is being filled; those from `stored` on wait for a worker. */
  readonly page: number;
  /** After a restart: how many executions are still to be restarted, and from which index on. */
  readonly restart?: { readonly from: number; readonly left: number };
}

/** Which of some executions of a ForEachItem have ended. */
export interface EndedItems {
  readonly kind: 'ended-items';
  readonly taskRunId: string;
  /** `attempt` of the progress; a record of another one says nothing. */
  readonly attempt: number;
  readonly page: number;
  /** A bit for each index of the page, as base64. */
  readonly ended: string;
  /** Those of them that may be restarted. */
  readonly failed: string;
}

/** Indexes per `EndedItems` record. */
export const ENDED_ITEMS_PAGE = 4_000;

/** Outputs of some executions of a ForEachItem, until a worker has written them into a file. */
export interface ItemOutputs {
  readonly kind: 'item-outputs';
  readonly taskRunId: string;
  readonly page: number;
  /** One JSON text for each execution; empty when they are stored. */
  readonly lines: readonly string[];
  readonly characters: number;
}

/** How far some tasks of a Dag have come, so that no step writes or reads all of them. */
export interface DagPage {
  readonly kind: 'dag';
  readonly taskRunId: string;
  readonly page: number;
  /** How many tasks on which it depends have ended, by the task's place in the Dag modulo the page's size. */
  readonly ended: readonly number[];
  /** Which task a lane has, by lane modulo the page's size: lanes are in the order in which tasks became ready. */
  readonly order: readonly number[];
}

/** Tasks, and lanes, per `DagPage` record. */
export const DAG_PAGE = 100;

/** A step that waits until the execution is resumed. */
export interface HeldStep {
  readonly kind: 'held';
  readonly index: number;
  readonly step: unknown;
}

/** The latest errors in the log, for expressions. */
export interface ExecutionErrors {
  readonly kind: 'errors';
  readonly entries: readonly ErrorEntry[];
}

export interface ErrorEntry {
  readonly taskId: string;
  readonly taskRunId: string;
  readonly attempt: number;
  /** Cut to a few hundred characters. */
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** Errors that an execution remembers; the oldest one goes first. */
export const ERRORS_KEPT = 20;

export const NO_PROGRESS: Progress = {
  section: 'tasks',
  nextLane: 0,
  openLanes: 0,
  active: 0,
  failed: 0,
  warning: 0,
  killed: 0,
};
