import { isTerminal, type ExecutionHead, type Progress, type TaskRun } from '@millrace/model';
import type { ExecutionState } from './state.js';

/** Takes task runs away, and all that the head and their parents counted of them. Ids that are gone already do not matter. */
export function removeTaskRuns(state: ExecutionState, taskRunIds: readonly string[]): void {
  const removed = taskRunIds.map((id) => state.run(id)).filter((run) => run !== undefined);
  // Children before parents: a parent must be there to be told.
  for (const run of [...removed].sort((one, other) => other.sequence - one.sequence)) removeTaskRun(state, run);
  const { head } = state;
  state.putHead({
    ...head,
    generation: head.generation + 1,
    removed: (head.removed ?? 0) + removed.length,
    revision: head.revision + 1,
  });
}

function removeTaskRun(state: ExecutionState, run: TaskRun): void {
  state.removeRun(run.id);
  const parent = run.parentId === undefined ? undefined : state.run(run.parentId);
  if (parent?.progress) {
    state.putRun({ ...parent, progress: forgotten(parent.progress, run), revision: parent.revision + 1 });
  } else if (run.parentId === undefined) {
    state.putHead({ ...state.head, progress: forgotten(state.head.progress, run), revision: state.head.revision + 1 });
  }
  state.putHead(withoutTimers(state.head, run));
}

function forgotten(progress: Progress, { state, section }: TaskRun): Progress {
  if (!isTerminal(state)) return { ...progress, active: progress.active - 1 };
  if (section !== 'tasks') return progress;
  return {
    ...progress,
    failed: progress.failed - (state === 'FAILED' ? 1 : 0),
    warning: progress.warning - (state === 'WARNING' ? 1 : 0),
    killed: progress.killed - (state === 'KILLED' ? 1 : 0),
  };
}

/** The claim and the retry of a task run count in the head. */
function withoutTimers(head: ExecutionHead, { claim, state, dueAt }: TaskRun): ExecutionHead {
  let { claims, retrying } = head;
  if (claim) {
    const { [claim.instance]: held = 0, ...others } = claims;
    claims = held > 1 ? { ...others, [claim.instance]: held - 1 } : others;
  }
  if (state === 'RETRYING' && dueAt !== undefined) retrying -= 1;
  return { ...head, claims, retrying, revision: head.revision + 1 };
}
