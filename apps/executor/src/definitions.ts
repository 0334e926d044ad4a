import {
  DEFAULT_LIMITS,
  executionProcessor,
  slotProcessor,
  type BrokenSlots,
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
  keyOf,
  outgoing,
  triggersKey,
  type ExecutionRecord,
  type OutgoingRecord,
  type PlainObject,
  type SlotAnswered,
  type Topics,
} from '@millrace/model';
import type { ProcessorDefinition, StateRetention, Wake } from '@millrace/queue';
import { livenessProcessor, resourceProcessor, type LivenessEffect, type ResourceEffect } from '@millrace/registry';
import type { ExpressionSettings } from '@millrace/service';
import type { FlowReference, RevisionReference } from './flow-plans.js';
import { flowEventRecord, outgoingEffect } from './outgoing.js';

/** What decisions about executions get from their server. */
export interface ExecutionDefinitionOptions {
  readonly topics: Topics;
  readonly flowPlan: (reference: RevisionReference) => FlowPlan | undefined | Promise<FlowPlan | undefined>;
  /** For an execution that another one or a trigger wants; without a revision the latest. */
  readonly wantedPlan: (reference: FlowReference) => FlowPlan | undefined | Promise<FlowPlan | undefined>;
  readonly inlineTask: (type: string) => InlineTask | undefined;
  readonly serverVariables: PlainObject;
  readonly timeZone: string;
  /** The latest revision of the flow limits its concurrent executions. Default: what the execution's revision says. */
  readonly hasSlots?: (reference: FlowReference) => boolean;
  readonly expressions?: ExpressionSettings;
  /** The instance is known to be gone: what it claims late is given to others at once. Default: nobody is. */
  readonly isLost?: (instance: string) => boolean;
  /**
   * Whether the installation is in maintenance mode, for an execution that may begin: the answer must not be older than the
   * call. Default: it is not.
   */
  readonly inMaintenance?: () => boolean | Promise<boolean>;
  /** Whether a worker group is there, and live. Default: every one is. */
  readonly workerGroup?: ExecutionContext['workerGroup'];
  /** What namespaces and the tenant say of it. Default: nothing. */
  readonly inheritedWorkerGroups?: ExecutionContext['inheritedWorkerGroups'];
  /** A plan is used when that which this answers has resolved: the groups that it names are seen. Default: at once. */
  readonly groupsSeen?: (plan: FlowPlan) => Promise<void> | undefined;
  readonly limits?: Partial<ExecutionLimits>;
  readonly retention?: StateRetention;
  readonly onFault: (fault: { readonly key: string; readonly error: Error }) => void;
  /** Only the simulation sets it. */
  readonly broken?: 'no-claim-token' | 'position-outside-transaction';
}

type ExecutionDefinition = ProcessorDefinition<ExecutionState, ExecutionRecord, Input, Fact, Effect, ExecutionContext>;

/** The executor's main processor, wired: executions. Also what the simulation runs. */
export function executionDefinition(options: ExecutionDefinitionOptions): ExecutionDefinition {
  const { topics, inlineTask, serverVariables, timeZone, isLost = () => false, broken } = options;
  const { hasSlots = () => false, workerGroup, inheritedWorkerGroups } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { encryptionKey, recursiveRendering } = options.expressions ?? {};
  const contextWith = (
    flow: FlowPlan | undefined,
    reference: FlowReference | undefined,
    now: number,
    inMaintenance: boolean,
  ): ExecutionContext => ({
    now,
    flow,
    format: topics.executions.cluster.format,
    placement: topics.executions.cluster.current,
    hasSlots: flow?.definition.concurrency !== undefined || (reference !== undefined && hasSlots(reference)),
    inlineTask,
    serverVariables,
    timeZone,
    ...(encryptionKey === undefined ? {} : { encryptionKey: encryptionKey.reveal() }),
    ...(recursiveRendering === true && { recursiveRendering }),
    isLost,
    ...(workerGroup === undefined ? {} : { workerGroup }),
    ...(inheritedWorkerGroups === undefined ? {} : { inheritedWorkerGroups }),
    limits,
    ...(inMaintenance && { inMaintenance }),
    ...(broken === 'no-claim-token' ? { broken } : {}),
  });
  return {
    processor: executionProcessor(topics),
    context(_key, state, input, now) {
      const reference = referenceOf(state, input);
      const flow = planOf(options, state, input);
      const maintenance = mayBegin(state) && (options.inMaintenance?.() ?? false);
      return flow instanceof Promise || maintenance instanceof Promise
        ? Promise.all([flow, maintenance]).then(([plan, active]) => contextWith(plan, reference, now, active))
        : contextWith(flow, reference, now, maintenance);
    },
    outgoing: outgoingEffect(topics),
    onFault: options.onFault,
    ...(options.retention && { retention: options.retention }),
    ...(broken === 'position-outside-transaction' ? { broken } : {}),
  };
}

/** Only what has not begun asks for the maintenance mode. */
const mayBegin = (state: ExecutionState): boolean => !state.exists || state.head.state === 'CREATED';

type FoundPlan = FlowPlan | undefined;

function planOf(options: ExecutionDefinitionOptions, state: ExecutionState, input: Input | Wake) {
  const { groupsSeen = () => undefined } = options;
  const seen = (plan: FoundPlan): FoundPlan | Promise<FoundPlan> =>
    (plan && groupsSeen(plan)?.then(() => plan)) ?? plan;
  const found = foundPlan(options, state, input);
  return found instanceof Promise ? found.then(seen) : seen(found);
}

function foundPlan({ flowPlan, wantedPlan }: ExecutionDefinitionOptions, state: ExecutionState, input: Input | Wake) {
  if (state.exists) return flowPlan(state.head);
  if (input.kind === 'execution-requested') return flowPlan(input.created);
  return input.kind === 'execution-wanted' ? wantedPlan(input) : undefined;
}

function referenceOf(state: ExecutionState, input: Input | Wake): FlowReference | undefined {
  if (state.exists) return state.head;
  if (input.kind === 'execution-requested') return input.created;
  return input.kind === 'execution-wanted' ? input : undefined;
}

/** The owner of flows and users, wired. */
export function resourceDefinition(topics: Topics) {
  return {
    processor: resourceProcessor(topics),
    context: () => undefined,
    outgoing: resourceOutgoing(topics),
  };
}

function resourceOutgoing(topics: Topics): (effect: ResourceEffect) => OutgoingRecord {
  const { replies, triggerEvents, executionEvents } = topics;
  return (effect) => {
    switch (effect.kind) {
      case 'reply':
        return outgoing({ topic: replies, key: effect.replyTo, value: effect.reply });
      case 'flow-changed': {
        const { tenant, namespace, flowId } = effect.event;
        return outgoing({ topic: triggerEvents, key: triggersKey(tenant, namespace, flowId), value: effect.event });
      }
      case 'slot-limit-changed':
        return flowEventRecord(topics, effect.event);
      case 'maintenance-ended':
        return outgoing({ topic: executionEvents, key: '', value: effect, broadcast: true });
      default:
        return effect satisfies never;
    }
  };
}

/** The slots of flows, wired. */
export function slotDefinition(topics: Topics, broken?: BrokenSlots) {
  return {
    processor: slotProcessor(topics, broken),
    context: () => undefined,
    outgoing: (answer: SlotAnswered) =>
      outgoing({ topic: topics.executionEvents, key: keyOf(answer.tenant, answer.executionId), value: answer }),
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
