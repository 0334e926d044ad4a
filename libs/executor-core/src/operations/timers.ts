import type { ExecutionCreated } from '@millrace/model';
import type { Decision } from '../decision.js';
import type { Outcome } from '../outcome.js';
import { startRetryExecution } from './retry-execution.js';
import { RETRY, START } from './timer-names.js';

/** A new execution begins: at once, or at its date. */
export function beginExecution(outcome: Outcome, { scheduleDate }: ExecutionCreated, now: number): void {
  if (scheduleDate !== undefined && scheduleDate > now) {
    outcome.fact({ kind: 'timer-set', name: START, at: scheduleDate });
  } else outcome.then({ kind: 'advance', owner: undefined });
}

/** What was due of the timers above. */
export function wakeExecution(decision: Decision): void {
  const { timers = {}, state } = decision.view.head;
  const isDue = (name: string): boolean => timers[name] !== undefined && timers[name] <= decision.now;
  if (isDue(START)) {
    decision.fact({ kind: 'timer-set', name: START, at: undefined });
    if (state === 'CREATED') decision.then({ kind: 'advance', owner: undefined });
  }
  if (isDue(RETRY)) {
    decision.fact({ kind: 'timer-set', name: RETRY, at: undefined });
    startRetryExecution(decision);
  }
}
