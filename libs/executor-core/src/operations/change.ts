import { isTerminal, type Label, type State } from '@millrace/model';
import type { Decision } from '../decision.js';
import { clearTimers } from '../end-execution.js';
import { stopChildren } from '../end-task-run.js';
import { conflict, invalid, type Refusal } from './refusal.js';

const SYSTEM = 'system.';
const GIVEN_ENDS: readonly State[] = ['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED'];

/** Another final state for an execution that has ended; nothing else changes. */
export function changeStatus(decision: Decision, to: State): Refusal | undefined {
  const { state } = decision.view.head;
  if (!isTerminal(state)) return conflict(`The execution is ${state}: its state can be changed only when it has ended`);
  if (!GIVEN_ENDS.includes(to)) {
    return invalid(`An execution cannot be given the state ${to}: use ${GIVEN_ENDS.join(', ')}`);
  }
  decision.fact({ kind: 'execution-moved', to, at: decision.now });
  return undefined;
}

/** The labels that users see are replaced; those of the system stay. */
export function setLabels(decision: Decision, labels: readonly Label[]): Refusal | undefined {
  const { head } = decision.view;
  if (!isTerminal(head.state)) {
    return conflict(`The execution is ${head.state}: its labels can be changed only when it has ended`);
  }
  const system = labels.find(({ key }) => key.startsWith(SYSTEM));
  if (system) return invalid(`The label '${system.key}' is one of the system's and cannot be set`);
  const kept = head.labels.filter(({ key }) => key.startsWith(SYSTEM));
  decision.fact({ kind: 'labels-set', labels: [...unique(labels), ...kept] });
  return undefined;
}

/** Labels are added, also those of the system; of one key the new one wins. */
export function addLabels(decision: Decision, labels: readonly Label[]): undefined {
  decision.fact({ kind: 'labels-set', labels: unique([...decision.view.head.labels, ...labels]) });
}

/** Of one key the last one, in the place of the first. */
function unique(labels: readonly Label[]): readonly Label[] {
  const values = new Map(labels.map(({ key, value }) => [key, value]));
  return [...values].map(([key, value]) => ({ key, value }));
}

/** Nobody sees the execution any more, and nothing happens in it; what still runs is stopped. */
export function deleteExecution(decision: Decision): undefined {
  const { head } = decision.view;
  stopChildren(decision, undefined, 'KILLED');
  clearTimers(decision);
  decision.fact({ kind: 'section-entered', owner: undefined, section: 'ended' });
  if (!isTerminal(head.state)) {
    decision.fact(
      { kind: 'execution-moved', to: 'KILLING', at: decision.now },
      { kind: 'execution-moved', to: 'KILLED', at: decision.now },
    );
  }
  decision.fact({ kind: 'execution-deleted' });
}
