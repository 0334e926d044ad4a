/** A member of a group and the partitions that it had before. */
export interface Member {
  readonly id: string;
  readonly owned: readonly number[];
}

/**
 * Partitions 0 to `partitions` - 1 among the members: shares differ by one at the most, and a member keeps what it had as
 * far as its share goes, so that little is restored anew. The same members give the same answer, in whatever order.
 */
export function shareOut(members: readonly Member[], partitions: number): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort((one, other) => (one.id < other.id ? -1 : 1));
  const least = Math.floor(partitions / sorted.length);
  let larger = partitions % sorted.length;
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition));
  const shares = new Map<string, number[]>(sorted.map(({ id }) => [id, []]));
  const quotas = new Map<string, number>();
  // Those who have most keep the larger shares.
  const byOwned = [...sorted].sort(
    (one, other) => other.owned.length - one.owned.length || (one.id < other.id ? -1 : 1),
  );
  for (const { id } of byOwned) quotas.set(id, larger-- > 0 ? least + 1 : least);
  for (const { id, owned } of byOwned) {
    const share = shares.get(id) ?? [];
    for (const partition of owned) {
      if (share.length >= (quotas.get(id) ?? 0)) break;
      if (free.delete(partition)) share.push(partition);
    }
  }
  const left = [...free];
  for (const { id } of sorted) {
    const share = shares.get(id) ?? [];
    while (share.length < (quotas.get(id) ?? 0)) {
      const partition = left.shift();
      if (partition === undefined) break;
      share.push(partition);
    }
    share.sort((one, other) => one - other);
  }
  return shares;
}
