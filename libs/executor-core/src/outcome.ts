import type {
  ExecutionEvent,
  FlowEvent,
  InstanceLost,
  Job,
  LogEntry,
  MetricEntry,
  Reply,
  TriggerExecutionEnded,
  WorkerCommand,
} from '@millrace/model';
import type { Fact, OwnerId } from './facts.js';

/** What the shell writes in the same transaction as the facts' records. */
export type Effect =
  | { readonly kind: 'submit-job'; readonly group: string; readonly job: Job }
  /** Takes back a job that nobody has claimed. */
  | { readonly kind: 'cancel-job'; readonly group: string; readonly key: string }
  | { readonly kind: 'command-worker'; readonly instance: string; readonly command: WorkerCommand }
  /** To another execution: a child that is wanted or killed, a parent that waits. */
  | {
      readonly kind: 'send-event';
      readonly event: ExecutionEvent & { readonly tenant: string; readonly executionId: string };
    }
  /** To the slots of a flow. */
  | { readonly kind: 'send-flow-event'; readonly event: Extract<FlowEvent, { readonly flowId: string }> }
  | { readonly kind: 'reply'; readonly replyTo: string; readonly reply: Reply }
  /** The trigger that started the execution learns of its end. */
  | { readonly kind: 'tell-trigger'; readonly event: TriggerExecutionEnded }
  | { readonly kind: 'write-log'; readonly entry: LogEntry }
  | { readonly kind: 'write-metric'; readonly entry: MetricEntry };

/** Steps within one execution; decided on the state that holds the facts of the step before. */
export type Step = StepKind & {
  /** `head.restarts` when it was decided; absent: 0. A step of an earlier time is void. */
  readonly restarts?: number;
};

type StepKind =
  /** A task run waits to be started: a task with children, one whose retry is due, or one whose expressions came back. */
  | { readonly kind: 'enter'; readonly taskRunId: string }
  /** An owner may have lanes to start. */
  | { readonly kind: 'advance'; readonly owner: OwnerId }
  | { readonly kind: 'child-ended'; readonly owner: OwnerId; readonly taskRunId: string }
  /** A lane of the list `tasks` that is open goes on with this task, which has no task run (any more). */
  | { readonly kind: 'start-in-lane'; readonly owner: OwnerId; readonly lane: number; readonly index: number }
  /** A task run was RETRIED: the whole execution is, and another one takes its place at this date. */
  | { readonly kind: 'retry-as-execution'; readonly taskRunId: string; readonly dueAt: number }
  /** The tasks of a task that repeats them have ended. */
  | { readonly kind: 'round-ended'; readonly taskRunId: string }
  /** The state in which a task run with children will end is decided: what of its lists is left, then its end. */
  | { readonly kind: 'leave'; readonly taskRunId: string }
  /** The wait between two rounds is over. */
  | { readonly kind: 'next-round'; readonly taskRunId: string }
  /** While it ends: there may be more to stop. */
  | { readonly kind: 'kill-more' }
  /** While killing: there may be more executions to kill that this one started. */
  | { readonly kind: 'kill-children'; readonly from: number }
  | { readonly kind: 'kill-items'; readonly taskRunId: string; readonly index: number }
  /** The execution may start; with a limit of concurrent executions it asks for a slot first. */
  | { readonly kind: 'begin' }
  /** The execution has ended with all that comes after. */
  | { readonly kind: 'fully-ended' }
  /** A task run may start further executions for its items. */
  | { readonly kind: 'start-items'; readonly taskRunId: string }
  /** While it ends: ends owners that have nothing running any more. */
  | { readonly kind: 'settle-kill' }
  /** Chooses the listeners that run. */
  | { readonly kind: 'listen' }
  /** Takes up steps that waited while somebody had paused the execution. */
  | { readonly kind: 'release' };

/** Everything that `decide` reads: what happened outside, and the steps that follow from it. */
export type Input = ExecutionEvent | Step;

/** Collects what one decision gives. Local to a call of `decide`, so that stays a function of its arguments. */
export class Outcome {
  readonly facts: Fact[] = [];
  readonly effects: Effect[] = [];
  readonly next: Input[] = [];

  fact(...facts: readonly Fact[]): void {
    this.facts.push(...facts);
  }

  effect(effect: Effect): void {
    this.effects.push(effect);
  }

  /** Besides steps: the loss of an instance that shows while something else is decided. */
  then(step: Step | InstanceLost): void {
    this.next.push(step);
  }
}
