import { isTerminal, LIVENESS, type KillRequested, type TaskRun } from '@millrace/model';
import type { Decision } from '../decision.js';
import { stopTaskRun, withdrawJob } from '../end-task-run.js';

/** How long a worker may take to confirm a kill before it is told again, in milliseconds. */
const REPEAT_MS = LIVENESS.heartbeatMs;
/** Name of the timer that repeats a kill. */
export const KILL_TIMER = 'kill';
/** Task runs that one step of a kill stops. */
const STOPPED_PER_STEP = 200;

/**
 * A kill was asked for. What has not been claimed ends at once; workers are told to stop what they run, and the
 * execution is KILLED when the last of them has confirmed it (or is lost).
 */
export function killRequested(
  decision: Decision,
  { cascade = true, endsAs = 'KILLED' }: Pick<KillRequested, 'cascade' | 'endsAs'>,
): void {
  const { head } = decision.view;
  if (isTerminal(head.state) || head.state === 'KILLING') return;
  if (cascade) decision.then({ kind: 'kill-children', from: 0 });
  decision.fact(
    { kind: 'end-decided', state: endsAs },
    { kind: 'execution-moved', to: 'KILLING', at: decision.now },
    { kind: 'timer-set', name: KILL_TIMER, at: decision.now + REPEAT_MS },
  );
  decision.then({ kind: 'kill-more' });
}

/**
 * Step `kill-more`: stops a part of what runs, so that no decision grows with the execution; then the rest. When the
 * execution is not killed but left (an Exit), what a worker runs goes on to its end.
 */
export function killMore(decision: Decision): void {
  const left = stopLeaves(decision, undefined, STOPPED_PER_STEP);
  decision.then({ kind: left > 0 ? 'settle-kill' : 'kill-more' });
}

/** A kill that nobody confirmed is repeated; the command may have been lost with a connection. */
export function repeatKill(decision: Decision): void {
  for (const run of claimedRuns(decision, undefined)) withdrawJob(decision, run);
  decision.fact({ kind: 'timer-set', name: KILL_TIMER, at: decision.now + REPEAT_MS });
}

/** Answers how many more could have been stopped. */
function stopLeaves(decision: Decision, owner: string | undefined, count: number): number {
  let left = count;
  for (const run of decision.view.activeChildren(owner)) {
    if (left <= 0) return 0;
    if (run.state === 'KILLING') continue;
    // A WorkingDirectory that a worker has ends with its children when the worker has confirmed it.
    if (run.progress && !run.claim && (run.state === 'RUNNING' || run.state === 'PAUSED'))
      left = stopLeaves(decision, run.id, left);
    else if (run.claim && run.state === 'RUNNING' && !decision.isStopping) continue;
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
