import {
  derivedId,
  excerpt,
  isTerminal,
  type InstanceLost,
  LEVEL_RANK,
  type LogEntry,
  type LogLevel,
  type TaskRun,
} from '@millrace/model';
import type { ExecutionContext } from './context.js';
import type { FlowPlan, TaskPlan } from './plan.js';
import { Outcome, type Step } from './outcome.js';
import { rendering, type Rendering } from './rendering.js';
import type { ExecutionView } from './state.js';

/** Longest line of a log, in characters. */
export const MESSAGE_LENGTH_MAX = 16 * 1024;

/** Longest error that is remembered, in characters. */
const ERROR_LENGTH_MAX = 400;

/** Line numbers of entries that the executor writes about a worker's attempt: after the worker's own. */
export const EXECUTOR_LINE = 1_000_000;

/**
 * One call of `decide`: what it reads (state, flow, context) and what it has decided so far. Made for the call and gone
 * with it.
 */
export class Decision extends Outcome {
  #lines = 0;
  #created = 0;

  constructor(
    readonly view: ExecutionView,
    readonly flow: FlowPlan,
    readonly context: ExecutionContext,
  ) {
    super();
  }

  get now(): number {
    return this.context.now;
  }

  /** It is being killed: nothing new is started any more. */
  get isStopping(): boolean {
    return this.view.head.state === 'KILLING';
  }

  /** As `isStopping`, and also when what runs may go on to its end (an Exit). */
  get isLeaving(): boolean {
    const { state, endsAs } = this.view.head;
    return this.isStopping || (endsAs !== undefined && !isTerminal(state));
  }

  /** A step on the state as it is; `thenRestarted` for the time after a restart that this decision brings. */
  override then(step: Step | InstanceLost): void {
    super.then(step.kind === 'instance-lost' ? step : this.#timed(step, this.#restarts));
  }

  thenRestarted(step: Step): void {
    super.then(this.#timed(step, this.#restarts + 1));
  }

  get #restarts(): number {
    return this.view.exists ? (this.view.head.restarts ?? 0) : 0;
  }

  #timed(step: Step, restarts: number): Step {
    return restarts === 0 ? step : { ...step, restarts };
  }

  taskOf(run: TaskRun): TaskPlan {
    const task = this.flow.tasks.get(run.taskId);
    if (!task) throw new Error(`Revision ${this.flow.revision} of the flow has no task '${run.taskId}'`);
    return task;
  }

  /** The id that follows from a task run's place, so deciding twice gives the same one (protocols.md part 1.8). */
  taskRunId(place: Pick<TaskRun, 'taskId'> & Partial<Pick<TaskRun, 'parentId' | 'value' | 'iteration'>>): string {
    const { executionId, generation } = this.view.head;
    return derivedId(executionId, place.taskId, place.parentId, place.value, place.iteration, generation);
  }

  rendering(task: TaskPlan, run: TaskRunPlace, attempts: number): Rendering {
    return rendering(this.view, this.flow, this.context, { task, run, attempts });
  }

  /** The place of the next task run in the list that users see. */
  nextSequence(): number {
    const sequence = this.view.head.sequence + this.#created++;
    const { taskRuns } = this.context.limits;
    if (sequence >= taskRuns) throw new Error(`The execution has reached its limit of ${taskRuns} task runs`);
    return sequence;
  }

  /** Writes a line into a task run's log, unless its task keeps only higher levels. */
  log(
    run: { readonly id: string; readonly sequence: number },
    task: TaskPlan,
    attempt: number,
    level: LogLevel,
    message: string,
  ): void {
    if (LEVEL_RANK[level] < LEVEL_RANK[task.logLevel]) return;
    if (level === 'ERROR') this.noteError(run.id, task, attempt, message);
    this.#write(level, message, { taskId: task.id, taskRunId: run.id, attempt, taskRunSequence: run.sequence });
  }

  /** Remembers an error that is in the log, for expressions. */
  noteError(taskRunId: string, task: TaskPlan, attempt: number, message: string): void {
    const entry = {
      taskId: task.id,
      taskRunId,
      attempt,
      message: excerpt(message, ERROR_LENGTH_MAX),
      timestamp: this.now,
    };
    this.fact({ kind: 'error-noted', entry });
  }

  /** Notes why the execution failed, when no task run tells: on the execution, and in its log. */
  noteFailure(message: string): void {
    this.fact({ kind: 'failure-noted', message });
    this.note('ERROR', message);
  }

  /** Writes a line into the log of the execution itself. */
  note(level: LogLevel, message: string): void {
    this.#write(level, message, { taskRunSequence: this.view.head.sequence });
  }

  #write(level: LogLevel, message: string, place: LogPlace): void {
    const { tenant, namespace, flowId, executionId } = this.view.head;
    this.effect({
      kind: 'write-log',
      entry: {
        tenant,
        namespace,
        flowId,
        executionId,
        ...place,
        timestamp: this.now,
        level,
        message: excerpt(message, MESSAGE_LENGTH_MAX),
        lineNumber: EXECUTOR_LINE + this.#lines++,
      },
    });
  }
}

type LogPlace = Pick<LogEntry, 'taskRunSequence'> & Partial<Pick<LogEntry, 'taskId' | 'taskRunId' | 'attempt'>>;

/** What rendering needs of a task run; it may not be in the state yet. */
export interface TaskRunPlace {
  readonly id: string;
  readonly parentId?: string;
  readonly value?: string;
  readonly iteration?: number;
  readonly sequence: number;
  readonly startedAt: number;
  /** The URI of the item for which an execution is started. */
  readonly item?: string;
}

export const placeOf = (run: TaskRun): TaskRunPlace => ({
  id: run.id,
  ...(run.parentId === undefined ? {} : { parentId: run.parentId }),
  ...(run.value === undefined ? {} : { value: run.value }),
  ...(run.iteration === undefined ? {} : { iteration: run.iteration }),
  sequence: run.sequence,
  startedAt: run.histories[0]?.date ?? 0,
});

/** Attempts that count for retries: those lost with their worker do not. */
export const countedAttempts = (run: TaskRun): number =>
  run.attempts.reduce((count, attempt) => count + (attempt.state === 'RESUBMITTED' ? 0 : 1), 0);

export const isOpen = (run: TaskRun | undefined): run is TaskRun => run !== undefined && !isTerminal(run.state);

/** The sentence of an error for people; never its stack. */
export const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
