import { changeHead, changeRun } from './changing.js';
import { evolveOwner } from './evolve-owner.js';
import type { ChildFact, ExecutionFact, OwnerFact } from './facts.js';
import type { ExecutionState } from './state.js';

/** Facts of executions that start others, and of their slots; the rest go on to owners and the execution itself. Part of `evolve`. */
export function evolveChildren(state: ExecutionState, fact: ChildFact | OwnerFact | ExecutionFact): void {
  switch (fact.kind) {
    case 'slot-set':
      return changeHead(state, { slot: fact.slot });
    case 'child-started':
      return changeRun(state, fact.taskRunId, () => ({
        childExecutionId: fact.childExecutionId,
        evaluated: undefined,
      }));
    case 'items-set':
      return changeRun(state, fact.taskRunId, () => ({ items: fact.items, evaluated: undefined }));
    case 'items-ended':
    case 'item-outputs-set':
      return state.putItems(fact.record);
    default:
      return evolveOwner(state, fact);
  }
}
