import type { RunningProcessor } from '@millrace/queue';
import type { Metrics } from './contract.js';

/** Shows how many partitions of each of its processors a server owns; nothing for those that do not run. */
export function showOwnedPartitions(metrics: Metrics, running: () => readonly RunningProcessor[]): void {
  // The executor and the scheduler of one process share its figures.
  const shown = owners.get(metrics) ?? new Set();
  shown.add(running);
  owners.set(metrics, shown);
  metrics.gauges('partitions_owned', 'Partitions that this server owns, by processor', ['processor'], () =>
    [...shown].flatMap((read) =>
      read().map(({ name, partitions }) => ({ labels: { processor: name }, value: partitions.length })),
    ),
  );
}

const owners = new WeakMap<Metrics, Set<() => readonly RunningProcessor[]>>();
