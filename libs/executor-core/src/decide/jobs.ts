import type { InstanceLost, JobClaimed, JobEnded, JobHandedBack, JobProgressed, TaskRun } from '@millrace/model';
import { countedAttempts, isOpen, type Decision } from '../decision.js';
import { endAttempt, evaluationAttempt, nextAttempt, stopTaskRun } from '../end-task-run.js';
import { endEvaluation } from '../evaluation.js';
import { outputsStored } from '../executables/item-outputs.js';
import { submitAgain } from '../start-task.js';
import { childProgressed, endWorkingDirectory, hasWorkerChildren, isWorkingDirectory } from '../working-directory.js';

/** A worker took a job: the newest claim of the current attempt holds (protocols.md part 3.3). */
export function jobClaimed(decision: Decision, event: JobClaimed): void {
  const run = decision.view.run(event.taskRunId);
  if (!isOpen(run) || !isCurrentClaim(run, event)) return killStale(decision, event);
  const { token, instance } = event;
  if (run.claim?.token === token) return;
  if (run.claim) killStale(decision, { ...event, ...run.claim });
  if (run.claim && hasWorkerChildren(decision, run)) {
    // Both would tell of the same children: neither counts, and a third begins anew with children of its own.
    killStale(decision, event);
    return giveOutAgain(decision, run, false);
  }
  decision.fact({ kind: 'job-claimed', taskRunId: run.id, claim: { token, instance } });
  if (!run.evaluating && run.state === 'SUBMITTED') {
    decision.fact(
      { kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now },
      { kind: 'attempt-opened', taskRunId: run.id, at: decision.now, workerId: instance },
    );
  }
  // A worker that stood still while it took the job may have been declared lost before the claim was read.
  if (decision.context.isLost(instance)) decision.then({ kind: 'instance-lost', instance });
}

function isCurrentClaim(run: TaskRun, { attempt }: JobClaimed): boolean {
  if (run.evaluating) return attempt === evaluationAttempt(run);
  // A second hand-over of the attempt that runs already, or the first of the one that was submitted.
  return run.state === 'SUBMITTED'
    ? attempt === nextAttempt(run)
    : run.claim !== undefined && attempt === run.attempts.length;
}

function killStale(
  decision: Decision,
  event: Pick<JobClaimed, 'tenant' | 'executionId' | 'taskRunId' | 'attempt' | 'token' | 'instance'>,
): void {
  const { tenant, executionId, taskRunId, attempt, token, instance } = event;
  decision.effect({
    kind: 'command-worker',
    instance,
    command: { kind: 'kill-job', tenant, executionId, taskRunId, attempt, token },
  });
}

/** A worker answered. Only the answer of the current claim of the current attempt counts; all others change nothing. */
export function jobEnded(decision: Decision, event: JobEnded): void {
  const run = decision.view.run(event.taskRunId);
  if (!isOpen(run) || !isCurrent(decision, run, event)) return;
  const { outcome } = event;
  // The worker was told to stop it when another claim was newer; since then a repeat of its own became the newest.
  if (outcome.state === 'KILLED' && !decision.isStopping) return giveOutAgain(decision, run, false);
  if (run.evaluating && run.items && outcome.state === 'SUCCESS' && !decision.isStopping) {
    // The late answer of an earlier page says nothing of this one.
    if (outcome.outputs?.['page'] !== run.items.stored) return giveOutAgain(decision, run, false);
    return outputsStored(decision, run, run.items);
  }
  if (run.evaluating && outcome.state === 'SUCCESS') {
    decision.fact({ kind: 'evaluated', taskRunId: run.id, values: outcome.evaluated ?? {} });
    if (!decision.isLeaving) return decision.then({ kind: 'enter', taskRunId: run.id });
    stopTaskRun(decision, run, 'KILLED');
    // It may have been the last that its owners waited for.
    return decision.then({ kind: 'settle-kill' });
  }
  if (run.evaluating) return endEvaluation(decision, run, decision.isLeaving ? 'KILLED' : 'FAILED');
  const task = decision.taskOf(run);
  // Its worker has written it into the log.
  if (outcome.error !== undefined) decision.noteError(run.id, task, run.attempts.length, outcome.error);
  if (isWorkingDirectory(run, decision)) return endWorkingDirectory(decision, run, outcome, 'retries');
  endAttempt(decision, task, {
    id: run.id,
    ...(run.parentId === undefined ? {} : { parentId: run.parentId }),
    attempts: countedAttempts(run),
    firstStart: run.attempts[0]?.histories[0]?.date ?? decision.now,
    // A kill was asked for: whatever the worker answered, its result is not used any more.
    state: decision.isStopping ? 'KILLED' : outcome.state,
    ...(outcome.outputs === undefined ? {} : { outputs: outcome.outputs }),
    ...(outcome.logFile === undefined ? {} : { logFile: outcome.logFile }),
  });
}

