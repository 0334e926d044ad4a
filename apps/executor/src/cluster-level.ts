import { randomBytes } from 'node:crypto';
import {
  CLUSTER_ID,
  CLUSTER_KEY,
  EXECUTION_FORMAT,
  newId,
  outgoing,
  PLACEMENT_FORMAT,
  type ClusterChange,
  type ClusterRecord,
  type Resource,
  type ServiceInstance,
  type Topics,
} from '@millrace/model';
import type { Queue, View } from '@millrace/queue';
import { nextClusterChange } from '@millrace/registry';
import type { ServiceContext } from '@millrace/service';

export interface ClusterLevelOptions {
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Topics;
  readonly resources: Pick<View<Resource>, 'get' | 'onChange'>;
  readonly services: Pick<View<ServiceInstance>, 'keys' | 'records' | 'onChange'>;
  readonly context: ServiceContext;
  /** `kafka.partitions`. */
  readonly wantedPartitions: number;
}

/**
 * Brings the cluster on to what its live servers are ready for: the level of the format, more partitions. Every executor
 * does, whenever a server or the cluster's record changes; the owner of the record takes the first of equal commands.
 */
export function startClusterLevel(options: ClusterLevelOptions): { stop(): void } {
  const { queue, topics, resources, services, context, wantedPartitions } = options;
  let asked: string | undefined;
  let isTold = false;

  function look(): void {
    const stored = resources.get(CLUSTER_KEY, CLUSTER_ID);
    const record = stored?.kind === 'cluster' ? stored : undefined;
    const all = [...services.keys()].flatMap((key) => [...services.records(key).values()]);
    // Who has not been seen itself yet does not see the others either.
    if (!all.some(({ instance }) => instance === context.instance)) return;
    const change = nextClusterChange(record, all, {
      format: EXECUTION_FORMAT,
      partitions: topics.executions.cluster.partitions,
      wantedPartitions,
      ...(context.version === undefined ? {} : { version: context.version }),
    });
    tellOfWaiting(record, change);
    if (change === undefined) return;
    const name = JSON.stringify([change, record]);
    if (name === asked) return;
    asked = name;
    ask(change);
  }

  function ask(change: ClusterChange): void {
    const at = context.clock.now();
    const value = { commandId: newId(at, randomBytes(16)), replyTo: context.instance, at, change };
    queue.publish([outgoing({ topic: topics.resourceCommands, key: CLUSTER_KEY, value })]).then(
      () => context.log.info({ change }, 'The cluster is ready for a change that concerns all its servers'),
      (error: unknown) => {
        asked = undefined;
        context.log.warn({ error }, 'A change of the cluster could not be asked for; it is tried again');
      },
    );
  }

  /** Once: an operator who has raised the number wonders why nothing comes of it. */
  function tellOfWaiting(record: ClusterRecord | undefined, change: ClusterChange | undefined): void {
    const { partitions } = topics.executions.cluster;
    if (isTold || change !== undefined || wantedPartitions <= partitions) return;
    if ((record?.format ?? 1) >= PLACEMENT_FORMAT) return;
    isTold = true;
    context.log.warn(
      { wanted: wantedPartitions, partitions },
      `kafka.partitions is ${wantedPartitions} and the cluster has ${partitions}: they become more when every server reads format level ${PLACEMENT_FORMAT}; replace the servers of older versions`,
    );
  }

  const stops = [services.onChange(look), resources.onChange(({ key }) => key === CLUSTER_KEY && look())];
  look();
  return { stop: () => stops.forEach((stop) => stop()) };
}
