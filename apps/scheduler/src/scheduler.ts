import type { MissedSchedules, PlainObject, PluginDefault, ServiceInstance, Topics } from '@millrace/model';
import type { TaskTypeRegistry } from '@millrace/plugin-api';
import { partitionsOf, type Queue, type RunningProcessor, type View } from '@millrace/queue';
import { followMaintenance } from '@millrace/resources';
import {
  showOwnedPartitions,
  startHeartbeat,
  type Heartbeat,
  type Service,
  type ServiceContext,
} from '@millrace/service';
import { triggerDefinition } from './definition.js';
import { TriggerPlans } from './trigger-plans.js';
import { announceUnknownFlows } from './unknown-flows.js';

export interface SchedulerOptions {
  readonly context: ServiceContext;
  readonly queue: Queue;
  readonly topics: Topics;
  readonly registry: TaskTypeRegistry;
  /** Of the configuration. */
  readonly pluginDefaults?: readonly PluginDefault[];
  /** `envs`, `globals`, `kestra`. */
  readonly serverVariables?: PlainObject;
  /** IANA name of the zone of schedules that name none. Default: the host's. */
  readonly timeZone?: string;
  /** What becomes of missed dates of schedules that do not say it. Default: all are run. */
  readonly recoverMissedSchedules?: MissedSchedules;
}

/**
 * The server of triggers. Holds no rules; they are in the pure libraries. There may be several: each owns some partitions of
 * `trigger-events`, and another takes over when it is gone.
 */
export function createScheduler(options: SchedulerOptions): Service {
  const { context, queue, topics } = options;
  let heartbeat: Heartbeat | undefined;
  let state: ServiceInstance['state'] = 'RUNNING';
  let running: RunningProcessor | undefined;
  let resources: View<unknown> | undefined;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  failed.catch(() => undefined);
  const faults = context.metrics.counter(
    'scheduler_faults_total',
    'Events of triggers that could not be handled and became dead letters',
  );
  showOwnedPartitions(context.metrics, () => (running ? [running] : []));
  return {
    name: 'scheduler',
    failed,
    async start() {
      const view = await queue.view(topics.resources);
      resources = view;
      // Dates go on to be due: what they start is stored, and begins when the mode is over.
      followMaintenance(view, (active) => {
        state = active ? 'MAINTENANCE' : 'RUNNING';
        heartbeat?.beatSoon();
      });
      const plans = new TriggerPlans({
        resources: view,
        catalog: options.registry.catalog,
        pluginDefaults: options.pluginDefaults ?? [],
        serverVariables: options.serverVariables ?? {},
        timeZone: options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
        recoverMissedSchedules: options.recoverMissedSchedules ?? 'ALL',
      });
      running = await queue.process(
        triggerDefinition({
          topics,
          plans,
          onFault: ({ key, error }) => {
            faults();
            context.log.error({ key, error }, 'An event of a trigger could not be handled');
          },
        }),
      );
      running.failed.catch(fail);
      await announceUnknownFlows(queue, topics, view, context.clock);
      heartbeat = await startHeartbeat({
        queue,
        topics,
        context,
        describe: () => ({ role: 'scheduler', state, partitions: partitionsOf(running ? [running] : []) }),
      });
    },
    async stop() {
      // First the partitions: another scheduler takes them at once.
      await running?.close();
      running = undefined;
      resources?.close();
      // Else it would be taken for lost when its lease is over.
      state = 'TERMINATED_GRACEFULLY';
      await heartbeat?.stop();
    },
  };
}
