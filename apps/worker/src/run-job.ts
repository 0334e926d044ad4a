import type { JobOutcome } from '@millrace/model';
import type { AttemptLog } from './attempt-log.js';
import type { Attempt, StopReason } from './attempt.js';
import { createDirectories } from './directories.js';
import { storableEvaluated } from './job-renderer.js';
import type { JobRecords } from './job-records.js';
import { openTask, type JobEnvironment, type Surroundings } from './open-task.js';
import { evaluateExpressions, runTask, type TaskRunner } from './run-task.js';
import { createSecretMask } from './secrets.js';
import { workingDirectoryTask } from './working-directory.js';

export type { JobEnvironment } from './open-task.js';

/** A job that was started. */
export interface RunningJob {
  /** Never rejects. Log and metrics are not yet acknowledged. */
  readonly outcome: Promise<JobOutcome>;
  /** The outcome of a task that did not stop in time. */
  unstopped(reason: StopReason): JobOutcome;
  readonly log: AttemptLog;
}

/** Starts the job of an attempt. @param records news of the children of a WorkingDirectory */
export function startJob(attempt: Attempt, environment: JobEnvironment, records: JobRecords): RunningJob {
  const { job } = attempt.taken;
  const { encryptionKey } = environment.expressionServices ?? {};
  const mask = createSecretMask();
  const surroundings: Surroundings = { environment, mask, numbering: { next: 0 } };
  const directories = createDirectories(environment.temporaryDirectory);
  const { run, log, unstopped } = openTask(attempt, surroundings, directories);

  function body(runner: TaskRunner): Promise<JobOutcome> {
    if (job.kind === 'evaluate') {
      return evaluateExpressions(runner, (evaluated) => storableEvaluated(evaluated, job, mask, encryptionKey));
    }
    if (!job.children) return runTask(runner);
    return runTask(runner, workingDirectoryTask({ attempt, surroundings, directories, records }));
  }
  return { log, outcome: run(body), unstopped };
}
