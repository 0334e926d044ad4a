import { isTerminal, type State, type TaskRun } from '@millrace/model';
import { killRequested } from './decide/kill.js';
import type { Decision } from './decision.js';

/**
 * The execution ends in `state`, and so do the tasks around `run`: nothing new starts, what a worker runs goes on to its
 * end; KILLED stops that too. `run` itself is the caller's to end; when it has children it ends with the others. Has no
 * effect in what runs after the end of the execution.
 */
export function exitExecution(
  decision: Decision,
  run: Pick<TaskRun, 'id' | 'parentId' | 'progress'>,
  state: State,
): void {
  if (isTerminal(decision.view.head.state) || decision.isLeaving) return;
  if (state === 'KILLED') return killRequested(decision, {});
  decision.fact({ kind: 'end-decided', state });
  for (
    let at: Pick<TaskRun, 'id' | 'parentId' | 'progress'> | undefined = run;
    at;
    at = at.parentId === undefined ? undefined : decision.view.run(at.parentId)
  ) {
    if (at.progress) decision.fact({ kind: 'task-run-end-decided', taskRunId: at.id, state });
  }
  decision.then({ kind: 'kill-more' });
}
