import { types } from 'node:util';
import { excerpt, type Clock, type JobOutcome, type PlainObject, type Topics } from '@millrace/model';
import { TaskFailure, type TaskContext, type TaskTypeRegistry } from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import type { Logger } from '@millrace/service';
import type { Storage } from '@millrace/storage';
import { createAttemptLog, type AttemptLog } from './attempt-log.js';
import type { Attempt, StopReason } from './attempt.js';
import { createHostFunctions } from './host-functions.js';
import { plainOutputs } from './plain-outputs.js';
import { createRenderer, type Renderer } from './rendering.js';
import { evaluateExpressions, runTask, type TaskRunner } from './run-task.js';
import { createSecretMask, type SecretMask, type SecretSource } from './secrets.js';
import { createAttemptFiles } from './task-files.js';

/** What all jobs of a worker share. */
export interface JobEnvironment {
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Topics;
  readonly storage: Storage;
  readonly registry: TaskTypeRegistry;
  readonly secrets: SecretSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly temporaryDirectory: string;
  readonly timeZone: string;
  readonly serverVariables: PlainObject;
}

/** Characters of an error that travel in a result; the log has the whole. */
const ERROR_LENGTH_MAX = 4_096;

/** A job that was started. */
export interface RunningJob {
  /** Never rejects. Log and metrics are not yet acknowledged. */
  readonly outcome: Promise<JobOutcome>;
  /** The outcome of a task that did not stop in time. */
  unstopped(reason: StopReason): JobOutcome;
  readonly log: AttemptLog;
}

/** Starts the job of an attempt. */
export function startJob(attempt: Attempt, environment: JobEnvironment): RunningJob {
  const { job } = attempt.taken;
  const { clock, storage, secrets } = environment;
  const mask = createSecretMask();
  const log = createAttemptLog({ ...environment, job, hide: mask.hide });
  const renderer = createRenderer({
    ...environment,
    variables: { ...environment.serverVariables, ...job.variables },
    host: createHostFunctions({ job, storage, secrets, mask }),
  });
  const files = createAttemptFiles(job, storage, environment.temporaryDirectory);
  let cancelTimeout: (() => void) | undefined;
  const runner: TaskRunner = {
    job,
    log,
    renderer,
    registry: environment.registry,
    context: taskContext(attempt, log, renderer, files),
    startTimeout(milliseconds, after) {
      cancelTimeout = clock.after(milliseconds, () => attempt.stop({ kind: 'timed-out', after }));
    },
  };

  async function run(): Promise<JobOutcome> {
    try {
      const outcome = await (job.kind === 'run' ? runTask(runner) : evaluateExpressions(runner));
      return attempt.reason && attempt.reason.kind !== 'handed-back' ? stoppedOutcome(attempt.reason, log) : outcome;
    } catch (error) {
      return attempt.reason ? stoppedOutcome(attempt.reason, log) : failedOutcome(error, log, environment.log);
    } finally {
      cancelTimeout?.();
      await files.removeWorkingDirectory().catch((error: unknown) => {
        environment.log.warn(
          { error, taskRunId: job.taskRunId },
          'The working directory of a task could not be removed',
        );
      });
    }
  }
  return {
    log,
    outcome: run().then((outcome) => masked(outcome, mask)),
    unstopped: (reason) => {
      if (reason.kind !== 'handed-back')
        log.write('WARN', 'The task does not stop; its slot stays occupied until it does');
      return stoppedOutcome(reason, log);
    },
  };
}

function taskContext(attempt: Attempt, log: AttemptLog, renderer: Renderer, files: TaskContext['files']): TaskContext {
  const { job } = attempt.taken;
  const taskRun: unknown = job.variables['taskrun'];
  const value = typeof taskRun === 'object' && taskRun !== null && 'value' in taskRun ? taskRun.value : undefined;
  return {
    tenant: job.tenant,
    namespace: job.namespace,
    flowId: job.flowId,
    executionId: job.executionId,
    taskId: job.task.id,
    taskRunId: job.taskRunId,
    attempt: job.attempt,
    ...(typeof value === 'string' && { value }),
    signal: attempt.signal,
    log,
    files,
    render: renderer.text,
    metric: log.metric,
  };
}

function stoppedOutcome(reason: StopReason, log: AttemptLog): JobOutcome {
  if (reason.kind !== 'timed-out') return { state: 'KILLED' };
  const error = `The task timed out after ${reason.after}`;
  log.write('ERROR', error);
  return { state: 'FAILED', error };
}

function failedOutcome(error: unknown, log: AttemptLog, serverLog: Logger): JobOutcome {
  const message = types.isNativeError(error) ? error.message || error.name : `The task threw ${excerpt(error)}`;
  log.write('ERROR', message);
  if (!types.isNativeError(error) || !isExpected(error)) serverLog.debug({ error }, 'A task failed unexpectedly');
  const failed: JobOutcome = { state: 'FAILED', error: excerpt(message, ERROR_LENGTH_MAX) };
  return error instanceof TaskFailure && error.outputs ? withOutputs(failed, error.outputs, log) : failed;
}

/** Outputs that a failed task leaves behind are kept if they can be; they must not hide why it failed. */
function withOutputs(failed: JobOutcome, outputs: PlainObject, log: AttemptLog): JobOutcome {
  try {
    return { ...failed, outputs: plainOutputs(outputs) };
  } catch (error) {
    log.write('ERROR', error instanceof Error ? error.message : String(error));
    return failed;
  }
}

const isExpected = (error: Error): boolean => ['TaskFailure', 'ExpressionError', 'StorageError'].includes(error.name);

const masked = (outcome: JobOutcome, mask: SecretMask): JobOutcome =>
  outcome.error === undefined ? outcome : { ...outcome, error: mask.hide(outcome.error) };
