import { isTruthy, type Job, type JobOutcome, type PlainObject } from '@millrace/model';
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
import { plainOutputs } from './plain-outputs.js';
import type { Renderer } from './rendering.js';

/** What one attempt works with. */
export interface TaskRunner {
  readonly job: Job;
  readonly registry: TaskTypeRegistry;
  readonly renderer: Renderer;
  readonly log: AttemptLog;
  readonly context: TaskContext;
  /** Starts the clock of the task's `timeout`; `text` is how it was written. */
  startTimeout(milliseconds: number, text: string): void;
}

/** Renders the task's properties and runs it. Rejects with what the task or its rendering threw. */
export async function runTask(runner: TaskRunner): Promise<JobOutcome> {
  const { job, registry, renderer } = runner;
  const taskType = registry.find(job.task.type);
  if (!taskType)
    throw new TaskFailure(`This worker has no task type '${job.task.type}': install the plugin that brings it`);
  if (job.task.runIf !== undefined && job.task.runIf !== null) {
    if (!isTruthy(await rendered(renderer, 'runIf', job.task.runIf))) return { state: 'SKIPPED' };
  }
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
  return call(runner, taskType, properties);
}

async function rendered(renderer: Renderer, name: string, written: unknown): Promise<unknown> {
  return (await renderer.values({ [name]: written }))[name];
}

async function call(runner: TaskRunner, taskType: TaskType, properties: PlainObject): Promise<JobOutcome> {
  // `checkProperties` has made them fit the type's schema; `type` and `id` are those of the task.
  const checked = { ...properties, id: runner.job.task.id, type: taskType.type };
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
  return { state: 'SUCCESS', evaluated: storable(plainOutputs(evaluated, 'values of the expressions')) };
}
