import { TRIGGERS_OF_FLOW, type FlowChanged, type TriggersOfFlow, type TriggerState } from '@millrace/model';
import type { FlowTriggers, TriggerPlan } from '@millrace/schedule';
import { startingAnew } from './dates.js';
import { without, type TriggerContext, type TriggerOutcome } from './outcome.js';
import type { FlowTriggersState } from './state.js';

/**
 * A flow was saved or deleted: triggers that are new begin, changed ones start anew, those that are gone are removed. A
 * repeat, or the news of a revision that was overtaken, changes nothing.
 */
export function flowChanged(
  state: FlowTriggersState,
  event: FlowChanged,
  { now, plan }: TriggerContext,
  outcome: TriggerOutcome,
): void {
  const known = state.flow;
  if (plan === undefined || plan.flow.deleted) {
    if (known !== undefined && (plan === undefined || plan.flow.revision > known.revision)) {
      outcome.facts.push({ kind: 'all-removed' });
    }
    return;
  }
  if (known !== undefined && known.revision >= plan.flow.revision) return;
  const kept = [...plan.triggers.values()].filter(hasState);
  const names = new Set(kept.map(({ id }) => id));
  for (const { triggerId } of state.triggers()) {
    if (!names.has(triggerId)) outcome.facts.push({ kind: 'trigger-removed', triggerId });
  }
  for (const trigger of kept) settle(state.trigger(trigger.id), trigger, plan, now, outcome);
  if (kept.length > 0) outcome.facts.push({ kind: 'flow-set', flow: flowRecord(event, plan, known) });
  else if (known !== undefined) outcome.facts.push({ kind: 'all-removed' });
}

/** Triggers that are evaluated by themselves; those that are called or told of executions keep no state. */
const hasState = ({ kind }: TriggerPlan): boolean => kind === 'schedule' || kind === 'polling';

const flowRecord = (
  { tenant, namespace, flowId }: FlowChanged,
  { flow }: FlowTriggers,
  known: TriggersOfFlow | undefined,
): TriggersOfFlow => ({
  kind: TRIGGERS_OF_FLOW,
  tenant,
  namespace,
  flowId,
  revision: flow.revision,
  recentCommands: known?.recentCommands ?? [],
});

function settle(
  known: TriggerState | undefined,
  plan: TriggerPlan,
  { flow }: FlowTriggers,
  now: number,
  outcome: TriggerOutcome,
): void {
  const active = flow.definition.disabled !== true && !plan.isDisabled && plan.schedule !== undefined;
  if (known && known.definition === plan.hash && known.active === active) return;
  const { tenant, namespace, id: flowId } = flow;
  const before: TriggerState = known
    ? without(known, 'evaluateRunningDate', 'workerId', 'stopAfter', 'nextExecutionDate', 'notBefore')
    : {
        kind: 'trigger',
        tenant,
        namespace,
        flowId,
        triggerId: plan.id,
        type: '',
        definition: '',
        active,
        date: now,
        disabled: false,
        updatedDate: now,
      };
  const changed: TriggerState = {
    ...before,
    type: plan.type,
    definition: plan.hash,
    active,
    ...(plan.stopAfter.length > 0 ? { stopAfter: plan.stopAfter } : {}),
  };
  if (plan.fault !== undefined) {
    outcome.warn(changed, `The trigger '${plan.id}' is disabled, because it cannot be evaluated: ${plan.fault}`, now);
    return outcome.set({ ...changed, disabled: true }, now);
  }
  outcome.set(plan.schedule ? startingAnew(changed, plan.schedule, now) : changed, now);
}
