import {
  isoDate,
  isTerminal,
  type Breakpoint,
  type ExecutionTrigger,
  type Label,
  type PlainObject,
  type TaskRun,
} from '@millrace/model';
import type { ExecutionRecords } from '../contract.js';
import { presentState, type StateView } from './state.js';

/** A task run as the API shows it (spec executions.md §1); members without a value are left out. */
export interface TaskRunView {
  readonly tenantId: string;
  readonly id: string;
  readonly executionId: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly taskId: string;
  readonly parentTaskRunId?: string;
  readonly value?: string;
  readonly attempts?: readonly { readonly state: StateView; readonly workerId?: string; readonly logFile?: string }[];
  readonly outputs?: PlainObject;
  readonly state: StateView;
  readonly iteration?: number;
}

/** An execution as the API shows it (spec executions.md §1); members without a value are left out. */
export interface ExecutionView {
  readonly tenantId: string;
  readonly id: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly flowRevision: number;
  /** In order of creation. Absent in lists of executions. */
  readonly taskRunList?: readonly TaskRunView[];
  readonly inputs?: PlainObject;
  readonly outputs?: PlainObject;
  readonly labels: readonly Label[];
  readonly variables?: PlainObject;
  readonly state: StateView;
  readonly parentId?: string;
  readonly originalId: string;
  readonly trigger?: PlainObject;
  readonly deleted: false;
  readonly metadata: { readonly attemptNumber: number; readonly originalCreatedDate?: string };
  readonly scheduleDate?: string;
  readonly kind?: string;
  readonly breakpoints?: readonly Breakpoint[];
  /** Ours: shown to people, such as a job that no worker takes. */
  readonly warnings?: readonly string[];
  /** Ours: why the execution failed, when no task run tells. */
  readonly failure?: string;
}

/** `{ name: value }` when there is a value, else nothing: how members without a value are left out. */
const member = <Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]: Value });

export function presentTaskRun(taskRun: TaskRun): TaskRunView {
  return {
    tenantId: taskRun.tenant,
    id: taskRun.id,
    executionId: taskRun.executionId,
    namespace: taskRun.namespace,
    flowId: taskRun.flowId,
    taskId: taskRun.taskId,
    ...member('parentTaskRunId', taskRun.parentId),
    ...member('value', taskRun.value),
    ...member(
      'attempts',
      taskRun.attempts.length === 0
        ? undefined
        : taskRun.attempts.map((attempt) => ({
            state: presentState(attempt),
            ...member('workerId', attempt.workerId),
            ...member('logFile', attempt.logFile),
          })),
    ),
    ...member('outputs', taskRun.outputs ?? (hasRun(taskRun) ? {} : undefined)),
    state: presentState(taskRun),
    ...member('iteration', taskRun.iteration),
  };
}

/** A task run that ended without outputs shows an empty map; one that was skipped, or changes the execution, none. */
const hasRun = ({ state, updates }: TaskRun): boolean => isTerminal(state) && state !== 'SKIPPED' && !updates;

/** An execution with its task runs. */
export const presentExecution = (records: ExecutionRecords): ExecutionView => ({
  ...presentListedExecution(records),
  taskRunList: [...records.taskRuns].sort((one, other) => one.sequence - other.sequence).map(presentTaskRun),
});

/** Of the first execution of a chain of retries and restarts. */
function originalCreatedDate(
  created: ExecutionRecords['created'],
  { histories }: ExecutionRecords['head'],
): string | undefined {
  const date = created?.originalCreatedAt ?? histories[0]?.date;
  return date === undefined ? undefined : isoDate(date);
}

/** An execution as lists show it: without task runs. */
export function presentListedExecution({ head, created, variables }: ExecutionRecords): ExecutionView {
  return {
    tenantId: head.tenant,
    id: head.executionId,
    namespace: head.namespace,
    flowId: head.flowId,
    flowRevision: head.flowRevision,
    ...member('inputs', created?.inputs),
    ...member('outputs', head.outputs),
    labels: head.labels,
    ...member('variables', variables?.variables),
    state: presentState(head),
    ...member('parentId', head.parentId),
    originalId: head.originalId,
    ...member('trigger', created?.trigger && shownTrigger(created.trigger)),
    deleted: false,
    metadata: {
      attemptNumber: head.attemptNumber,
      ...member('originalCreatedDate', originalCreatedDate(created, head)),
    },
    ...member('scheduleDate', created?.scheduleDate === undefined ? undefined : isoDate(created.scheduleDate)),
    ...member('kind', created?.executionKind),
    ...member('breakpoints', created?.breakpoints),
    ...member('warnings', head.warnings),
    ...member('failure', head.failure),
  };
}

/** What users see of it: how it is told of the end is the engine's. */
const shownTrigger = ({ id, type, variables }: ExecutionTrigger): PlainObject => ({ id, type, variables });
