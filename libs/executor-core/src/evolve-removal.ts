import { isTerminal, type Progress, type TaskRun } from '@millrace/model';
import { changeHead, changeProgress } from './changing.js';
import type { ExecutionState } from './state.js';

/** Takes task runs away, and all that the head and their parents counted of them. Ids that are gone already do not matter. */
export function removeTaskRuns(state: ExecutionState, taskRunIds: readonly string[]): void {
  const removed = taskRunIds.map((id) => state.run(id)).filter((run) => run !== undefined);
  // Children before parents: a parent must be there to be told.
  for (const run of [...removed].sort((one, other) => other.sequence - one.sequence)) removeTaskRun(state, run);
  const { generation, removed: before = 0 } = state.head;
  // Their ids never come again.
  changeHead(state, { generation: generation + 1, removed: before + removed.length });
}

function removeTaskRun(state: ExecutionState, run: TaskRun): void {
  state.removeRun(run);
  if (run.parentId === undefined || state.run(run.parentId)?.progress) {
    changeProgress(state, run.parentId, (progress) => forgotten(progress, run));
  }
  forgetInHead(state, run);
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

/** The claim of a task run, and what it waits for, count in the head. */
function forgetInHead(state: ExecutionState, { claim, state: was }: TaskRun): void {
  const { claims, retrying, paused = 0, suspended = 0 } = state.head;
  if (was === 'RETRYING') changeHead(state, { retrying: retrying - 1 });
  if (was === 'PAUSED') changeHead(state, { paused: paused > 1 ? paused - 1 : undefined });
  if (was === 'BREAKPOINT') changeHead(state, { suspended: suspended > 1 ? suspended - 1 : undefined });
  if (!claim) return;
  const { [claim.instance]: held = 0, ...others } = claims;
  changeHead(state, { claims: held > 1 ? { ...others, [claim.instance]: held - 1 } : others });
}
