import type {
  ExecutionRecord,
  FlowEvent,
  FlowRecord,
  InstanceLost,
  PlainObject,
  Resource,
  ResourceCommand,
  ServiceEvent,
  ServiceInstance,
  SlotAnswered,
  Topics,
} from '@millrace/model';
import type {
  Effect,
  ExecutionContext,
  ExecutionLimits,
  ExecutionState,
  Fact,
  FlowPlan,
  InlineTask,
  Input,
  SlotFact,
  SlotState,
} from '@millrace/executor-core';
import type { ProcessorDefinition } from '@millrace/queue';
import type { Cluster } from './cluster.js';
import { startExecutorLevel, type NextClusterChange } from './levels.js';
import { SimulatedNode, type Boot } from './node.js';
import { SIMULATED_INLINE } from './undisturbed.js';

/** A rule left out on purpose, to show that the checks notice (conventions.md, Honesty). */
export type BrokenRule = 'no-claim-token' | 'position-outside-transaction' | 'slot-counted' | 'level-too-early';

export interface ExecutionProcessorOptions {
  readonly topics: Topics;
  readonly flowPlan: (reference: { readonly flowId: string }) => FlowPlan | undefined | Promise<FlowPlan | undefined>;
  readonly wantedPlan: (reference: { readonly flowId: string }) => FlowPlan | undefined | Promise<FlowPlan | undefined>;
  readonly inlineTask: (type: string) => InlineTask | undefined;
  readonly serverVariables: PlainObject;
  readonly timeZone: string;
  readonly limits?: Partial<ExecutionLimits>;
  readonly onFault: (fault: { readonly key: string; readonly error: Error }) => void;
  readonly broken?: Exclude<BrokenRule, 'slot-counted' | 'level-too-early'>;
}

/** The state of resources and services: the records of their key. */
export interface KeyRecords<Rec> {
  get(id: string): Rec | undefined;
  put(id: string, record: Rec): void;
  entries(): Iterable<readonly [string, Rec]>;
}

/**
 * The processors as an executor ships them: what apps/executor exports. Given by the caller, because a library does not
 * import a server.
 */
export interface ShippedProcessors {
  readonly nextClusterChange: NextClusterChange;
  executionDefinition(
    options: ExecutionProcessorOptions,
  ): ProcessorDefinition<ExecutionState, ExecutionRecord, Input, Fact, Effect, ExecutionContext>;
  resourceDefinition(
    topics: Topics,
  ): ProcessorDefinition<
    KeyRecords<Resource>,
    Resource,
    ResourceCommand,
    { readonly id: string; readonly resource: Resource | null },
    { readonly kind: string },
    undefined
  >;
  slotDefinition(
    topics: Topics,
    broken?: 'slot-counted',
  ): ProcessorDefinition<SlotState, FlowRecord, FlowEvent, SlotFact, SlotAnswered, undefined>;
  livenessDefinition(
    topics: Topics,
  ): ProcessorDefinition<
    KeyRecords<ServiceInstance>,
    ServiceInstance,
    ServiceEvent,
    ServiceInstance,
    InstanceLost | Extract<ServiceEvent, { kind: 'lease-over' }>,
    { readonly now: number }
  >;
}

/** Losses of workers must not decide how an execution ends here: the undisturbed run has none. */
const LIMITS: Partial<ExecutionLimits> = { resubmits: 1_000_000 };

/** A server that runs the shipped processors. */
export function createExecutorNode(
  cluster: Cluster,
  name: string,
  processors: ShippedProcessors,
  broken: BrokenRule | undefined,
): SimulatedNode {
  const { clock, topics, scenario } = cluster;
  const random = cluster.random(`plans ${name}`);
  const { plans } = scenario;

  /** At once, or after a while, as from a view that lags. */
  function flowPlan({ flowId }: { readonly flowId: string }): FlowPlan | undefined | Promise<FlowPlan | undefined> {
    const plan = plans.get(flowId);
    if (!random.chance(0.05)) return plan;
    return new Promise((resolve) => void clock.after(random.between(0, 30), () => resolve(plan)));
  }

  const boot: Boot = async (life) => {
    const executions = processors.executionDefinition({
      topics,
      flowPlan,
      wantedPlan: flowPlan,
      inlineTask: (type) => SIMULATED_INLINE[type],
      serverVariables: {},
      timeZone: 'UTC',
      limits: LIMITS,
      // Not a violation yet: an owner that stood still may have decided on an old state, and its commit is fenced. What was
      // committed is a dead letter, which the checker finds.
      onFault: ({ key, error }) => cluster.trace.line(`${life.instance} fault ${key} ${error.message}`),
      ...(broken === undefined || broken === 'slot-counted' || broken === 'level-too-early' ? {} : { broken }),
    });
    const running = [
      await life.queue.process(processors.resourceDefinition(topics)),
      await life.queue.process(processors.livenessDefinition(topics)),
      await life.queue.process(processors.slotDefinition(topics, broken === 'slot-counted' ? broken : undefined)),
      await life.queue.process(executions),
    ];
    await startExecutorLevel(cluster, life, name, processors.nextClusterChange, broken === 'level-too-early');
    for (const { failed } of running) {
      failed.catch((error: unknown) => {
        if (!life.isOver) cluster.violation(`A processor of ${life.instance} stopped by itself: ${String(error)}`);
      });
    }
  };
  return new SimulatedNode(cluster, name, boot);
}
