import type { ExecutionTrigger } from './execution.js';
import { keyOf } from './ids.js';
import type { PlainObject } from './json.js';
import type { State } from './states.js';
import type { Column, Topic } from './topic.js';

/** Dates of the past (or future) that are run besides those that come by themselves (spec triggers.md §3.3). */
export interface Backfill {
  /** Tells its executions from those of other backfills. */
  readonly id: string;
  /** Milliseconds since the epoch; both belong to it. */
  readonly start: number;
  readonly end: number;
  /** The next date to run. */
  readonly currentDate: number;
  readonly paused: boolean;
  /** Win over the trigger's inputs. */
  readonly inputs?: PlainObject;
  readonly labels?: PlainObject;
  /** When the trigger goes on with its own dates. */
  readonly previousNextExecutionDate?: number;
}

/**
 * The state of one trigger (spec triggers.md §2): a record of `triggers` under the key of its flow. Only triggers that are
 * evaluated by themselves have one: schedules, and those that ask again and again.
 */
export interface TriggerState {
  readonly kind: 'trigger';
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly triggerId: string;
  /** As written in the flow. */
  readonly type: string;
  /** Changes with the definition, and then the next date is computed anew. */
  readonly definition: string;
  /** The flow and the trigger are not disabled in the YAML, and the scheduler can evaluate the trigger. */
  readonly active: boolean;
  /** When it was evaluated last, at first when it was seen first; milliseconds since the epoch, as all dates here. */
  readonly date: number;
  /** Absent: no date will come. */
  readonly nextExecutionDate?: number;
  readonly backfill?: Backfill;
  readonly stopAfter?: readonly State[];
  /** By the API, the task Toggle, or stopAfter; independent of the YAML. */
  readonly disabled: boolean;
  /** The execution whose end the trigger waits for. */
  readonly executionId?: string;
  /** When a worker began to evaluate it. */
  readonly evaluateRunningDate?: number;
  readonly workerId?: string;
  readonly updatedDate: number;
  /** Dates that are made up for are not started faster than this allows. */
  readonly notBefore?: number;
}

/** What the triggers of a flow share: which revision they are of, and which commands were answered. */
export interface TriggersOfFlow {
  readonly kind: 'flow';
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly revision: number;
  /** Ids of the latest commands, so that a repeat changes nothing. */
  readonly recentCommands: readonly string[];
}

export type TriggerRecord = TriggerState | TriggersOfFlow;

/** Ids of the records under a flow's key. */
export const TRIGGERS_OF_FLOW = 'flow';
export const triggerRecordId = (triggerId: string): string => `trigger/${triggerId}`;

/** The key of all triggers of a flow, on both topics. */
export const triggersKey = (tenant: string, namespace: string, flowId: string): string =>
  keyOf(tenant, namespace, flowId);

interface OfFlow {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A flow was saved or deleted; written in the transaction of the change (protocols.md part 5.3). */
export interface FlowChanged extends OfFlow {
  readonly kind: 'flow-changed';
  readonly revision: number;
  readonly deleted: boolean;
}

/** An execution that a trigger started has fully ended. */
export interface TriggerExecutionEnded extends OfFlow {
  readonly kind: 'trigger-execution-ended';
  readonly triggerId: string;
  readonly executionId: string;
  readonly state: State;
}

/** Somebody wants something of a trigger; answered on `replies`. */
export interface TriggerCommand extends OfFlow {
  readonly kind: 'trigger-command';
  readonly triggerId: string;
  /** A repeat of the same id changes nothing. */
  readonly commandId: string;
  /** Server instance that waits for the reply. */
  readonly replyTo: string;
  readonly change: TriggerChange;
}

/** What may be asked of a trigger (spec triggers.md §2, §3.3). */
export type TriggerChange =
  | { readonly kind: 'set-disabled'; readonly disabled: boolean }
  | { readonly kind: 'unlock' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'delete' }
  | {
      readonly kind: 'create-backfill';
      readonly start: number;
      /** Absent: now. */
      readonly end?: number;
      readonly inputs?: PlainObject;
      readonly labels?: PlainObject;
    }
  | { readonly kind: 'pause-backfill' }
  | { readonly kind: 'unpause-backfill' }
  | { readonly kind: 'delete-backfill' };

/** Everything that moves triggers: the records of `trigger-events`. */
export type TriggerEvent = FlowChanged | TriggerExecutionEnded | TriggerCommand;

/** What a trigger gives to the executions that it starts; `hasState`: it is told when they have ended. */
export const executionTriggerOf = (
  trigger: Pick<ExecutionTrigger, 'id' | 'type'>,
  variables: PlainObject,
  hasState: boolean,
): ExecutionTrigger => ({
  id: trigger.id,
  type: trigger.type,
  variables,
  ...(hasState ? { hasState: true } : {}),
});

/** The date that comes next as users see it: a backfill's while one runs. */
export const shownNextDate = ({ backfill, nextExecutionDate }: TriggerState): number | undefined =>
  backfill && !backfill.paused ? backfill.currentDate : nextExecutionDate;

const ofState =
  <Value>(read: (state: TriggerState) => Value | undefined) =>
  (record: TriggerRecord): Value | undefined =>
    record.kind === 'trigger' ? read(record) : undefined;

const text = (read: (state: TriggerState) => string | undefined): Column<TriggerRecord> => ({
  type: 'text',
  of: ofState(read),
});
const integer = (read: (state: TriggerState) => number | undefined): Column<TriggerRecord> => ({
  type: 'integer',
  of: ofState(read),
});

/** What lists of triggers filter and sort by. */
export const TRIGGER_SEARCH: Required<Pick<Topic<TriggerRecord>, 'columns' | 'indexes'>> = {
  columns: {
    kind: { type: 'text', of: ({ kind }) => kind },
    tenant: text(({ tenant }) => tenant),
    namespace: text(({ namespace }) => namespace),
    flow_id: text(({ flowId }) => flowId),
    trigger_id: text(({ triggerId }) => triggerId),
    execution_id: text(({ executionId }) => executionId),
    worker_id: text(({ workerId }) => workerId),
    date: integer(({ date }) => date),
    next_execution_date: integer(shownNextDate),
    disabled: integer(({ disabled }) => (disabled ? 1 : 0)),
  },
  indexes: {
    by_flow: ['tenant', 'namespace', 'flow_id', 'trigger_id'],
    by_next: ['tenant', 'next_execution_date'],
  },
};
