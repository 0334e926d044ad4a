import { isTruthy, type Job, type JobOutcome, type PlainObject, type TaskDefinition } from '@millrace/model';
import {
  parseDuration,
  TaskFailure,
  type InlineContext,
  type InlineResult,
  type TaskContext,
  type TaskResult,
  type TaskType,
  type TaskTypeRegistry,
} from '@millrace/plugin-api';
import type { AttemptLog } from './attempt-log.js';
import { plainOutputs, RECORD_BYTES_MAX } from './plain-outputs.js';
import type { Renderer } from './rendering.js';
import type { TaskCache } from './task-cache.js';

/** What one attempt works with. */
export interface TaskRunner {
  readonly job: Job;
  readonly registry: TaskTypeRegistry;
  readonly renderer: Renderer;
  readonly log: AttemptLog;
  readonly context: TaskContext;
  /** Called when it is sure that the task runs: `runIf` did not skip it. */
  readonly onStart?: () => Promise<void>;
  /** What keeps its outputs for later runs, if it has `taskCache`. */
  openCache(taskType: TaskType, properties: PlainObject): Promise<TaskCache | undefined>;
  /** Starts the clock of the task's `timeout`; `text` is how it was written. */
  startTimeout(milliseconds: number, text: string): void;
}

/**
 * Renders the task's properties and runs it. Rejects with what the task or its rendering threw.
 * @param given its type, when the registry does not have it
 */
export async function runTask(runner: TaskRunner, given?: TaskType): Promise<JobOutcome> {
  const { job, renderer } = runner;
  if (job.task.runIf !== undefined && job.task.runIf !== null) {
    if (!isTruthy(await rendered(renderer, 'runIf', job.task.runIf))) return { state: 'SKIPPED' };
  }
  await runner.onStart?.();
  const taskType = given ?? typeOf(runner, job.task.type);
  if (job.task.timeout !== undefined && job.task.timeout !== null) {
    const text = String(await rendered(renderer, 'timeout', job.task.timeout));
    const milliseconds = parseDuration(text);
    if (milliseconds === undefined || milliseconds <= 0) {
      throw new TaskFailure(`Property 'timeout' must be a duration such as PT5S, but is '${text}'`);
    }
    runner.startTimeout(milliseconds, text);
  }
  const properties = await renderer.properties(taskType, job.task);
  runner.context.signal.throwIfAborted();
  const cache = await runner.openCache(taskType, properties);
  const kept = await cache?.find();
  if (kept) return { state: 'SUCCESS', outputs: kept };
  const outcome = await call(runner, taskType, { ...properties, id: job.task.id, type: taskType.type });
  await cache?.save(outcome);
  return outcome;
}

function typeOf({ registry }: TaskRunner, type: string): TaskType {
  const taskType = registry.find(type);
  if (taskType) return taskType;
  throw new TaskFailure(
    registry.catalog.find(type)
      ? `A task of type '${type}' is decided by the executor: no worker runs it`
      : `This worker has no task type '${type}': install the plugin that brings it`,
  );
}

/** Runs another task in place of the runner's own. Rejects with what it or its rendering threw. */
export async function runInPlace(runner: TaskRunner, definition: TaskDefinition): Promise<TaskResult> {
  const taskType = typeOf(runner, definition.type);
  const properties = await runner.renderer.properties(taskType, definition);
  const { state, outputs, error } = await call(runner, taskType, {
    ...properties,
    id: definition.id,
    type: taskType.type,
  });
  if (error !== undefined) throw new TaskFailure(error, outputs);
  return {
    ...(outputs === undefined ? {} : { outputs }),
    ...(state === 'WARNING' || state === 'FAILED' ? { state } : {}),
  };
}

async function rendered(renderer: Renderer, name: string, written: unknown): Promise<unknown> {
  return (await renderer.values({ [name]: written }))[name];
}

/** @param checked made to fit the type's schema by `checkProperties`, with the task's `id` and `type` */
async function call(
  runner: TaskRunner,
  taskType: TaskType,
  checked: PlainObject & { readonly id: string; readonly type: string },
): Promise<JobOutcome> {
  if (taskType.inline) return inlineOutcome(runner, taskType.inline(checked, inlineContext(runner.job)));
  if (!taskType.run) throw new Error(`Task type '${taskType.type}' has no code`);
  return outcomeOf(await taskType.run(checked, runner.context));
}

const inlineContext = ({ executionId, taskRunId, task, flowId, namespace }: Job): InlineContext => ({
  executionId,
  taskRunId,
  taskId: task.id,
  flowId,
  namespace,
});

function inlineOutcome({ log }: TaskRunner, result: InlineResult): JobOutcome {
  for (const { level, message } of result.logs ?? []) log.write(level, message);
  for (const metric of result.metrics ?? []) log.metric(metric);
  if (result.error === undefined) return outcomeOf(result);
  log.write('ERROR', result.error);
  return { ...outcomeOf(result), state: 'FAILED', error: result.error };
}

function outcomeOf({ state = 'SUCCESS', outputs }: TaskResult): JobOutcome {
  return outputs === undefined ? { state } : { state, outputs: plainOutputs(outputs) };
}

/** Renders the expressions of a job of kind `evaluate`. @param storable makes of the values what may be stored */
export async function evaluateExpressions(
  { job, renderer }: Pick<TaskRunner, 'job' | 'renderer'>,
  storable: (evaluated: PlainObject) => PlainObject = (evaluated) => evaluated,
): Promise<JobOutcome> {
  const evaluated = await renderer.values(job.expressions ?? {});
  return {
    state: 'SUCCESS',
    evaluated: storable(plainOutputs(evaluated, 'values of the expressions', RECORD_BYTES_MAX)),
  };
}
