import {
  CLUSTER_ID,
  CLUSTER_KEY,
  ClusterState,
  createTopics,
  EXECUTION_FORMAT,
  outgoing,
  type ClusterRecord,
} from '@millrace/model';
import { createMemoryQueue } from '@millrace/queue/memory';
import type { Logger } from '@millrace/service';
import { followCluster } from '../src/cluster-state.js';

const RECORD: ClusterRecord = {
  kind: 'cluster',
  format: 2,
  version: '2.0.0',
  placements: [{ partitions: 4 }],
  current: 0,
};
/** A level that only a newer version reads. */
const NEXT = EXECUTION_FORMAT + 1;
const REFUSAL =
  `The cluster's records have format level ${NEXT}, and Millrace 1.0.0 reads up to level ${EXECUTION_FORMAT}: ` +
  'start version 3.1.0 or a newer one';

function aServer(wantedPartitions: number) {
  const cluster = new ClusterState(4, { toBeTold: true });
  const topics = createTopics({ executionPartitions: cluster, resourcePartitions: 1 });
  const queue = createMemoryQueue({ clock: { now: () => 0, after: () => () => undefined } });
  const warnings: string[] = [];
  const grown: number[] = [];
  const errors: unknown[] = [];
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_fields, message) => void warnings.push(message),
    error: () => undefined,
    child: () => log,
  };
  const write = (record: ClusterRecord): Promise<void> =>
    queue.publish([outgoing({ topic: topics.resources, key: CLUSTER_KEY, id: CLUSTER_ID, value: record })]);
  const follow = () =>
    followCluster({
      queue: {
        tail: queue.tail.bind(queue),
        grow: async (_topics, partitions) => void grown.push(partitions),
      },
      topics,
      cluster,
      wantedPartitions,
      version: '1.0.0',
      log,
      onError: (error) => errors.push(error),
    });
  return { cluster, write, follow, warnings, grown, errors };
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));

describe('a server and the level of its cluster', () => {
  it('does not start where it cannot read what is written', async () => {
    const { write, follow } = aServer(4);
    await write({ ...RECORD, format: NEXT, version: '3.1.0' });
    await expect(follow()).rejects.toThrow(REFUSAL);
  });

  it('ends with the same sentence when the level rises beyond it', async () => {
    const { write, follow, errors, cluster } = aServer(4);
    await write(RECORD);
    await follow();
    expect(cluster.format).toBe(2);
    await write({ ...RECORD, format: NEXT, version: '3.1.0' });
    await settled();
    expect(errors.map(String)).toEqual([expect.stringContaining(REFUSAL)]);
  });

  it('adds proposed partitions before it knows of them, and takes fewer in its configuration for a word', async () => {
    const { write, follow, warnings, grown, cluster } = aServer(2);
    await follow();
    expect(warnings[0]).toBe(
      'kafka.partitions is 2, and the cluster has 4: it has them, for partitions never become fewer',
    );
    await write({ ...RECORD, placements: [{ partitions: 4 }, { partitions: 8 }] });
    await settled();
    expect([grown.at(-1), cluster.counts, cluster.current]).toEqual([8, [4, 8], 0]);
    await write({ ...RECORD, placements: [{ partitions: 4 }, { partitions: 8 }], current: 1 });
    await settled();
    expect(cluster.current).toBe(1);
  });
});
