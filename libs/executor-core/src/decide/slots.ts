import { isTerminal, type ExecutionOperation, type SlotAnswered } from '@millrace/model';
import type { Decision } from '../decision.js';
import { Outcome } from '../outcome.js';
import { afterExecution } from '../owner.js';
import { slotEventOf } from '../slot-events.js';

/** Step `begin`: the first tasks are started; with a limit of concurrent executions a slot is asked for first. */
export function begin(decision: Decision): void {
  const { head } = decision.view;
  if (isTerminal(head.state) || decision.isStopping) return;
  if (decision.context.hasSlots === true && head.slot !== 'held') {
    decision.fact({ kind: 'slot-set', slot: 'asked' });
    return decision.effect({ kind: 'send-flow-event', event: slotEventOf(head, 'begin') });
  }
  decision.then({ kind: 'advance', owner: undefined });
}

/**
 * Somebody's operation has set the execution going (force run, unqueue, restart): it leaves the queue if it waits there, and
 * is counted although nobody asked whether there is room. `facts`: what the operation made true.
 */
export function takeSlotIfRunning(decision: Decision, operation: ExecutionOperation['kind']): void {
  const { head } = decision.view;
  const moved = decision.facts.findLast((fact) => fact.kind === 'execution-moved');
  if (moved?.kind !== 'execution-moved' || isTerminal(moved.to) || moved.to === 'KILLING') return;
  const counts = head.slot === 'asked' || (head.slot === undefined && decision.context.hasSlots === true);
  if (!counts) return;
  const occasion = operation === 'force-run' || operation === 'unqueue' ? operation : 'restart';
  decision.fact({ kind: 'slot-set', slot: 'held' });
  decision.effect({ kind: 'send-flow-event', event: slotEventOf(head, occasion) });
}

/** The slots have answered. One that nobody needs any more is given back. */
export function slotAnswered(decision: Decision, { answer, message }: SlotAnswered): void {
  const { head } = decision.view;
  if (head.slot === undefined || (isTerminal(head.state) && head.progress.section === 'ended')) {
    if (answer === 'granted') decision.effect({ kind: 'send-flow-event', event: slotEventOf(head, 'fully-ended') });
    return;
  }
  if (head.slot === 'held') return;
  switch (answer) {
    case 'granted':
      decision.fact({ kind: 'slot-set', slot: 'held' });
      if (isTerminal(head.state) || decision.isStopping) return;
      if (head.state === 'QUEUED') decision.fact({ kind: 'execution-moved', to: 'RUNNING', at: decision.now });
      return decision.then({ kind: 'advance', owner: undefined });
    case 'queued':
      if (head.state !== 'CREATED' && head.state !== 'RESTARTED') return;
      if (message !== undefined) decision.note('INFO', message);
      return decision.fact({ kind: 'execution-moved', to: 'QUEUED', at: decision.now });
    case 'cancelled':
    case 'failed':
      return refused(decision, answer === 'failed' ? 'FAILED' : 'CANCELLED', message);
    default:
      return answer satisfies never;
  }
}

/** Nothing of it runs; what comes after an execution does. */
function refused(decision: Decision, state: 'FAILED' | 'CANCELLED', message = 'There is no slot'): void {
  if (isTerminal(decision.view.head.state) || decision.isStopping) return;
  decision.fact({ kind: 'slot-set', slot: undefined });
  if (state === 'FAILED') decision.noteFailure(message);
  else decision.note('WARN', message);
  decision.fact({ kind: 'execution-moved', to: state, at: decision.now });
  afterExecution(decision);
}

/** An execution that does not exist was given a slot. */
export function slotOfNobody({ tenant, executionId, namespace, flowId, answer }: SlotAnswered): Outcome {
  const outcome = new Outcome();
  if (answer === 'granted') {
    const event = slotEventOf({ tenant, namespace, flowId, executionId }, 'fully-ended');
    outcome.effect({ kind: 'send-flow-event', event });
  }
  return outcome;
}
