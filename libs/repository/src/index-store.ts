import type { LoggedRecord } from '@millrace/queue';

/** Topics whose records the index has. */
export const INDEXED_TOPICS = ['executions', 'task-runs', 'logs', 'metrics', 'triggers'] as const;
export type IndexedTopic = (typeof INDEXED_TOPICS)[number];

/** What became of one record (protocols.md part 7, elasticsearch.md part 6). */
export type Settlement =
  /** It is there, or something newer is, or there is nothing to write for such a record. */
  | { readonly kind: 'written' | 'newer-there' | 'nothing' }
  /** Not now: the store is overloaded. */
  | { readonly kind: 'retry'; readonly reason: string }
  /** Never: the index does not take such a document. */
  | { readonly kind: 'rejected'; readonly reason: string };

/**
 * What the indexer writes to. Writing the same records again, in any order of batches of different partitions, changes
 * nothing; a newer state is never replaced by an older one.
 */
export interface IndexStore {
  /**
   * Makes or checks everything that is needed: templates, aliases, mappings of older versions brought up to date.
   * Idempotent, and safe when several do it at once.
   * @throws RepositoryError UNAVAILABLE, in one sentence with what to do: an address where nobody answers, a missing right,
   *   a server version that is not supported
   */
  prepare(): Promise<void>;

  /**
   * Writes records of one topic, those of each partition in order; removals (deleted executions, purges of logs and metrics)
   * included. Answers one settlement for each record, in the order of the records.
   * @throws RepositoryError UNAVAILABLE (retryable) when nothing can be said of some of them: write them all again
   */
  write(topic: IndexedTopic, records: readonly LoggedRecord<unknown>[]): Promise<readonly Settlement[]>;

  /**
   * What was written before is found by searches when it resolves: what this store has written (`mine`, which costs nothing
   * when there is nothing), or what anybody has. @throws RepositoryError UNAVAILABLE
   */
  refresh(whose: 'mine' | 'all'): Promise<void>;

  /** Removes what is older than the configured retention. @throws RepositoryError UNAVAILABLE */
  removeOlderThan(limits: RetentionLimits): Promise<{ readonly removed: number }>;

  /**
   * A new generation of every index, filled with a copy of this one's documents, that no search sees yet.
   * @throws RepositoryError UNAVAILABLE
   */
  nextGeneration(): Promise<IndexStore>;

  /** From 1 on; part of the names of its indices. */
  readonly generation: number;

  /** Searches see this generation from now on, and no other; the earlier ones are removed. */
  publish(): Promise<void>;

  close(): Promise<void>;
}

/** In milliseconds since the epoch; what began before is removed. Absent: nothing is. */
export interface RetentionLimits {
  readonly executions?: number;
  readonly logs?: number;
  readonly metrics?: number;
}
