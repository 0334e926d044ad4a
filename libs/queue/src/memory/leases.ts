import type { Instant } from '@millrace/model';
import type { Lease, StoredTopic } from '../shell/commit.js';
import type { Assignment } from '../store/contract.js';
import { at, type LeaseData, type ProcessorData, type TopicData } from './data.js';

/** How many of `partitions` an instance should own when `members` share them evenly. */
export function fairShare(partitions: number, members: readonly string[], instance: string): number {
  const place = [...members].sort().indexOf(instance);
  return Math.floor(partitions / members.length) + (place < partitions % members.length ? 1 : 0);
}

/** Renews what `instance` holds and tells what it should take or give up, so that all have their fair share. */
export function assignPartitions(
  data: ProcessorData,
  input: Pick<StoredTopic, 'partitions'>,
  {
    instance,
    held,
    now,
    leaseMs,
  }: { readonly instance: string; readonly held: readonly number[]; readonly now: Instant; readonly leaseMs: number },
): Assignment {
  data.members.set(instance, now + leaseMs);
  for (const [member, until] of data.members) if (until <= now) data.members.delete(member);
  const owned = held.filter((partition) => data.leases.get(partition)?.owner === instance);
  for (const partition of owned) {
    const lease = data.leases.get(partition);
    if (lease !== undefined) lease.until = now + leaseMs;
  }
  // An owner that stood still learns here what it lost meanwhile: an idle partition has no commit that would tell it.
  const lost = held.filter((partition) => !owned.includes(partition));
  const share = fairShare(input.partitions, [...data.members.keys()], instance);
  const free: number[] = [];
  for (let partition = 0; partition < input.partitions; partition++) {
    const lease = data.leases.get(partition);
    const isFree = lease === undefined || lease.owner === undefined || lease.owner === instance || lease.until <= now;
    if (isFree && !held.includes(partition)) free.push(partition);
  }
  return {
    take: free.slice(0, Math.max(0, share - owned.length)),
    giveUp: [...lost, ...owned.slice(share)],
  };
}

/** Makes `instance` the owner under a new epoch, unless another one's lease still holds. */
export function takeLease(
  data: ProcessorData,
  input: TopicData,
  {
    partition,
    instance,
    now,
    leaseMs,
  }: { readonly partition: number; readonly instance: string; readonly now: Instant; readonly leaseMs: number },
): Lease | undefined {
  const logStart = at(input.logs, partition, 'partition').start;
  const known: LeaseData = data.leases.get(partition) ?? {
    owner: undefined,
    until: 0,
    epoch: 0,
    appliedPosition: logStart - 1,
    now: 0,
    tries: undefined,
  };
  if (known.owner !== undefined && known.owner !== instance && known.until > now) return undefined;
  known.owner = instance;
  known.until = now + leaseMs;
  known.epoch++;
  data.leases.set(partition, known);
  const { epoch, appliedPosition, tries } = known;
  return { epoch, appliedPosition, now: known.now, logStart, ...(tries === undefined ? {} : { tries }) };
}
