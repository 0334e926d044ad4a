import type { IndexProgress } from '@millrace/model';
import type { StateRetention, View } from '@millrace/queue';

/** When the state of ended executions leaves the queue. */
export interface ExecutionRetention {
  /** Milliseconds after the end. */
  readonly afterMs: number;
  /** Not before searches find all its records: there is an index. */
  readonly onlySearchable: boolean;
}

/** The offsets that the indexer has published; 0, so that nothing may go, as long as it has said nothing. */
export const searchableBy =
  (progress: Pick<View<IndexProgress>, 'get'>): NonNullable<StateRetention['searchable']> =>
  (topic, partition) =>
    progress.get(`${topic}/${partition}`, 'progress')?.searchable ?? 0;
