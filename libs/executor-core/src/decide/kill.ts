import { isTerminal, LIVENESS, type TaskRun } from '@millrace/model';
import type { Decision } from '../decision.js';
import { endExecution } from '../end-execution.js';
import { stopTaskRun, withdrawJob } from '../end-task-run.js';
import { START } from '../operations/timer-names.js';
import { afterExecution } from '../owner.js';

/** How long a worker may take to confirm a kill before it is told again, in milliseconds. */
const REPEAT_MS = LIVENESS.heartbeatMs;
/** Task runs that one step of a kill stops. */
const STOPPED_PER_STEP = 200;

/**
 * A kill was asked for. What has not been claimed ends at once; workers are told to stop what they run, and the
 * execution is KILLED when the last of them has confirmed it (or is lost).
 */
export function killRequested(decision: Decision): void {
  const { head } = decision.view;
  if (isTerminal(head.state) || head.state === 'KILLING') return;
  if (head.state === 'QUEUED') {
    // Nothing of it runs.
    endExecution(decision, 'KILLED');
    return afterExecution(decision);
  }
  if (head.timers?.[START] !== undefined) decision.fact({ kind: 'timer-set', name: START, at: undefined });
  decision.fact(
    { kind: 'execution-moved', to: 'KILLING', at: decision.now },
    { kind: 'kill-repeat-set', at: decision.now + REPEAT_MS },
  );
  killMore(decision);
}

/** Step `kill-more`: stops a part of what runs, so that no decision grows with the execution; then the rest. */
export function killMore(decision: Decision): void {
  const left = stopLeaves(decision, undefined, STOPPED_PER_STEP);
  decision.then({ kind: left > 0 ? 'settle-kill' : 'kill-more' });
}

/** A kill that nobody confirmed is repeated; the command may have been lost with a connection. */
export function repeatKill(decision: Decision): void {
  for (const run of claimedRuns(decision, undefined)) withdrawJob(decision, run);
  decision.fact({ kind: 'kill-repeat-set', at: decision.now + REPEAT_MS });
}

/** Answers how many more could have been stopped. */
function stopLeaves(decision: Decision, owner: string | undefined, count: number): number {
  let left = count;
  for (const run of decision.view.activeChildren(owner)) {
    if (left <= 0) return 0;
    if (run.state === 'KILLING') continue;
    if (run.progress && run.state === 'RUNNING') left = stopLeaves(decision, run.id, left);
    else {
      left--;
      if (run.claim && run.state === 'RUNNING') {
        withdrawJob(decision, run);
        decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: 'KILLING', at: decision.now });
      } else stopTaskRun(decision, run, 'KILLED');
    }
  }
  return left;
}

function claimedRuns(decision: Decision, owner: string | undefined): TaskRun[] {
  return decision.view
    .activeChildren(owner)
    .flatMap((run) => (run.claim ? [run] : run.progress ? claimedRuns(decision, run.id) : []));
}
