import { ENDED_ITEMS_PAGE, isTerminal, type TaskRun } from '@millrace/model';
import type { Decision } from '../decision.js';
import { itemExecutionId, isWaiting } from './child-execution.js';
import { itemBits } from './ended-items.js';

/** Executions that one step of a kill tells. */
const KILLS_PER_STEP = 200;

/**
 * Step `kill-children`: kills the executions that this one started, whether it waits for them or not: one event each
 * (protocols.md part 4.1).
 */
export function killChildren(decision: Decision, from: number): void {
  const runs = decision.view.parents(from, KILLS_PER_STEP);
  for (const run of runs) {
    // KILLED: by the kill that this step is part of.
    const isOver = isTerminal(run.state) && run.state !== 'KILLED' && isWaiting(decision.taskOf(run));
    if (!isOver) killChildrenOf(decision, run);
  }
  if (runs.length === KILLS_PER_STEP) decision.then({ kind: 'kill-children', from: from + KILLS_PER_STEP });
}

/** Kills what a task run has started and may still run. */
export function killChildrenOf(decision: Decision, run: TaskRun): void {
  if (run.items) decision.then({ kind: 'kill-items', taskRunId: run.id, index: 0 });
  else if (run.childExecutionId !== undefined) sendKill(decision, run.childExecutionId);
}

/** Step `kill-items`: a part of the executions of a ForEachItem. */
export function killItems(decision: Decision, run: TaskRun | undefined, first: number): void {
  if (!run?.items) return;
  const { started, attempt } = run.items;
  const waits = isWaiting(decision.taskOf(run));
  const bits = itemBits(decision.view, run, first);
  const end = Math.min(started, (Math.floor(first / ENDED_ITEMS_PAGE) + 1) * ENDED_ITEMS_PAGE);
  let kills = 0;
  let index = first;
  for (; index < end && kills < KILLS_PER_STEP; index++) {
    if (waits && bits.hasEnded(index)) continue;
    sendKill(decision, itemExecutionId(decision, run.id, attempt, index));
    kills++;
  }
  if (index < started) decision.then({ kind: 'kill-items', taskRunId: run.id, index });
}

function sendKill(decision: Decision, executionId: string): void {
  const { tenant } = decision.view.head;
  decision.effect({ kind: 'send-event', event: { kind: 'kill-requested', tenant, executionId } });
}
