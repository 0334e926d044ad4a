import type { TaskRun } from '@millrace/model';
import type { Decision } from '../decision.js';
import { timerOfOperation } from '../operations/timers.js';
import { pauseExpired } from '../pause.js';
import { durationPassed, SLA_TIMER } from '../sla.js';
import { lookAtWaitingJobs } from '../waiting-jobs.js';
import { WORKERS_TIMER } from '../worker-groups.js';
import { KILL_TIMER, repeatKill } from './kill.js';

/** Task runs taken up in one decision; while more are due the execution is woken again at once. */
const RUNS_PER_WAKE = 50;

/** Something was due: retries start, pauses end, a kill is repeated, an agreement was broken. */
export function wake(decision: Decision): void {
  const { head } = decision.view;
  for (const [name, at] of Object.entries(head.timers ?? {})) {
    if (at <= decision.now) timerDue(decision, name);
  }
  for (const run of decision.view.dueRuns(decision.now, RUNS_PER_WAKE)) runDue(decision, run);
}

function timerDue(decision: Decision, name: string): void {
  if (name === KILL_TIMER && decision.isStopping) return repeatKill(decision);
  decision.fact({ kind: 'timer-set', name, at: undefined });
  timerOfOperation(decision, name);
  if (name === WORKERS_TIMER) lookAtWaitingJobs(decision);
  if (name.startsWith(SLA_TIMER)) durationPassed(decision, name.slice(SLA_TIMER.length));
}

function runDue(decision: Decision, run: TaskRun): void {
  if (run.state !== 'PAUSED') {
    decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: 'CREATED', at: decision.now });
    return decision.then({ kind: 'enter', taskRunId: run.id });
  }
  if (decision.taskOf(run).type === 'core.flow.Pause') return pauseExpired(decision, run);
  decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: 'RUNNING', at: decision.now });
  decision.then({ kind: 'next-round', taskRunId: run.id });
}
