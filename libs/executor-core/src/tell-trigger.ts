import type { ExecutionCreated, State, TriggerExecutionEnded } from '@millrace/model';
import type { Fact } from './facts.js';
import type { Outcome } from './outcome.js';
import type { ExecutionView } from './state.js';

/**
 * Adds the news for the trigger that started an execution, when this outcome ends it for good (its `afterExecution` too):
 * the trigger waits for that before it starts the next one. Looks at the facts, so that no way to an end is forgotten.
 */
export function tellTrigger<Decided extends Outcome>(view: ExecutionView, outcome: Decided, now: number): Decided {
  if (!outcome.facts.some(isEnd)) return outcome;
  const created = createdIn(outcome.facts) ?? (view.exists ? view.created : undefined);
  const state = lastState(outcome.facts) ?? (view.exists ? view.head.state : undefined);
  if (created?.trigger?.hasState !== true || state === undefined) return outcome;
  const { tenant, namespace, flowId, executionId, trigger } = created;
  const event: TriggerExecutionEnded = {
    kind: 'trigger-execution-ended',
    tenant,
    namespace,
    flowId,
    triggerId: trigger.id,
    executionId,
    state,
    at: now,
  };
  outcome.effect({ kind: 'tell-trigger', event });
  return outcome;
}

const isEnd = (fact: Fact): boolean =>
  fact.kind === 'section-entered' && fact.owner === undefined && fact.section === 'ended';

const createdIn = (facts: readonly Fact[]): ExecutionCreated | undefined =>
  facts.flatMap((fact) => (fact.kind === 'execution-created' ? [fact.created] : [])).at(-1);

const lastState = (facts: readonly Fact[]): State | undefined =>
  facts.flatMap((fact) => (fact.kind === 'execution-moved' ? [fact.to] : [])).at(-1);
