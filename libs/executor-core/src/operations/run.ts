import { isTerminal, type State } from '@millrace/model';
import type { Decision } from '../decision.js';
import { endExecution } from '../end-execution.js';
import { afterExecution } from '../owner.js';
import { conflict, invalid, type Refusal } from './refusal.js';
import { START } from './timer-names.js';

const UNQUEUED: readonly State[] = ['RUNNING', 'CANCELLED', 'FAILED', 'KILLED'];

/**
 * The execution runs now, whatever it waits for: its date, or a slot of its flow. One that is paused is resumed by the
 * caller of this; in any other state there is nothing to do.
 */
export function forceRun(decision: Decision): Refusal | undefined {
  const { state } = decision.view.head;
  if (isTerminal(state)) return conflict(`The execution has ended already: it is ${state}`);
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
    endExecution(decision, to);
    afterExecution(decision);
  }
  return undefined;
}

function begin(decision: Decision): void {
  if (decision.view.head.timers?.[START] !== undefined) {
    decision.fact({ kind: 'timer-set', name: START, at: undefined });
  }
  decision.fact({ kind: 'execution-moved', to: 'RUNNING', at: decision.now });
  decision.then({ kind: 'advance', owner: undefined });
}
