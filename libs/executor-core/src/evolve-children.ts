import { changeHead, changeRun } from './changing.js';
import { evolveExecution } from './evolve-execution.js';
import type { ExecutionFact, Fact } from './facts.js';
import type { ExecutionState } from './state.js';

export type ChildFact = Extract<
  Fact,
  { kind: 'slot-set' | 'child-started' | 'items-set' | 'items-ended' | 'item-outputs-set' }
>;

/** Facts of executions that start others, and of their slots; the rest are of the execution itself. Part of `evolve`. */
export function evolveChildren(state: ExecutionState, fact: ChildFact | ExecutionFact): void {
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
      return evolveExecution(state, fact);
  }
}
