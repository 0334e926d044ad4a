import { isTerminal, LIVENESS, type TaskRun } from '@millrace/model';
import type { Decision } from '../decision.js';
import { stopTaskRun, withdrawJob } from '../end-task-run.js';

/** How long a worker may take to confirm a kill before it is told again, in milliseconds. */
const REPEAT_MS = LIVENESS.heartbeatMs;

/**
 * A kill was asked for. What has not been claimed ends at once; workers are told to stop what they run, and the
 * execution is KILLED when the last of them has confirmed it (or is lost).
 */
export function killRequested(decision: Decision): void {
  const { head } = decision.view;
  if (isTerminal(head.state) || head.state === 'KILLING') return;
  decision.fact(
    { kind: 'execution-moved', to: 'KILLING', at: decision.now },
    { kind: 'kill-repeat-set', at: decision.now + REPEAT_MS },
  );
  stopLeaves(decision, undefined);
  decision.then({ kind: 'settle-kill' });
}

/** A kill that nobody confirmed is repeated; the command may have been lost with a connection. */
export function repeatKill(decision: Decision): void {
  for (const run of claimedRuns(decision, undefined)) withdrawJob(decision, run);
  decision.fact({ kind: 'kill-repeat-set', at: decision.now + REPEAT_MS });
}

function stopLeaves(decision: Decision, owner: string | undefined): void {
  for (const run of decision.view.activeChildren(owner)) {
    if (run.progress && run.state === 'RUNNING') stopLeaves(decision, run.id);
    else if (run.claim) {
      withdrawJob(decision, run);
      if (run.state === 'RUNNING') {
        decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: 'KILLING', at: decision.now });
      }
    } else stopTaskRun(decision, run, 'KILLED');
  }
}

function claimedRuns(decision: Decision, owner: string | undefined): TaskRun[] {
  return decision.view
    .activeChildren(owner)
    .flatMap((run) => (run.claim ? [run] : run.progress ? claimedRuns(decision, run.id) : []));
}
