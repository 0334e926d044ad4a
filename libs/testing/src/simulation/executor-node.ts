import {
  DEFAULT_GROUP,
  type Clock,
  type ExecutionRecord,
  type FlowEvent,
  type FlowRecord,
  type IndexProgress,
  type InstanceLost,
  type PlainObject,
  type Resource,
  type ResourceCommand,
  type ServiceEvent,
  type ServiceInstance,
  type SlotAnswered,
  type Topics,
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
import type { ProcessorDefinition, Queue, StateRetention, View } from '@millrace/queue';
import type { Cluster } from './cluster.js';
import { laggingView } from './groups.js';
import { startExecutorLevel, type NextClusterChange } from './levels.js';
import { SimulatedNode, type Boot, type Life } from './node.js';
import type { SeededRandom } from './random.js';
import { SIMULATED_INLINE } from './undisturbed.js';

/** A rule left out on purpose, to show that the checks notice (conventions.md, Honesty). */
export const BROKEN_RULES = [
  'no-claim-token',
  'position-outside-transaction',
  'slot-counted',
  'level-too-early',
  'any-group',
  'workers-unseen',
  'hasty-fallback',
  'leaves-unsearched',
  'half-a-snapshot',
  'asked-again',
] as const;
export type BrokenRule = (typeof BROKEN_RULES)[number];

type WorkerGroupLookUp = NonNullable<ExecutionContext['workerGroup']>;

export interface ExecutionProcessorOptions {
  readonly topics: Topics;
  readonly flowPlan: (reference: { readonly flowId: string }) => FlowPlan | undefined | Promise<FlowPlan | undefined>;
  readonly wantedPlan: (reference: { readonly flowId: string }) => FlowPlan | undefined | Promise<FlowPlan | undefined>;
  readonly inlineTask: (type: string) => InlineTask | undefined;
  readonly serverVariables: PlainObject;
  readonly timeZone: string;
  readonly workerGroup?: WorkerGroupLookUp;
  readonly groupsSeen?: (plan: FlowPlan) => Promise<void> | undefined;
  readonly limits?: Partial<ExecutionLimits>;
  readonly retention?: StateRetention;
  readonly onFault: (fault: { readonly key: string; readonly error: Error }) => void;
  readonly broken?: Extract<BrokenRule, 'no-claim-token' | 'position-outside-transaction'>;
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
  searchableBy(progress: Pick<View<IndexProgress>, 'get'>): NonNullable<StateRetention['searchable']>;
  followWorkerGroups(options: {
    readonly queue: Pick<Queue, 'publish'>;
    readonly topics: Pick<Topics, 'executionEvents'>;
    readonly resources: Pick<View<Resource>, 'get' | 'records' | 'onChange' | 'refresh'>;
    readonly services: Pick<View<ServiceInstance>, 'keys' | 'records' | 'onChange'>;
    readonly log: { warn(details: object, message: string): void };
    readonly clock: Clock;
  }): {
    readonly status: WorkerGroupLookUp;
    seen(flow: FlowPlan): Promise<void> | undefined;
    tell(): void;
    stop(): void;
  };
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

  /** As this executor sees the groups: its copies lag. */
  async function followGroups({ queue, instance }: Life) {
    const lag = cluster.random(`lag ${instance}`);
    const groups = processors.followWorkerGroups({
      queue,
      topics,
      resources: laggingView(await queue.view(topics.resources), clock, lag),
      services: laggingView(await queue.view(topics.services), clock, lag),
      clock,
      log: { warn: (_details, message) => cluster.trace.line(`${instance} warns: ${message}`) },
    });
    return { groups, lookUp: brokenLookUp(groups.status, lag, broken) };
  }

  /** As an executor with an index wires it. */
  async function retentionOf({ queue }: Life): Promise<StateRetention | undefined> {
    if (scenario.retention === undefined) return undefined;
    const { afterMs } = scenario.retention;
    if (broken === 'leaves-unsearched') return { afterMs };
    return { afterMs, searchable: processors.searchableBy(await queue.view(topics.indexProgress)) };
  }

  const boot: Boot = async (life) => {
    const retention = await retentionOf(life);
    const { groups, lookUp } = await followGroups(life);
    const executions = processors.executionDefinition({
      topics,
      flowPlan,
      wantedPlan: flowPlan,
      inlineTask: (type) => SIMULATED_INLINE[type],
      serverVariables: {},
      timeZone: 'UTC',
      workerGroup: lookUp,
      groupsSeen: groups.seen,
      limits: LIMITS,
      ...(retention && { retention }),
      // Not a violation yet: an owner that stood still may have decided on an old state, and its commit is fenced. What was
      // committed is a dead letter, which the checker finds.
      onFault: ({ key, error }) => cluster.trace.line(`${life.instance} fault ${key} ${error.message}`),
      ...(broken === 'no-claim-token' || broken === 'position-outside-transaction' ? { broken } : {}),
    });
    const running = [
      await life.queue.process(processors.resourceDefinition(topics)),
      await life.queue.process(processors.livenessDefinition(topics)),
      await life.queue.process(processors.slotDefinition(topics, broken === 'slot-counted' ? broken : undefined)),
      await life.queue.process(broken === 'any-group' ? forAnyGroup(executions) : executions),
    ];
    groups.tell();
    await startExecutorLevel(cluster, life, name, processors.nextClusterChange, broken === 'level-too-early');
    for (const { failed } of running) {
      failed.catch((error: unknown) => {
        if (!life.isOver) cluster.violation(`A processor of ${life.instance} stopped by itself: ${String(error)}`);
      });
    }
  };
  return new SimulatedNode(cluster, name, boot);
}

/** A look-up that is wrong, on purpose. */
function brokenLookUp(
  lookUp: WorkerGroupLookUp,
  random: SeededRandom,
  broken: BrokenRule | undefined,
): WorkerGroupLookUp {
  if (broken === 'hasty-fallback')
    return (tenant, key) => {
      const status = lookUp(tenant, key);
      return status === 'live' && random.chance(0.2) ? 'no-worker' : status;
    };
  if (broken !== 'workers-unseen') return lookUp;
  const unseen = new Set<string>();
  return (tenant, key) => {
    const status = lookUp(tenant, key);
    if (status === 'no-worker') unseen.add(key);
    return status === 'live' && unseen.has(key) ? 'no-worker' : status;
  };
}

/** Jobs go to the default group, whatever their tasks say. */
function forAnyGroup(
  definition: ReturnType<ShippedProcessors['executionDefinition']>,
): ReturnType<ShippedProcessors['executionDefinition']> {
  return {
    ...definition,
    outgoing: (effect) =>
      definition.outgoing(effect.kind === 'submit-job' ? { ...effect, group: DEFAULT_GROUP } : effect),
  };
}