/** A worker tells of a child of its WorkingDirectory; counts like a result. */
export function jobProgressed(decision: Decision, event: JobProgressed): void {
  const run = decision.view.run(event.taskRunId);
  if (!isOpen(run) || run.evaluating || !isCurrent(decision, run, event)) return;
  if (isWorkingDirectory(run, decision)) childProgressed(decision, run, event);
}

function isCurrent(decision: Decision, run: TaskRun, { attempt, token }: Pick<JobEnded, 'attempt' | 'token'>): boolean {
  const expected = run.evaluating ? evaluationAttempt(run) : run.attempts.length;
  if (attempt !== expected || run.claim === undefined) return false;
  return decision.context.broken === 'no-claim-token' || run.claim.token === token;
}

/** A worker that stops gave a job back: another one gets it, and nothing is counted against the task. */
export function jobHandedBack(decision: Decision, event: JobHandedBack): void {
  const run = decision.view.run(event.taskRunId);
  if (isOpen(run) && isCurrent(decision, run, event)) giveOutAgain(decision, run, false);
}

/** Every job that the lost instance had is given to another worker, unless that happened too often. */
export function instanceLost(decision: Decision, { instance }: InstanceLost): void {
  for (const run of claimedBy(decision, instance, undefined)) giveOutAgain(decision, run, true);
}

function claimedBy(decision: Decision, instance: string, owner: string | undefined): TaskRun[] {
  return decision.view
    .activeChildren(owner)
    .flatMap((run) =>
      run.claim?.instance === instance ? [run] : run.progress ? claimedBy(decision, instance, run.id) : [],
    );
}

function giveOutAgain(decision: Decision, run: TaskRun, counted: boolean): void {
  const task = decision.taskOf(run);
  const resubmits = (run.resubmits ?? 0) + (counted ? 1 : 0);
  const lost = `The worker '${run.claim?.instance}' was lost while it ran attempt ${run.attempts.length}`;
  if (decision.isLeaving || resubmits > decision.context.limits.resubmits) {
    if (!decision.isLeaving)
      decision.log(
        run,
        task,
        run.attempts.length,
        'ERROR',
        `${lost}, as ${resubmits - 1} before it: the task may be what ends them, and is not given out again`,
      );
    if (run.evaluating) return endEvaluation(decision, run, decision.isLeaving ? 'KILLED' : 'FAILED');
    if (isWorkingDirectory(run, decision)) return endWorkingDirectory(decision, run, { state: 'FAILED' }, 'ends');
    return endAttempt(decision, task, {
      id: run.id,
      ...(run.parentId === undefined ? {} : { parentId: run.parentId }),
      attempts: Infinity, // no retry: the same would happen again
      firstStart: decision.now,
      state: decision.isLeaving ? 'KILLED' : 'FAILED',
    });
  }
  if (counted) decision.log(run, task, run.attempts.length, 'WARN', `${lost}; another worker runs it again`);
  if (!run.evaluating)
    decision.fact({ kind: 'attempt-closed', taskRunId: run.id, state: 'RESUBMITTED', at: decision.now });
  decision.fact({ kind: 'job-given-out-again', taskRunId: run.id, counted });
  submitAgain(decision, run, resubmits);
}
