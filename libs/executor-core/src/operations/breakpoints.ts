import type { TaskRun } from '@millrace/model';
import type { Decision } from '../decision.js';
import type { TaskPlan } from '../plan.js';

/** True when the execution shall stop before this task (for this loop value). */
export const isBreakpoint = (decision: Decision, task: TaskPlan, value: string | undefined): boolean =>
  decision.view.created.breakpoints?.some(
    (breakpoint) => breakpoint.id === task.id && (breakpoint.value === undefined || breakpoint.value === value),
  ) ?? false;

/** Everything that stands before a breakpoint goes on. */
export function resumeFromBreakpoints(decision: Decision): void {
  for (const run of decision.view.allRuns()) if (run.state === 'BREAKPOINT') goOn(decision, run);
}

function goOn(decision: Decision, run: TaskRun): void {
  decision.fact({ kind: 'task-run-moved', taskRunId: run.id, to: 'CREATED', at: decision.now });
  decision.then({ kind: 'enter', taskRunId: run.id });
}
