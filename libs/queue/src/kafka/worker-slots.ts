/** What a worker tells of itself. */
export interface SlotStatus {
  /** Kafka's name of the jobs' topic. */
  readonly group: string;
  readonly instance: string;
  readonly partitions: readonly number[];
  /** How many jobs more it could run now; below 0: so many wait at it. */
  readonly free: number;
}

/** A worker that tells nothing for so long is not counted on; it tells every second. */
const STALE_MS = 4_000;

interface Known {
  readonly partitions: readonly number[];
  heardAt: number;
  /** `free`, less what was given to it since. */
  free: number;
  /** Its partitions get jobs in turn. */
  turn: number;
}

/**
 * Where a job is best put: with the worker that has most free slots. A hint, for statuses lag: what was given to a worker
 * since its last status is counted here, and a worker that got too much passes jobs on.
 */
export interface WorkerSlots {
  heard(status: SlotStatus, now: number): void;
  /**
   * The partition for one more job of a group; counted as given. undefined when no worker is known. Without a free slot
   * anywhere, where least waits.
   */
  place(group: string, now: number): number | undefined;
  /** A partition of another worker that has a free slot; counted as given. undefined when there is none. */
  placeElsewhere(group: string, instance: string, now: number): number | undefined;
}

export function createWorkerSlots(): WorkerSlots {
  const groups = new Map<string, Map<string, Known>>();

  function best(group: string, now: number, isAllowed: (instance: string) => boolean): Known | undefined {
    let found: Known | undefined;
    for (const [instance, known] of groups.get(group) ?? []) {
      if (known.heardAt < now - STALE_MS || known.partitions.length === 0 || !isAllowed(instance)) continue;
      if (found === undefined || known.free > found.free) found = known;
    }
    return found;
  }

  function give(known: Known): number | undefined {
    known.free--;
    return known.partitions[known.turn++ % known.partitions.length];
  }

  return {
    heard({ group, instance, partitions, free }, now) {
      const known = groups.get(group) ?? new Map<string, Known>();
      groups.set(group, known);
      known.set(instance, { partitions, heardAt: now, free, turn: known.get(instance)?.turn ?? 0 });
      for (const [other, { heardAt }] of known) if (heardAt < now - 10 * STALE_MS) known.delete(other);
    },
    place(group, now) {
      const known = best(group, now, () => true);
      return known && give(known);
    },
    placeElsewhere(group, instance, now) {
      const known = best(group, now, (other) => other !== instance);
      return known !== undefined && known.free > 0 ? give(known) : undefined;
    },
  };
}
