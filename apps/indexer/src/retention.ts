import type { Clock } from '@millrace/model';
import type { IndexStore, RetentionLimits } from '@millrace/repository';
import type { Logger } from '@millrace/service';

/** How long what is in the index stays there, in milliseconds; absent: for ever. */
export type IndexRetention = RetentionLimits;

const FIRST_MS = 60_000;
const HOUR_MS = 3_600_000;

export interface RetentionOptions {
  readonly retention: IndexRetention;
  readonly clock: Clock;
  readonly log: Logger;
  /** True of one of all indexers. */
  isLeader(): boolean;
  store(): Pick<IndexStore, 'removeOlderThan'> | undefined;
}

/** Removes what is old from the index, every hour, by one of the indexers. Answers how it is stopped. */
export function startRetention({ retention, clock, log, isLeader, store }: RetentionOptions): () => void {
  const kinds = Object.entries(retention).filter(([, keptMs]) => keptMs !== undefined);
  if (kinds.length === 0) return () => undefined;
  let isOver = false;
  let cancel = (): void => undefined;

  async function remove(): Promise<void> {
    const now = clock.now();
    try {
      const limits = Object.fromEntries(kinds.map(([kind, keptMs]) => [kind, now - Number(keptMs)]));
      const { removed = 0 } = (await store()?.removeOlderThan(limits)) ?? {};
      if (removed > 0) log.info({ removed }, 'What is older than the retention was removed from the index');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ reason }, 'What is old could not be removed from the index; trying again in an hour');
    }
  }

  const wait = (ms: number): void => {
    cancel = clock.after(ms, () => {
      const done = isLeader() ? remove() : Promise.resolve();
      void done.then(() => {
        if (!isOver) wait(HOUR_MS);
      });
    });
  };
  wait(FIRST_MS);
  return () => {
    isOver = true;
    cancel();
  };
}
