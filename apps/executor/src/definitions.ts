import {
  DEFAULT_LIMITS,
  executionProcessor,
  type Effect,
  type ExecutionContext,
  type ExecutionLimits,
  type ExecutionState,
  type Fact,
  type FlowPlan,
  type InlineTask,
  type Input,
} from '@millrace/executor-core';
import {
  outgoing,
  triggersKey,
  type ExecutionRecord,
  type OutgoingRecord,
  type PlainObject,
  type Topics,
} from '@millrace/model';
import type { ProcessorDefinition, Wake } from '@millrace/queue';
import { livenessProcessor, resourceProcessor, type LivenessEffect, type ResourceEffect } from '@millrace/registry';
import type { ExpressionSettings } from '@millrace/service';
import type { FlowReference } from './flow-plans.js';
import { outgoingEffect } from './outgoing.js';

/** What decisions about executions get from their server. */
export interface ExecutionDefinitionOptions {
  readonly topics: Topics;
  readonly flowPlan: (reference: FlowReference) => FlowPlan | undefined | Promise<FlowPlan | undefined>;
  readonly inlineTask: (type: string) => InlineTask | undefined;
  readonly serverVariables: PlainObject;
  readonly timeZone: string;
  readonly expressions?: ExpressionSettings;
  /** The instance is known to be gone: what it claims late is given to others at once. Default: nobody is. */
  readonly isLost?: (instance: string) => boolean;
  readonly limits?: Partial<ExecutionLimits>;
  readonly onFault: (fault: { readonly key: string; readonly error: Error }) => void;
  /** Only the simulation sets it. */
  readonly broken?: 'no-claim-token' | 'position-outside-transaction';
}

type ExecutionDefinition = ProcessorDefinition<ExecutionState, ExecutionRecord, Input, Fact, Effect, ExecutionContext>;

/** The executor's main processor, wired: executions. Also what the simulation runs. */
export function executionDefinition(options: ExecutionDefinitionOptions): ExecutionDefinition {
  const { topics, flowPlan, inlineTask, serverVariables, timeZone, isLost = () => false, broken } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { encryptionKey, recursiveRendering } = options.expressions ?? {};
  const contextWith = (flow: FlowPlan | undefined, now: number): ExecutionContext => ({
    now,
    flow,
    inlineTask,
    serverVariables,
    timeZone,
    ...(encryptionKey === undefined ? {} : { encryptionKey: encryptionKey.reveal() }),
    ...(recursiveRendering === true && { recursiveRendering }),
    isLost,
    limits,
    ...(broken === 'no-claim-token' ? { broken } : {}),
  });
  return {
    processor: executionProcessor(topics),
    context(_key, state, input, now) {
      const reference = referenceOf(state, input);
      const flow = reference && flowPlan(reference);
      return flow instanceof Promise ? flow.then((plan) => contextWith(plan, now)) : contextWith(flow, now);
    },
    outgoing: outgoingEffect(topics),
    onFault: options.onFault,
    ...(broken === 'position-outside-transaction' ? { broken } : {}),
  };
}

function referenceOf(state: ExecutionState, input: Input | Wake): FlowReference | undefined {
  if (state.exists) return state.head;
  return input.kind === 'execution-requested' ? input.created : undefined;
}

/** The owner of flows and users, wired. */
export function resourceDefinition(topics: Topics) {
  return {
    processor: resourceProcessor(topics),
    context: () => undefined,
    outgoing: resourceOutgoing(topics),
  };
}

function resourceOutgoing({ replies, triggerEvents }: Topics): (effect: ResourceEffect) => OutgoingRecord {
  return (effect) => {
    switch (effect.kind) {
      case 'reply':
        return outgoing({ topic: replies, key: effect.replyTo, value: effect.reply });
      case 'flow-changed': {
        const { tenant, namespace, flowId } = effect.event;
        return outgoing({ topic: triggerEvents, key: triggersKey(tenant, namespace, flowId), value: effect.event });
      }
      default:
        return effect satisfies never;
    }
  };
}

/** Who is alive, wired. */
export function livenessDefinition(topics: Topics) {
  return {
    processor: livenessProcessor(topics),
    context: (_key: string, _state: unknown, _input: unknown, now: number) => ({ now }),
    outgoing: (effect: LivenessEffect) =>
      effect.kind === 'lease-over'
        ? outgoing({ topic: topics.serviceEvents, key: effect.instance, value: effect })
        : outgoing({ topic: topics.executionEvents, key: '', value: effect, broadcast: true }),
  };
}
