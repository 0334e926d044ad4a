import {
  keyOf,
  outgoing,
  type OutgoingRecord,
  type Topics,
  type TriggerEvent,
  type TriggerRecord,
} from '@millrace/model';
import type { ProcessorDefinition, Wake } from '@millrace/queue';
import {
  triggerProcessor,
  type FlowTriggersState,
  type TriggerContext,
  type TriggerEffect,
  type TriggerFact,
} from '@millrace/registry';
import type { FlowTriggers } from '@millrace/schedule';
import type { TriggerPlans } from './trigger-plans.js';

export interface TriggerDefinitionOptions {
  readonly topics: Topics;
  readonly plans: Pick<TriggerPlans, 'revision' | 'latest'>;
  readonly onFault: (fault: { readonly key: string; readonly error: Error }) => void;
}

type Definition = ProcessorDefinition<
  FlowTriggersState,
  TriggerRecord,
  TriggerEvent,
  TriggerFact,
  TriggerEffect,
  TriggerContext
>;

/** The processor of triggers, wired. */
export function triggerDefinition({ topics, plans, onFault }: TriggerDefinitionOptions): Definition {
  return {
    processor: triggerProcessor(topics),
    context(_key, state, input, now) {
      const plan = planFor(plans, state, input);
      const placement = topics.executions.cluster.current;
      return plan instanceof Promise
        ? plan.then((found) => ({ now, plan: found, placement }))
        : { now, plan, placement };
    },
    outgoing: outgoingEffect(topics),
    onFault,
  };
}

function planFor(
  plans: Pick<TriggerPlans, 'revision' | 'latest'>,
  { flow }: FlowTriggersState,
  input: TriggerEvent | Wake,
): FlowTriggers | undefined | Promise<FlowTriggers | undefined> {
  if (input.kind === 'flow-changed') return plans.latest(input, input.revision);
  return flow && plans.revision(flow, flow.revision);
}

function outgoingEffect(topics: Topics): (effect: TriggerEffect) => OutgoingRecord {
  return (effect) => {
    switch (effect.kind) {
      case 'start-execution': {
        const { tenant, executionId } = effect.event;
        return outgoing({ topic: topics.executionEvents, key: keyOf(tenant, executionId), value: effect.event });
      }
      case 'reply':
        return outgoing({ topic: topics.replies, key: effect.replyTo, value: effect.reply });
      case 'write-log': {
        const { tenant, namespace, flowId } = effect.entry;
        return outgoing({ topic: topics.logs, key: keyOf(tenant, namespace, flowId), value: effect.entry });
      }
      default:
        return effect satisfies never;
    }
  };
}
