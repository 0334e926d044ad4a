import type { Claim, ExecutionCreated, Label, PlainObject, Section, State, TaskRun } from '@millrace/model';
import type { OperationFact } from './operations/facts.js';

/** The owner of a list: a task run's id, or undefined for the flow itself. */
export type OwnerId = string | undefined;

/** What became true of an execution: the only input of `evolve`. */
export type Fact =
  | OperationFact
  | {
      readonly kind: 'execution-created';
      readonly created: ExecutionCreated;
      readonly variables: PlainObject;
      readonly labels: readonly Label[];
      readonly at: number;
    }
  | { readonly kind: 'execution-moved'; readonly to: State; readonly at: number }
  | { readonly kind: 'execution-outputs-set'; readonly outputs: PlainObject }
  | { readonly kind: 'failure-noted'; readonly message: string }
  | { readonly kind: 'kill-repeat-set'; readonly at: number | undefined }
  | { readonly kind: 'section-entered'; readonly owner: OwnerId; readonly section: Section | 'ended' }
  | { readonly kind: 'lanes-started'; readonly owner: OwnerId; readonly count: number }
  | { readonly kind: 'lane-ended'; readonly owner: OwnerId }
  | { readonly kind: 'task-run-created'; readonly run: NewTaskRun }
  | { readonly kind: 'task-run-moved'; readonly taskRunId: string; readonly to: State; readonly at: number }
  | { readonly kind: 'task-run-entered'; readonly taskRunId: string; readonly lanes: number; readonly branch?: string }
  | { readonly kind: 'loop-values-set'; readonly taskRunId: string; readonly values: readonly string[] }
  | { readonly kind: 'attempt-opened'; readonly taskRunId: string; readonly at: number; readonly workerId?: string }
  | { readonly kind: 'attempt-closed'; readonly taskRunId: string; readonly state: State; readonly at: number }
  | { readonly kind: 'job-claimed'; readonly taskRunId: string; readonly claim: Claim }
  | { readonly kind: 'job-given-out-again'; readonly taskRunId: string; readonly counted: boolean }
  | { readonly kind: 'outputs-set'; readonly taskRunId: string; readonly outputs: PlainObject }
  | { readonly kind: 'evaluation-requested'; readonly taskRunId: string }
  | { readonly kind: 'evaluated'; readonly taskRunId: string; readonly values: PlainObject }
  | { readonly kind: 'retry-scheduled'; readonly taskRunId: string; readonly dueAt: number }
  | { readonly kind: 'retry-started'; readonly taskRunId: string };

/** A task run as it is born; what `evolve` derives (sequence, state, histories) is not in it. */
export type NewTaskRun = Pick<TaskRun, 'id' | 'taskId' | 'section' | 'lane' | 'index'> &
  Partial<Pick<TaskRun, 'parentId' | 'value' | 'iteration'>> & {
    readonly at: number;
    /** It has children. */
    readonly owner: boolean;
  };
