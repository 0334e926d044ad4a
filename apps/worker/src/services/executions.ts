import { Scope } from '@millrace/authorization';
import { isoDate, isTerminal, STATES, type ExecutionHead, type Job, type Topics } from '@millrace/model';
import {
  TaskFailure,
  type ExecutionPurge,
  type ExecutionSelection,
  type PurgedExecutions,
  type TaskExecutions,
} from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import type { QueryFilter, Repository } from '@millrace/repository';
import { removeExecutionData, type CommandOutcome, type Commands } from '@millrace/resources';
import type { Storage } from '@millrace/storage';

export interface TaskExecutionsOptions {
  readonly job: Job;
  readonly commands: Pick<Commands, 'operate'>;
  readonly repository: () => Promise<Repository>;
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Topics;
  readonly storage: Storage;
  /** Aborted when the task must stop. */
  readonly signal: AbortSignal;
}

const ENDED = STATES.filter(isTerminal);

/** Executions as a task reaches them. */
export function createTaskExecutions(options: TaskExecutionsOptions): TaskExecutions {
  const { job, repository } = options;
  const scope = Scope.system(job.tenant);
  const search = async (selection: ExecutionSelection, size: number) =>
    (await repository()).searchExecutions(scope, {
      page: 1,
      size,
      sort: [{ field: 'startDate', direction: 'desc' }],
      filters: filtersOf(selection),
      now: 0,
    });
  return {
    count: async (selection) => (await search(selection, 1)).total,
    find: async (selection, limit) => (await search(selection, limit)).results.map(({ head }) => head.executionId),
    async resume(executionId, given) {
      accept(await operate(options, executionId, { kind: 'resume', given }), executionId);
    },
    async purge(selection, what, batchSize) {
      const total: Mutable<PurgedExecutions> = { executions: 0, logs: 0, metrics: 0, storages: 0 };
      const states = (selection.states ?? ENDED).filter(isTerminal);
      for await (const head of endedExecutions(options, { ...selection, states }, batchSize)) {
        options.signal.throwIfAborted();
        const purged = await purgeExecution(options, head, what);
        total.executions += purged.executions;
        total.logs += purged.logs;
        total.metrics += purged.metrics;
        total.storages += purged.storages;
      }
      return total;
    },
  };
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

const operate = (
  { job, commands }: TaskExecutionsOptions,
  executionId: string,
  operation: Parameters<Commands['operate']>[0]['operation'],
): Promise<CommandOutcome> =>
  commands.operate({ tenant: job.tenant, executionId, operation, by: `task ${job.flowId}.${job.task.id}` });

/** @throws TaskFailure with the owner's reason */
function accept(outcome: CommandOutcome, executionId: string): void {
  if (outcome.kind !== 'refused') return;
  const faults = (outcome.faults ?? []).map(({ message }) => message).join(' ');
  throw new TaskFailure(`The execution '${executionId}': ${outcome.message}${faults === '' ? '' : ` (${faults})`}`);
}

function filtersOf({ namespace, flowId, states, from, before }: ExecutionSelection): readonly QueryFilter[] {
  const filter = (field: string, operation: QueryFilter['operation'], value: string | undefined): QueryFilter[] =>
    value === undefined ? [] : [{ field, operation, value }];
  return [
    ...filter('namespace', flowId === undefined ? 'PREFIX' : 'EQUALS', namespace),
    ...filter('flowId', 'EQUALS', flowId),
    ...filter('state', 'IN', states?.join(',')),
    ...filter('startDate', 'GREATER_THAN_OR_EQUAL_TO', from === undefined ? undefined : isoDate(from)),
    ...filter('startDate', 'LESS_THAN', before === undefined ? undefined : isoDate(before)),
  ];
}

/**
 * The selected executions, the oldest first. Those that were told may vanish meanwhile, at once or a little later, so the
 * next page is asked for by date and not by number.
 */
async function* endedExecutions(
  { job, repository }: TaskExecutionsOptions,
  selection: ExecutionSelection,
  size: number,
): AsyncGenerator<ExecutionHead> {
  if (selection.states?.length === 0) return;
  const scope = Scope.system(job.tenant);
  let from = selection.from;
  /** Told, of those that were started at `from`. */
  let told = new Set<string>();
  for (let page = 1; ;) {
    const { results } = await (
      await repository()
    ).searchExecutions(scope, {
      page,
      size,
      sort: [{ field: 'startDate', direction: 'asc' }],
      filters: filtersOf({ ...selection, ...(from === undefined ? {} : { from }) }),
      now: 0,
    });
    let isNew = false;
    for (const { head } of results) {
      const startedAt = head.histories[0]?.date ?? 0;
      if (startedAt !== from) {
        from = startedAt;
        told = new Set();
      }
      if (told.has(head.executionId)) continue;
      told.add(head.executionId);
      isNew = true;
      yield head;
    }
    if (results.length < size) return;
    page = isNew ? 1 : page + 1;
  }
}

async function purgeExecution(
  options: TaskExecutionsOptions,
  head: ExecutionHead,
  what: ExecutionPurge,
): Promise<PurgedExecutions> {
  const scope = Scope.system(options.job.tenant);
  const { executionId } = head;
  const repository = await options.repository();
  const logs = what.logs ? await repository.countLogs(scope, { executionId }) : 0;
  const metrics = what.metrics ? await repository.countMetrics(scope, { executionId }) : 0;
  // What it left behind goes first: an execution that is gone names nothing any more that could be looked for.
  const storages = await removeExecutionData(options, scope, head, what);
  if (!what.execution) return { executions: 0, logs, metrics, storages };
  const outcome = await operate(options, executionId, { kind: 'delete' });
  // Somebody else has deleted it meanwhile.
  if (outcome.kind === 'refused' && outcome.reason === 'unknown') return { executions: 0, logs, metrics, storages };
  accept(outcome, executionId);
  return { executions: 1, logs, metrics, storages };
}
