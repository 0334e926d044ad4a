import type {
  Claim,
  EndedItems,
  ErrorEntry,
  ExecutionCreated,
  ItemOutputs,
  ItemsProgress,
  Label,
  PlainObject,
  Section,
  State,
  TaskRun,
} from '@millrace/model';
import type { OperationFact } from './operations/facts.js';

/** The owner of a list: a task run's id, or undefined for the flow itself. */
export type OwnerId = string | undefined;

/** What became true of an execution: the only input of `evolve`. */
export type Fact = ChildFact | ExecutionFact | TaskRunFact | OwnerFact | OperationFact;

/** What became true of the execution as a whole. */
export type ExecutionFact =
  | {
      readonly kind: 'execution-created';
      readonly created: ExecutionCreated;
      readonly variables: PlainObject;
      readonly labels: readonly Label[];
      /** Of its records. Absent: the first. */
      readonly format?: number;
      readonly at: number;
    }
  | { readonly kind: 'execution-moved'; readonly to: State; readonly at: number }
  | { readonly kind: 'execution-outputs-set'; readonly outputs: PlainObject }
  | { readonly kind: 'failure-noted'; readonly message: string }
  | { readonly kind: 'warning-set'; readonly message: string }
  | { readonly kind: 'warning-removed'; readonly message: string }
  | { readonly kind: 'error-noted'; readonly entry: ErrorEntry }
  /** A timer of the execution itself; undefined removes it. */
  | { readonly kind: 'timer-set'; readonly name: string; readonly at: number | undefined }
  /** Everything that runs goes on to its end, nothing new starts; then this is the execution's state. */
  | { readonly kind: 'end-decided'; readonly state: State }
  | { readonly kind: 'attempt-counted' }
  | { readonly kind: 'agreement-violated'; readonly id: string }
  /** Laid over the labels that are there, by key. */
  | { readonly kind: 'labels-merged'; readonly labels: readonly Label[] }
  /** Laid over the variables that are there, map by map. */
  | { readonly kind: 'variables-merged'; readonly variables: PlainObject }
  | { readonly kind: 'variables-removed'; readonly paths: readonly string[] }
  | { readonly kind: 'listeners-chosen'; readonly listeners: readonly number[] }
  /** The execution stays CREATED until the installation leaves maintenance mode; false: it begins. */
  | { readonly kind: 'maintenance-awaited'; readonly waits: boolean }
  | { readonly kind: 'hold-begun' }
  | { readonly kind: 'hold-ended'; readonly at: number }
  | { readonly kind: 'step-held'; readonly step: unknown }
  | { readonly kind: 'steps-released'; readonly count: number };

/** What became true of a task run and its attempts. */
export type TaskRunFact =
  | { readonly kind: 'task-run-created'; readonly run: NewTaskRun }
  | { readonly kind: 'task-run-moved'; readonly taskRunId: string; readonly to: State; readonly at: number }
  | { readonly kind: 'attempt-opened'; readonly taskRunId: string; readonly at: number; readonly workerId?: string }
  | {
      readonly kind: 'attempt-closed';
      readonly taskRunId: string;
      readonly state: State;
      readonly at: number;
      readonly logFile?: string;
    }
  /** Gone with all that their parents counted of them; the generation grows, so that their ids are never used again. */
  | { readonly kind: 'task-runs-removed'; readonly taskRunIds: readonly string[] }
  /** A WorkingDirectory is given to a worker; its children's ids have this generation. */
  | { readonly kind: 'children-given-out'; readonly taskRunId: string; readonly generation: number }
  | { readonly kind: 'job-claimed'; readonly taskRunId: string; readonly claim: Claim }
  | { readonly kind: 'job-given-out-again'; readonly taskRunId: string; readonly counted: boolean }
  /** Where the job of a task run goes; `waits`: it is kept until a worker of the group is running. */
  | {
      readonly kind: 'job-group-set';
      readonly taskRunId: string;
      readonly group: string;
      readonly waits: boolean;
      /** With `waits`: not beyond this time. */
      readonly until?: number;
    }
  /** Its job lies in the topic of a group without a worker until then; `undefined`: a worker is there again. */
  | { readonly kind: 'wait-limited'; readonly taskRunId: string; readonly until: number | undefined }
  | { readonly kind: 'outputs-set'; readonly taskRunId: string; readonly outputs: PlainObject }
  | { readonly kind: 'evaluation-requested'; readonly taskRunId: string }
  | { readonly kind: 'evaluated'; readonly taskRunId: string; readonly values: PlainObject }
  /** Of a task run that has just moved to RETRYING. */
  | { readonly kind: 'retry-scheduled'; readonly taskRunId: string; readonly dueAt: number };

/** What became true of executions that start others, and of their slots. */
export type ChildFact =
  /** `undefined`: the execution holds no slot any more. */
  | { readonly kind: 'slot-set'; readonly slot: 'asked' | 'held' | undefined }
  | { readonly kind: 'child-started'; readonly taskRunId: string; readonly childExecutionId: string }
  | { readonly kind: 'items-set'; readonly taskRunId: string; readonly items: ItemsProgress }
  | { readonly kind: 'items-ended'; readonly record: EndedItems }
  | { readonly kind: 'item-outputs-set'; readonly record: ItemOutputs };

/** What became true of the lists of an owner. */
export type OwnerFact =
  | { readonly kind: 'section-entered'; readonly owner: OwnerId; readonly section: Section | 'ended' }
  | { readonly kind: 'lanes-started'; readonly owner: OwnerId; readonly count: number }
  | { readonly kind: 'lane-ended'; readonly owner: OwnerId }
  | { readonly kind: 'task-run-entered'; readonly taskRunId: string; readonly lanes: number; readonly branch?: string }
  | { readonly kind: 'loop-values-set'; readonly taskRunId: string; readonly values: readonly string[] }
  /** Of a task run that has just moved to PAUSED. */
  | {
      readonly kind: 'pause-limited';
      readonly taskRunId: string;
      readonly dueAt: number;
      readonly becomes?: State;
    }
  | { readonly kind: 'lanes-added'; readonly taskRunId: string; readonly count: number }
  /** One more of what these tasks of a Dag depend on has ended; `ready` ones have nothing left and become lanes. */
  | {
      readonly kind: 'dag-advanced';
      readonly taskRunId: string;
      readonly dependents: readonly number[];
      readonly ready: readonly number[];
    }
  | { readonly kind: 'task-run-end-decided'; readonly taskRunId: string; readonly state: State }
  | { readonly kind: 'round-counted'; readonly taskRunId: string; readonly iterationCount: number };

/** A task run as it is born; what `evolve` derives (sequence, state, histories) is not in it. */
export type NewTaskRun = Pick<TaskRun, 'id' | 'taskId' | 'section' | 'lane' | 'index'> &
  Partial<Pick<TaskRun, 'parentId' | 'value' | 'iteration' | 'updates'>> & {
    readonly at: number;
    /** It has children. */
    readonly owner: boolean;
  };
