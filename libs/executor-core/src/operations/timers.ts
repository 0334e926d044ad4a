import type { ExecutionCreated } from '@millrace/model';
import type { ExecutionContext } from '../context.js';
import type { Decision } from '../decision.js';
import type { Outcome } from '../outcome.js';
import { agreementTimers } from '../sla.js';
import { startRetryExecution } from './retry-execution.js';
import { RETRY, START } from './timer-names.js';

/** A new execution begins: at once, at its date, or when the installation leaves maintenance mode. */
export function beginExecution(
  outcome: Outcome,
  { scheduleDate }: ExecutionCreated,
  { now, flow, inMaintenance = false }: Pick<ExecutionContext, 'now' | 'flow' | 'inMaintenance'>,
): void {
  if (scheduleDate !== undefined && scheduleDate > now) {
    outcome.fact({ kind: 'timer-set', name: START, at: scheduleDate });
    return;
  }
  if (inMaintenance) {
    outcome.fact({ kind: 'maintenance-awaited', waits: true });
    return;
  }
  // What was agreed counts from here.
  if (flow) outcome.fact(...agreementTimers(flow.definition, now));
  outcome.then({ kind: 'begin' });
}

/** The installation left maintenance mode: an execution that waited for that begins. */
export function maintenanceEnded(decision: Decision): void {
  const { view, context } = decision;
  const { state, awaitsMaintenance } = view.head;
  if (awaitsMaintenance !== true || context.inMaintenance === true) return;
  decision.fact({ kind: 'maintenance-awaited', waits: false });
  if (state !== 'CREATED') return;
  const { scheduleDate: _passed, ...created } = view.created;
  beginExecution(decision, created, context);
}

/** A timer of the execution is due; those of operations are known here. */
export function timerOfOperation(decision: Decision, name: string): void {
  const { view, context } = decision;
  if (name === START && view.head.state === 'CREATED') {
    const { scheduleDate: _now, ...created } = view.created;
    beginExecution(decision, created, context);
  }
  if (name === RETRY) startRetryExecution(decision);
}
