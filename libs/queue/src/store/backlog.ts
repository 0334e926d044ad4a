import type { StoredTopic } from '../shell/commit.js';

/** Where a partition and its reader stand, in positions. */
interface Standing {
  readonly start: number;
  readonly end: number;
  /** undefined: it has read nothing. */
  readonly done: number | undefined;
}

/** Events that wait in each partition. */
export const backlogOf = (
  { partitions }: StoredTopic,
  standingOf: (partition: number) => Standing,
): ReadonlyMap<number, number> =>
  new Map(
    Array.from({ length: partitions }, (_, partition) => {
      const { start, end, done = start - 1 } = standingOf(partition);
      return [partition, Math.max(0, end - Math.max(done, start - 1))] as const;
    }),
  );
