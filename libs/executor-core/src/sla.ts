import { labelsOf } from '@millrace/flow';
import { isPlainObject, isTerminal, isTruthy, parseDuration, type FlowSource, type PlainObject } from '@millrace/model';
import { killRequested } from './decide/kill.js';
import type { Decision } from './decision.js';
import type { Fact } from './facts.js';
import { isPure, rendering } from './rendering.js';

/** Names of timers of agreements begin so; the agreement's id follows. */
export const SLA_TIMER = 'sla/';

/** Service level agreements of a flow (spec flow.md §7), as far as they are well-formed. */
const agreementsOf = ({ sla }: Pick<FlowSource, 'sla'>): readonly PlainObject[] => (sla ?? []).filter(isPlainObject);

/** The timers of an execution that begins at `at`: one for each longest duration that was agreed. */
export function agreementTimers(definition: Pick<FlowSource, 'sla'>, at: number): Fact[] {
  return agreementsOf(definition).flatMap(({ id, type, duration }): Fact[] => {
    const millis = typeof duration === 'string' ? parseDuration(duration) : undefined;
    if (type !== 'MAX_DURATION' || millis === undefined) return [];
    return [{ kind: 'timer-set', name: SLA_TIMER + String(id), at: at + millis }];
  });
}

/** An execution runs longer than was agreed. */
export function durationPassed(decision: Decision, id: string): void {
  const agreement = agreementsOf(decision.flow.definition).find((one) => String(one['id']) === id);
  if (agreement) violate(decision, agreement, `it runs longer than ${String(agreement['duration'])}`);
}

/**
 * Evaluates the assertions after a change; the first one that does not hold acts, and each acts once. Answers whether it
 * ends the execution.
 */
export function checkAssertions(decision: Decision): boolean {
  const agreements = agreementsOf(decision.flow.definition).filter(({ type }) => type === 'EXECUTION_ASSERTION');
  if (agreements.length === 0 || decision.isLeaving || isTerminal(decision.view.head.state)) return false;
  const { violations = [] } = decision.view.head;
  const render = rendering(decision.view, decision.flow, decision.context);
  for (const agreement of agreements) {
    const { assert } = agreement;
    if (violations.includes(String(agreement['id'])) || typeof assert !== 'string' || !isPure({ assert })) continue;
    let holds: boolean;
    try {
      holds = isTruthy(render.typed(assert));
    } catch {
      // What it speaks of does not exist yet: it cannot be broken.
      continue;
    }
    if (!holds) return violate(decision, agreement, `its assertion '${assert}' does not hold`);
  }
  return false;
}

/** Answers whether it ends the execution. */
function violate(decision: Decision, agreement: PlainObject, why: string): boolean {
  const { head } = decision.view;
  if (isTerminal(head.state) || decision.isLeaving) return false;
  const id = String(agreement['id']);
  decision.fact({ kind: 'agreement-violated', id });
  const { labels, behavior } = agreement;
  const added = isLabels(labels) ? labelsOf(labels) : [];
  if (added.length > 0) decision.fact({ kind: 'labels-merged', labels: added });
  const ends = behavior === 'FAIL' ? 'FAILED' : behavior === 'CANCEL' ? 'CANCELLED' : undefined;
  decision.note(ends === undefined ? 'WARN' : 'ERROR', `The execution breaks the agreement '${id}': ${why}.`);
  if (ends === undefined) return false;
  killRequested(decision, { endsAs: ends });
  return true;
}

const isLabels = (value: unknown): value is FlowSource['labels'] => isPlainObject(value) || Array.isArray(value);
