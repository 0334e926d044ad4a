import { types } from 'node:util';
import { excerpt, type Job, type JobOutcome, type PlainObject, type Topics } from '@millrace/model';
import {
  TaskFailure,
  type NamespaceFileReader,
  type TaskContext,
  type TaskServices,
  type TaskTypeRegistry,
} from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import type { Logger } from '@millrace/service';
import { createAttemptLog, type AttemptLog, type LineNumbering } from './attempt-log.js';
import type { Attempt, StopReason } from './attempt.js';
import type { AttemptDirectories } from './directories.js';
import { createFileLog } from './file-log.js';
import { createJobRenderer, type RenderingEnvironment } from './job-renderer.js';
import { plainOutputs } from './plain-outputs.js';
import { runInPlace, type TaskRunner } from './run-task.js';
import type { SecretMask } from './secrets.js';
import { storableOutputs } from './stored-outputs.js';
import { openTaskCache } from './task-cache.js';
import { createAttemptFiles } from './task-files.js';

/** What all jobs of a worker share. */
export interface JobEnvironment extends RenderingEnvironment {
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Topics;
  readonly registry: TaskTypeRegistry;
  readonly log: Logger;
  readonly temporaryDirectory: string;
  readonly namespaceFiles: (tenant: string) => NamespaceFileReader;
  /** @param signal aborted when the task must stop */
  readonly services: (job: Job, signal: AbortSignal) => TaskServices;
  /** Folders of this machine below which tasks may read `file:///` URIs. */
  readonly localFilePaths: readonly string[];
  /** @throws TaskFailure when no key is configured */
  readonly encrypt: (text: string) => PlainObject;
}

/** What the task of a job and the tasks inside it share. */
export interface Surroundings {
  readonly environment: JobEnvironment;
  readonly mask: SecretMask;
  readonly numbering: LineNumbering;
}

/** A task that is ready to run. */
export interface OpenedTask {
  /** Never rejects. Log and metrics are not yet acknowledged; directories are removed. */
  run(body: (runner: TaskRunner) => Promise<JobOutcome>): Promise<JobOutcome>;
  /** The outcome of a task that did not stop in time. */
  unstopped(reason: StopReason): JobOutcome;
  readonly log: AttemptLog;
}

/** Characters of an error that travel in a result; the log has the whole. */
const ERROR_LENGTH_MAX = 4_096;

/** Makes what a task works with. @param onStart called when it is sure that it runs */
export function openTask(
  attempt: Attempt,
  surroundings: Surroundings,
  directories: AttemptDirectories,
  onStart?: () => Promise<void>,
): OpenedTask {
  const { job } = attempt.taken;
  const { environment, mask } = surroundings;
  const { log, logFile } = openLog(attempt, surroundings);
  const runner = createRunner(attempt, surroundings, directories, log, onStart);

  const finished = (outcome: JobOutcome): JobOutcome => ({
    ...outcome,
    ...(outcome.error === undefined ? {} : { error: mask.hide(outcome.error) }),
    ...(logFile === undefined || outcome.state === 'SKIPPED' ? {} : { logFile }),
  });

  const kept = async (outcome: JobOutcome): Promise<JobOutcome> =>
    outcome.outputs
      ? { ...outcome, outputs: await storableOutputs(outcome.outputs, job, environment.storage) }
      : outcome;

  async function run(body: (runner: TaskRunner) => Promise<JobOutcome>): Promise<JobOutcome> {
    try {
      const outcome = await kept(await body(runner));
      return attempt.reason && attempt.reason.kind !== 'handed-back' ? stoppedOutcome(attempt.reason, log) : outcome;
    } catch (error) {
      if (attempt.reason) return stoppedOutcome(attempt.reason, log);
      const failed = failedOutcome(error, log, environment.log);
      // They must not hide why it failed.
      return kept(failed).catch(() => withoutOutputs(failed));
    } finally {
      runner.cancelTimeout();
      await directories.remove().catch((error: unknown) => {
        environment.log.warn({ error, taskRunId: job.taskRunId }, 'The directories of a task could not be removed');
      });
    }
  }
  return {
    log,
    run: async (body) => finished(await run(body)),
    unstopped: (reason) => {
      if (reason.kind !== 'handed-back')
        log.write('WARN', 'The task does not stop; its slot stays occupied until it does');
      return finished(stoppedOutcome(reason, log));
    },
  };
}

function openLog(
  attempt: Attempt,
  { environment, mask, numbering }: Surroundings,
): { log: AttemptLog; logFile?: string } {
  const { job } = attempt.taken;
  const log = createAttemptLog({ ...environment, job, hide: mask.hide, numbering });
  if (job.task.logToFile !== true || job.kind !== 'run') return { log };
  const { storage, clock, temporaryDirectory: directory } = environment;
  const fileLog = createFileLog({ job, storage, clock, hide: mask.hide, directory, metrics: log });
  return { log: fileLog, logFile: fileLog.uri };
}

function createRunner(
  attempt: Attempt,
  { environment, mask }: Surroundings,
  directories: AttemptDirectories,
  log: AttemptLog,
  onStart: (() => Promise<void>) | undefined,
): TaskRunner & { cancelTimeout(): void } {
  const { job } = attempt.taken;
  const { clock, storage, localFilePaths } = environment;
  const renderer = createJobRenderer(job, environment, mask, () => context);
  const namespaceFiles = environment.namespaceFiles(job.tenant);
  const files = createAttemptFiles({ job, storage, directories, namespaceFiles, localFilePaths });
  let cancelTimeout: () => void = () => undefined;
  const context: TaskContext = {
    ...aboutTask(attempt),
    signal: attempt.signal,
    log,
    files,
    render: renderer.text,
    metric: log.metric,
    namespaceFiles,
    services: environment.services(job, attempt.signal),
    runTask: (definition) => runInPlace(runner, definition),
    encrypt: (text) => Promise.resolve().then(() => environment.encrypt(text)),
  };
  const runner = {
    job,
    log,
    renderer,
    registry: environment.registry,
    context,
    ...(onStart && { onStart }),
    openCache: (taskType, properties) =>
      openTaskCache({ job, storage, clock, context, renderer, taskType, properties }),
    startTimeout(milliseconds, after) {
      cancelTimeout = clock.after(milliseconds, () => attempt.stop({ kind: 'timed-out', after }));
    },
    cancelTimeout: () => cancelTimeout(),
  } satisfies TaskRunner & { cancelTimeout(): void };
  return runner;
}

function aboutTask({ taken: { job } }: Attempt) {
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

const withoutOutputs = ({ outputs: _lost, ...failed }: JobOutcome): JobOutcome => failed;

const isExpected = (error: Error): boolean => ['TaskFailure', 'ExpressionError', 'StorageError'].includes(error.name);
