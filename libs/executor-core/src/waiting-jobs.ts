import type { TaskRun, WorkersChanged } from '@millrace/model';
import { placeOf, type Decision } from './decision.js';
import { withdrawJob } from './end-task-run.js';
import { submitAgain } from './start-task.js';
import type { ExecutionState } from './state.js';
import {
  chooseGroup,
  lookAgainAt,
  lookAgainLater,
  settleWarnings,
  waitsIn,
  workerGroupStatus,
  type ChosenGroup,
} from './worker-groups.js';

/** True when an execution has to hear that workers of a group have come, or that all have gone. */
export function concernsGroup(state: ExecutionState, { group }: WorkersChanged): boolean {
  if (!state.exists || state.head.progress.section === 'ended') return false;
  return state.head.warnings !== undefined || state.allRuns().some((run) => waitsIn(run) === group);
}

/**
 * Workers of a group have come, or all have gone. What is done follows from what this executor sees itself; when that is not
 * what the event says, it looks again later.
 */
export function workersChanged(decision: Decision, { group, live }: WorkersChanged): void {
  lookAtWaitingJobs(decision);
  const agrees = (workerGroupStatus(decision, group) === 'live') === live;
  if (!agrees && decision.view.allRuns().some((run) => waitsIn(run) === group)) lookAgainLater(decision);
}

/**
 * Hands over the jobs that were kept for a group which has a worker now. Jobs in the topic of a group whose last worker has
 * gone wait, or end as their fallback says. Done twice it changes nothing.
 */
export function lookAtWaitingJobs(decision: Decision): void {
  if (decision.isLeaving) return;
  const withoutWorker = new Set<string>();
  for (const run of decision.view.allRuns()) {
    const group = waitsIn(run);
    if (group === undefined) continue;
    const status = workerGroupStatus(decision, group);
    if (run.awaitsWorker === true) {
      if (status !== 'no-worker' || isOver(decision, run)) submitAgain(decision, run, run.resubmits ?? 0);
      else {
        withoutWorker.add(group);
        lookAgainLater(decision, run.waitsUntil);
      }
    } else if (status === 'live') endWait(decision, run);
    else if (!endsByFallback(decision, run)) withoutWorker.add(group);
  }
  settleWarnings(decision, withoutWorker);
}

/** Its task run does not wait any longer. */
const isOver = ({ now }: Decision, { waitsUntil = Infinity }: TaskRun): boolean => waitsUntil <= now;

/** A worker has come to the topic in which the job lies. */
function endWait(decision: Decision, { id, waitsUntil }: TaskRun): void {
  if (waitsUntil !== undefined) decision.fact({ kind: 'wait-limited', taskRunId: id, until: undefined });
}

/** Takes a job back whose task does not want to wait, or has waited long enough, and ends its task run. False: it waits. */
function endsByFallback(decision: Decision, run: TaskRun): boolean {
  // What the engine stores for itself is not the task's.
  if (run.evaluating === true && run.items) return false;
  const task = decision.taskOf(run);
  const chosen: ChosenGroup = chooseGroup(decision, task, placeOf(run), run.attempts.length);
  if (chosen.kind !== 'ends') {
    const { until } = chosen;
    if (until === undefined) return false;
    if (run.waitsUntil === undefined) decision.fact({ kind: 'wait-limited', taskRunId: run.id, until });
    lookAgainAt(decision, until);
    return false;
  }
  withdrawJob(decision, run);
  submitAgain(decision, run, run.resubmits ?? 0);
  return true;
}
