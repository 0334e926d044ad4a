import {
  keyOf,
  outgoing,
  type PlainObject,
  type Resource,
  type PluginDefault,
  type ServiceInstance,
  type Topics,
} from '@millrace/model';
import type { TaskTypeRegistry } from '@millrace/plugin-api';
import { partitionsOf, type Queue, type RunningProcessor, type View } from '@millrace/queue';
import {
  showOwnedPartitions,
  startHeartbeat,
  type ExpressionSettings,
  type Heartbeat,
  type Service,
  type ServiceContext,
} from '@millrace/service';
import { followMaintenance } from '@millrace/resources';
import {
  executionDefinition,
  livenessDefinition,
  resourceDefinition,
  slotDefinition,
  type ExecutionDefinitionOptions,
} from './definitions.js';
import { startClusterLevel } from './cluster-level.js';
import { startPurgingExpired, type ExpiredKeyValueSettings } from './expired-key-values.js';
import { searchableBy, type ExecutionRetention } from './retention.js';
import { FlowPlans } from './flow-plans.js';
import { inlineTasks } from './inline-tasks.js';
import { maintenanceCheck } from './maintenance.js';
import { followWorkerGroups, type FollowedWorkerGroups } from './worker-groups.js';

export interface ExecutorOptions {
  readonly context: ServiceContext;
  readonly queue: Queue;
  readonly topics: Topics;
  readonly registry: TaskTypeRegistry;
  /** `envs`, `globals`, `kestra`. */
  readonly serverVariables?: PlainObject;
  /** `plugins.defaults` of the configuration. */
  readonly pluginDefaults?: readonly PluginDefault[];
  /** Flows may take over the tasks of templates. Default false. */
  readonly templates?: boolean;
  readonly expressions?: ExpressionSettings;
  /** When the state of ended executions leaves the queue. Default: never. */
  readonly retention?: ExecutionRetention;
  /** When key-values that have expired are removed. Default: never. */
  readonly expiredKeyValues?: ExpiredKeyValueSettings;
  /** Of a cluster: what `kafka.partitions` asks for. Absent: there is no cluster. */
  readonly cluster?: { readonly wantedPartitions: number };
  /** IANA name of the zone in which expressions read and print dates. Default: the host's. */
  readonly timeZone?: string;
  /**
   * Instances of this process when it owns its data folder alone: every other instance on record is declared lost when
   * the executor starts, without waiting for its lease (protocols.md part 3.6).
   */
  readonly onlyInstances?: readonly string[];
  /** The group of the worker in this process, when no other process can have one: it is never without a worker. */
  readonly ownWorkerGroup?: string;
  /** Broken on purpose: only tests set it, to show that their checks would notice. */
  readonly broken?: ExecutionDefinitionOptions['broken'];
}

/** The server that decides: executions, resources, liveness. Holds no rules; they are in the pure libraries. */
export function createExecutor(options: ExecutorOptions): Service {
  const { context, queue, topics } = options;
  const running: RunningProcessor[] = [];
  let state: ServiceInstance['state'] = 'RUNNING';
  const views: View<unknown>[] = [];
  let heartbeat: Heartbeat | undefined;
  let purging: { stop(): void } | undefined;
  let level: { stop(): void } | undefined;
  let groups: FollowedWorkerGroups | undefined;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  failed.catch(() => undefined);
  const faults = context.metrics.counter(
    'executor_faults_total',
    'Events that could not be handled and became dead letters',
  );

  showOwnedPartitions(context.metrics, () => running);

  return {
    name: 'executor',
    failed,
    async start() {
      const [resources, services] = await Promise.all([queue.view(topics.resources), queue.view(topics.services)]);
      views.push(resources, services);
      // Told with the first heartbeat, and at once when it changes.
      followMaintenance(resources, (active) => {
        state = active ? 'MAINTENANCE' : 'RUNNING';
        heartbeat?.beatSoon();
      });
      groups = workerGroupsOf(options, resources, services);
      const executions = await executionsOf(options, {
        resources,
        services,
        groups,
        keep: (view) => void views.push(view),
        faults,
      });
      running.push(...(await startProcessors(options, executions)));
      for (const { failed: stopped } of running) stopped.catch(fail);
      groups.tell();
      heartbeat = await startHeartbeat({
        queue,
        topics,
        context,
        describe: () => ({ role: 'executor', state, partitions: partitionsOf(running) }),
      });
      if (options.cluster)
        level = startClusterLevel({ queue, topics, resources, services, context, ...options.cluster });
      const { expiredKeyValues: settings } = options;
      if (settings) purging = startPurging(options, resources, settings);
      if (options.onlyInstances) await declareOthersLost(queue, topics, options.onlyInstances);
    },
    async stop() {
      purging?.stop();
      level?.stop();
      groups?.stop();
      state = 'TERMINATING';
      heartbeat?.beatSoon();
      // First the partitions: another executor takes them at once.
      await Promise.all(running.splice(0).map((one) => one.close()));
      state = 'TERMINATED_GRACEFULLY';
      await heartbeat?.stop();
      heartbeat = undefined;
      for (const view of views.splice(0)) view.close();
    },
  };
}

