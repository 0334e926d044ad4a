import type { JobOutcome, OutgoingRecord, WorkerCommand } from '@millrace/model';
import type { TakenJob } from '@millrace/queue';
import { createAttempt, STOP_GRACE_MS, type Attempt, type StopReason } from './attempt.js';
import { means } from './commands.js';
import { withoutLogFile } from './file-log.js';
import type { JobRecords } from './job-records.js';
import { publishPersistently } from './persistent-publish.js';
import { startJob, type JobEnvironment, type RunningJob } from './run-job.js';

/** The attempts that this worker runs. */
export interface Attempts {
  readonly running: number;
  /** Runs a job to its end and answers the records of its result; never rejects. */
  run(taken: TakenJob): Promise<readonly OutgoingRecord[]>;
  kill(command: Extract<WorkerCommand, { kind: 'kill-job' }>): void;
  /** Tells every attempt to stop; their jobs go back to the queue at once. */
  handBackAll(): void;
}

export interface AttemptsOptions {
  readonly environment: JobEnvironment;
  readonly records: JobRecords;
  /** False: a job that was just taken goes straight back. */
  mayRun(): boolean;
  onEnded(outcome: JobOutcome, durationMs: number): void;
  /** How long a stopped task may take until it is reported although it still runs. */
  readonly stopGraceMs?: number;
}

/**
 * A task that was told to stop and does not is reported after a grace, so that its execution goes on; the slot is free
 * only when the task is really gone, so that a worker never runs more than its slots. A job that is handed back is
 * reported at once.
 */
export function createAttempts(options: AttemptsOptions): Attempts {
  const { environment, records, mayRun, onEnded, stopGraceMs = STOP_GRACE_MS } = options;
  const { clock } = environment;
  const attempts = new Set<Attempt>();

  async function runAttempt(attempt: Attempt): Promise<readonly OutgoingRecord[]> {
    const startedAt = clock.now();
    const job = startJob(attempt, environment, records);
    const first = await Promise.race([job.outcome, attempt.overdue.then((reason) => ({ reason }))]);
    const reported = 'reason' in first ? job.unstopped(first.reason) : first;
    onEnded(reported, clock.now() - startedAt);
    const outcome = (await closeLog(job, environment)) ? reported : withoutLogFile(reported);
    if (!('reason' in first)) return records.ended(attempt.taken, outcome, clock.now());
    return reportBeforeItsEnd(attempt, first.reason, outcome, job);
  }

  async function reportBeforeItsEnd(
    attempt: Attempt,
    reason: StopReason,
    outcome: JobOutcome,
    job: RunningJob,
  ): Promise<readonly OutgoingRecord[]> {
    const result =
      reason.kind === 'handed-back'
        ? records.handedBack(attempt.taken)
        : records.ended(attempt.taken, outcome, clock.now());
    try {
      await publishPersistently(environment.queue, clock, result);
    } catch (error) {
      environment.log.error(
        { error },
        'The result of a task that does not stop could not be published; it follows when the task has ended',
      );
      await job.outcome;
      return result;
    }
    await job.outcome;
    return [];
  }

  return {
    get running() {
      return attempts.size;
    },
    async run(taken) {
      if (!mayRun()) return records.handedBack(taken);
      const attempt = createAttempt(taken, clock, stopGraceMs);
      attempts.add(attempt);
      try {
        return await runAttempt(attempt);
      } finally {
        attempt.close();
        attempts.delete(attempt);
      }
    },
    kill(command) {
      for (const attempt of attempts) if (means(command, attempt)) attempt.stop({ kind: 'killed' });
    },
    handBackAll() {
      for (const attempt of attempts) attempt.stop({ kind: 'handed-back' });
    },
  };
}

/** A result without its log is better than none: what the log cannot take is told to the operators. */
async function closeLog({ log }: RunningJob, { log: serverLog }: Pick<JobEnvironment, 'log'>): Promise<boolean> {
  try {
    await log.close();
    return true;
  } catch (error) {
    serverLog.error({ error }, 'Log entries of a task were lost: the queue or the storage takes nothing more');
    return false;
  }
}
