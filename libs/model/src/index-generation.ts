/**
 * How an index is replaced by a new one while all is running (protocols.md part 7.2). The generation that is `current` is
 * searched; one that is `filling` is written by the indexers, and searched once it has all that the current one has.
 */
export interface IndexGeneration {
  readonly kind: 'generation';
  /** Whose consumer groups the indexers take part in. */
  readonly generation: number;
  readonly state: 'filling' | 'current';
  /** When this was said, in milliseconds since the epoch. */
  readonly at: number;
}

/** How far a generation is that is filling: what `IndexProgress` says of the one that is searched. */
export interface FillingProgress {
  readonly kind: 'filling';
  readonly generation: number;
  /** The topic's name. */
  readonly topic: string;
  readonly partition: number;
  /** Records before this offset are in it. */
  readonly searchable: number;
}

/** An indexer writes to this generation and to no earlier one any more. Removed when the indexer stops. */
export interface IndexerMoved {
  readonly kind: 'moved';
  readonly instance: string;
  readonly generation: number;
}

export type IndexGenerationRecord = IndexGeneration | FillingProgress | IndexerMoved;

/** Keys of `index-generation`; every record has this id. */
export const indexGenerationKey = {
  generation: 'generation',
  filling: (topic: string, partition: number): string => `filling/${topic}/${partition}`,
  moved: (instance: string): string => `moved/${instance}`,
} as const;
export const INDEX_GENERATION_ID = 'record';

/** Key and id of `index-progress`. */
export const indexProgressKey = (topic: string, partition: number): string => `${topic}/${partition}`;
export const INDEX_PROGRESS_ID = 'progress';

/** The consumer group in which the indexers of a generation share a topic. */
export const indexerGroup = (generation: number, topic: string): string => `indexer.${generation}.${topic}`;
