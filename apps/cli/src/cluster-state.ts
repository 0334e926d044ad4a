import {
  CLUSTER_ID,
  CLUSTER_KEY,
  EXECUTION_FORMAT,
  type ClusterRecord,
  type ClusterState,
  type Topics,
} from '@millrace/model';
import { QueueError, type Queue, type Tail } from '@millrace/queue';
import type { KafkaQueue } from '@millrace/queue/kafka';
import type { Logger } from '@millrace/service';

export interface ClusterStateOptions {
  readonly queue: Pick<Queue, 'tail'> & Pick<KafkaQueue, 'grow'>;
  readonly topics: Topics;
  /** Told what the record says. */
  readonly cluster: ClusterState;
  /** `kafka.partitions`. */
  readonly wantedPartitions: number;
  /** Of the product, for the sentence with which this server refuses a cluster that it cannot read. */
  readonly version: string;
  readonly log: Logger;
  /** The cluster has gone on to what this server cannot follow. */
  readonly onError: (error: unknown) => void;
}

/**
 * Follows what the servers of the cluster have agreed on, from before this server reads or writes anything of an execution.
 * Partitions that were proposed are made, by whoever comes first, before this server says that it knows them.
 * @returns when the record was read; how to end following
 * @throws QueueError QUEUE_MISMATCH with one sentence when this version does not read what the cluster writes
 */
export async function followCluster(options: ClusterStateOptions): Promise<Tail> {
  const { queue, topics, cluster, wantedPartitions, log, onError } = options;
  let newest: ClusterRecord | undefined;
  let isStarting = true;
  let last = Promise.resolve();
  const follow = (record: ClusterRecord | undefined): void => {
    last = last.then(() => apply(options, record)).catch(onError);
  };
  const tail = await queue.tail(topics.resources, {
    key: CLUSTER_KEY,
    from: 'start',
    onRecord({ id, value }) {
      if (id !== CLUSTER_ID || value?.kind !== 'cluster') return;
      newest = value;
      if (!isStarting) follow(value);
    },
    onError,
  });
  try {
    await apply(options, newest);
    isStarting = false;
    // What came while the first was looked at.
    if (newest !== undefined) follow(newest);
  } catch (thrown) {
    tail.close();
    throw thrown;
  }
  if (wantedPartitions < cluster.partitions) {
    log.warn(
      { wanted: wantedPartitions, partitions: cluster.partitions },
      `kafka.partitions is ${wantedPartitions}, and the cluster has ${cluster.partitions}: it has them, for partitions never become fewer`,
    );
  }
  return tail;
}

async function apply(
  { queue, topics, cluster, version, log }: ClusterStateOptions,
  record: ClusterRecord | undefined,
): Promise<void> {
  if (record !== undefined && record.format > EXECUTION_FORMAT) throw cannotRead(record, version);
  const target = record?.placements.at(-1)?.partitions ?? cluster.partitions;
  const placed = [topics.executionEvents, topics.executions, topics.taskRuns, topics.logs, topics.metrics];
  const before = cluster.counts.length;
  try {
    await queue.grow(placed, target);
  } catch (thrown) {
    // A proposal may wait until somebody has made the partitions; what is used may not.
    const used = record?.placements.slice(0, record.current + 1);
    if (record === undefined || used === undefined || used.length === record.placements.length) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    log.warn({ reason }, 'More partitions are proposed and are not there: new executions stay where they are');
    await queue.grow(placed, used.at(-1)?.partitions ?? cluster.partitions);
    return cluster.tell({ ...record, placements: used });
  }
  cluster.tell(record);
  if (cluster.isTold && cluster.counts.length > before) {
    log.info(
      { partitions: cluster.partitions, placement: cluster.counts.length - 1 },
      'The partitions have become more',
    );
  }
}

/** Why this server does not start, or ends. */
export function cannotRead({ format, version: needed }: ClusterRecord, version: string): QueueError {
  const which = needed === undefined ? 'a newer version' : `version ${needed} or a newer one`;
  return new QueueError(
    'QUEUE_MISMATCH',
    `The cluster's records have format level ${format}, and Millrace ${version} reads up to level ${EXECUTION_FORMAT}: start ${which}`,
    false,
  );
}