const workerGroupsOf = (
  { context: { log, clock }, queue, topics, ownWorkerGroup: ownGroup }: ExecutorOptions,
  resources: View<Resource>,
  services: View<ServiceInstance>,
): FollowedWorkerGroups =>
  followWorkerGroups({
    queue,
    topics,
    resources,
    services,
    log,
    clock,
    ...(ownGroup === undefined ? {} : { ownGroup }),
  });

/** What executions are decided with; looked up in the views. */
async function executionsOf(
  options: ExecutorOptions,
  {
    resources,
    services,
    groups,
    keep,
    faults,
  }: {
    readonly resources: View<Resource>;
    readonly services: View<ServiceInstance>;
    readonly groups: FollowedWorkerGroups;
    readonly keep: (view: View<unknown>) => void;
    readonly faults: () => void;
  },
): Promise<ReturnType<typeof executionDefinition>> {
  const { context, queue, topics, retention } = options;
  const plans = new FlowPlans(resources, options.registry.catalog, {
    ...(options.pluginDefaults === undefined ? {} : { pluginDefaults: options.pluginDefaults }),
    templates: options.templates === true,
  });
  const progress = retention?.onlySearchable === true ? await queue.view(topics.indexProgress) : undefined;
  if (progress) keep(progress);
  return executionDefinition({
    topics,
    flowPlan: (reference) => plans.get(reference),
    wantedPlan: (reference) => plans.wanted(reference),
    hasSlots: (reference) => plans.hasSlots(reference),
    inlineTask: inlineTasks(options.registry),
    serverVariables: options.serverVariables ?? {},
    isLost: (instance) => isGone(services.records(instance)),
    inMaintenance: maintenanceCheck(resources, context.clock),
    workerGroup: groups.status,
    inheritedWorkerGroups: groups.inherited,
    groupsSeen: groups.seen,
    timeZone: options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...(options.expressions === undefined ? {} : { expressions: options.expressions }),
    ...(options.broken === undefined ? {} : { broken: options.broken }),
    ...(retention && {
      retention: { afterMs: retention.afterMs, ...(progress && { searchable: searchableBy(progress) }) },
    }),
    onFault: ({ key, error }) => {
      faults();
      context.log.error({ key, error }, 'An event could not be handled; its execution has failed');
    },
  });
}

const startProcessors = (
  { queue, topics }: ExecutorOptions,
  executions: ReturnType<typeof executionDefinition>,
): Promise<readonly RunningProcessor[]> =>
  Promise.all([
    queue.process(resourceDefinition(topics)),
    queue.process(livenessDefinition(topics)),
    queue.process(slotDefinition(topics)),
    queue.process(executions),
  ]);

function startPurging(
  { context: { clock, instance, log }, queue, topics }: ExecutorOptions,
  resources: View<Resource>,
  settings: ExpiredKeyValueSettings,
): { stop(): void } {
  const onError = (error: unknown): void =>
    log.warn({ error }, 'Key-values that have expired could not be removed; it is tried again');
  return startPurgingExpired({ queue, topics, resources, clock, instance, settings, onError });
}

/** The record of an instance that was declared lost, or has said good-bye. An unknown instance has just begun. */
const isGone = (records: ReadonlyMap<string, ServiceInstance>): boolean =>
  [...records.values()].some(({ state }) => state === 'DISCONNECTED' || state === 'TERMINATED_GRACEFULLY');

async function declareOthersLost(queue: Queue, topics: Topics, keep: readonly string[]): Promise<void> {
  await queue.publish([
    outgoing({
      topic: topics.serviceEvents,
      key: keyOf('all'),
      value: { kind: 'all-earlier-lost', keep },
      broadcast: true,
    }),
  ]);
}
