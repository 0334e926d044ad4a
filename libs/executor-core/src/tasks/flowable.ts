import type { PlainObject, State, TaskDefinition, TaskRun } from '@millrace/model';
import type { TaskPlan } from '../plan.js';
import type { ExecutionView } from '../state.js';

/** What entering a task with children gave. */
export type Entered =
  | {
      readonly kind: 'entered';
      /** Lanes of the list `tasks`: what may run side by side; inside a lane tasks run one after the other. */
      readonly lanes: number;
      /** The branch that was taken, if there are several. */
      readonly branch?: string;
      /** Loop values by lane. */
      readonly values?: readonly string[];
      readonly outputs?: PlainObject;
      /** It waits: for how long at most, and what it becomes then. */
      readonly pause?: { readonly afterMs?: number; readonly becomes?: State };
      /** Tasks of a Dag, by place, that become lanes at once. */
      readonly ready?: readonly number[];
    }
  /** The task fails with this sentence. */
  | { readonly kind: 'refused'; readonly message: string };

/** What a task with children does when one of them has ended (a failed one has no retry left then). */
export type ChildEnded =
  /** The next task of the child's lane; at the lane's end another lane. */
  | 'go-on'
  /** Nothing more of `tasks` is started: `errors`, else `finally`, else the end. */
  | 'leave';

/** What the end of a child of a Dag lets others do, by their places. */
export interface Unlocked {
  /** They wait for one task less. */
  readonly dependents: readonly number[];
  /** Of these, the ones that wait for none any more. */
  readonly ready: readonly number[];
}

/** What lanes may be found by: nothing of siblings. */
export type LaneView = Pick<ExecutionView, 'dagLane' | 'dagPage'>;

/**
 * A task type with children. Its file says how it reacts; starting lanes, `errors`, `finally` and the final state are
 * the same for all and in ../owner.ts. Reactions are pure and see no siblings.
 */
export interface Flowable {
  /** Properties that are rendered when the task is entered; `entered` gets the results. */
  readonly renders: readonly string[];
  /** Lists of tasks of which one is taken, by name. */
  branches?(written: TaskDefinition): readonly (readonly [string, unknown])[];
  /** The list `tasks` of a task for which nobody writes one. */
  tasks?(written: TaskDefinition): readonly TaskDefinition[];
  /** The tasks of the list `tasks`, where it is no plain list of tasks. */
  children?(written: TaskDefinition): readonly unknown[];
  /** The task starts. */
  entered(task: TaskPlan, rendered: PlainObject): Entered;
  /** The tasks of a lane. */
  lane(task: TaskPlan, run: TaskRun, lane: number, view: LaneView): readonly TaskPlan[];
  /** Lanes at a time. */
  concurrency(task: TaskPlan): number;
  /** Of a loop: which of its values a lane has. */
  valueIndex?(task: TaskPlan, lane: number): number;
  /** The list `tasks` may be run again when it has ended (../rounds.ts). */
  readonly repeats?: true;
  /** A child has ended and others may have waited for it. */
  unlocked?(task: TaskPlan, run: TaskRun, child: TaskRun, view: LaneView): Unlocked;
  /** A child of the list `tasks` has ended. */
  childEnded(child: TaskRun): ChildEnded;
  /** Of a task whose list `tasks` is run by a worker: how that ended; undefined while it runs. */
  endedAs?(run: TaskRun): State | undefined;
}

/** A failed child stops a list; any other end lets it go on (spec executions.md §4). */
export const stopsWhenFailed = (child: TaskRun): ChildEnded => (child.state === 'FAILED' ? 'leave' : 'go-on');

/** Reads a whole number as written in a flow; 0 and absent mean no limit. */
export const limitOf = (written: unknown, absent: number): number => {
  const limit = typeof written === 'number' ? written : absent;
  return limit === 0 ? Infinity : limit;
};
