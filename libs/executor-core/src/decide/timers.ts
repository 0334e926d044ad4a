import type { Decision } from '../decision.js';
import { wakeExecution } from '../operations/timers.js';
import { repeatKill } from './kill.js';

/** Retries started in one decision; while more are due the execution is woken again at once. */
const RETRIES_PER_WAKE = 50;

/** Something was due: retries start, a kill is repeated. */
export function wake(decision: Decision): void {
  const { head } = decision.view;
  if (head.dueAt !== undefined && head.dueAt <= decision.now && head.state === 'KILLING') repeatKill(decision);
  wakeExecution(decision);
  const due = decision.view.dueRuns(decision.now, RETRIES_PER_WAKE);
  if (due.length === 0) return;
  for (const run of due) {
    decision.fact(
      { kind: 'retry-started', taskRunId: run.id },
      { kind: 'task-run-moved', taskRunId: run.id, to: 'CREATED', at: decision.now },
    );
    decision.then({ kind: 'enter', taskRunId: run.id });
  }
  if (head.state === 'RETRYING' && head.retrying === due.length) {
    decision.fact({ kind: 'execution-moved', to: 'RUNNING', at: decision.now });
  }
}
