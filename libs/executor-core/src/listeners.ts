import type { State } from '@millrace/model';
import { allConditionsHold } from './conditions.js';
import { sentence, type Decision } from './decision.js';
import { rendering } from './rendering.js';

/** Places of the listeners whose conditions hold, now that the execution has its final state. */
export function chooseListeners(decision: Decision): number[] {
  const { namespace, flowId, state, labels } = decision.view.head;
  const render = rendering(decision.view, decision.flow, decision.context);
  const subject = {
    namespace,
    flowId,
    state,
    labels,
    retriedAttempts: () => retriedAttempts(decision),
    render: (template: string) => render.typed(template),
  };
  return decision.flow.listeners.flatMap(({ conditions, tasks }, index) => {
    if (tasks.length === 0) return [];
    try {
      return allConditionsHold(conditions, subject) ? [index] : [];
    } catch (error) {
      decision.note('WARN', `Listener ${index + 1} does not run, because a condition fails: ${sentence(error)}`);
      return [];
    }
  });
}

/** O(task runs), and only asked for by a condition that is about attempts. */
function* retriedAttempts(decision: Decision): Iterable<State> {
  for (const { attempts } of decision.view.allRuns()) {
    if (attempts.length > 1) yield* attempts.map(({ state }) => state);
  }
}
