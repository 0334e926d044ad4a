import { isTerminal, type State } from '@millrace/model';
import type { Decision } from '../decision.js';
import { clearTimers, endUnstarted } from '../end-execution.js';
import { afterExecution } from '../owner.js';
import { resumeExecution } from './pausing.js';
import { conflict, invalid, type Refusal } from './refusal.js';
import { beginExecution } from './timers.js';

const UNQUEUED: readonly State[] = ['RUNNING', 'CANCELLED', 'FAILED', 'KILLED'];

/**
 * The execution runs now, whatever it waits for: its date, a slot of its flow, or somebody who resumes it. In any other
 * state there is nothing to do.
 */
export function forceRun(decision: Decision, by: string | undefined): Refusal | undefined {
  const { state } = decision.view.head;
  if (isTerminal(state)) return conflict(`The execution has ended already: it is ${state}`);
  if (state === 'PAUSED') return resumeExecution(decision, { kind: 'resume', given: {} }, by);
  if (state === 'CREATED' || state === 'QUEUED') begin(decision);
  return undefined;
}

/** An execution that waits for a slot of its flow runs without one, or ends. */
export function unqueue(decision: Decision, to: State): Refusal | undefined {
  const { state } = decision.view.head;
  if (state !== 'QUEUED') return conflict(`The execution is ${state}: only one that is QUEUED can leave the queue`);
  if (!UNQUEUED.includes(to)) {
    return invalid(`An execution cannot leave the queue as ${to}: use ${UNQUEUED.join(', ')}`);
  }
  if (to === 'RUNNING') begin(decision);
  else {
    endUnstarted(decision, to);
    afterExecution(decision);
  }
  return undefined;
}

function begin(decision: Decision): void {
  const { view, context } = decision;
  clearTimers(decision);
  decision.fact({ kind: 'execution-moved', to: 'RUNNING', at: decision.now });
  const { scheduleDate: _now, ...created } = view.created;
  // Who forces one execution to run means it in maintenance mode too.
  beginExecution(decision, created, { ...context, inMaintenance: false });
}
