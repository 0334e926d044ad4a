import type { Instant, Topic } from '@millrace/model';

/**
 * A topic as stores see it: values are opaque. Its columns are methods so that every `Topic<Value>` is one, whatever its
 * values are.
 */
export interface StoredTopic extends Omit<Topic<unknown>, 'columns'> {
  readonly columns?: Readonly<Record<string, StoredColumn>>;
}

export interface StoredColumn {
  readonly type: 'text' | 'integer';
  of(value: unknown, record: { readonly key: string; readonly id: string }): string | number | undefined;
}

/** A record on its way into the store: partition chosen, value turned into text once for every adapter. */
export interface EncodedRecord {
  readonly topic: StoredTopic;
  readonly partition: number;
  readonly key: string;
  /** '' for events and jobs. */
  readonly id: string;
  readonly value: unknown;
  /** JSON of `value`; null removes. */
  readonly text: string | null;
  readonly broadcast: boolean;
}

/** The last value of a record that a batch touched. */
export interface StatePut {
  readonly key: string;
  readonly id: string;
  readonly value: unknown;
  readonly text: string;
}

export interface StateRemoval {
  readonly key: string;
  readonly id: string;
}

/** What a batch changed in one state topic. */
export interface StateChanges {
  readonly topic: StoredTopic;
  readonly puts: readonly StatePut[];
  readonly removals: readonly StateRemoval[];
}

/** Everything that one batch of a partition makes true; an adapter stores all of it or nothing. */
export interface Commit {
  readonly processor: string;
  readonly partition: number;
  /** Of the lease under which the batch was decided; the store refuses an older one with QUEUE_FENCED. */
  readonly epoch: number;
  /** The last input position that is done with. */
  readonly appliedPosition: number;
  /** The partition's time; never goes back. */
  readonly now: Instant;
  readonly states: readonly StateChanges[];
  readonly outgoing: readonly EncodedRecord[];
  /** Keys that restore must load from now on. */
  readonly live: readonly string[];
  /** Keys of this batch that it need not load any more, whether they lived before or not. */
  readonly ended: readonly string[];
}

/** How often a batch that starts after `position` was tried by processes that did not survive it. */
export interface Tries {
  readonly position: number;
  readonly tries: number;
}

/** The right to be a partition's only writer, and where its last owner stopped. */
export interface Lease {
  readonly epoch: number;
  readonly appliedPosition: number;
  readonly now: Instant;
  /** First position that the log still has; 1 when nothing was removed. */
  readonly logStart: number;
  readonly tries?: Tries;
}

interface InputPlace {
  readonly position: number;
  readonly key: string;
  /** Was sent to every partition. */
  readonly broadcast: boolean;
}

/** An event of the log, or what is left of one that could not be decoded. */
export type Input<Event> =
  | (InputPlace & { readonly value: Event; readonly fault?: undefined })
  | (InputPlace & { readonly value: unknown; readonly fault: Error });

/**
 * What the shell needs of an adapter, for one partition. Answers that are at hand are given without a promise, so that
 * the hot path does not wait.
 */
export interface PartitionPort<Rec, Event> {
  /** Fences the earlier owner and settles its last commit; undefined when another owner holds the partition. */
  take(): Promise<Lease | undefined>;
  /** Calls `each` with every record of every live key. */
  restore(each: (key: string, id: string, record: Rec) => void): Promise<void>;
  /** All records of a key that is not in memory; empty for an unknown key. */
  load(key: string): Iterable<readonly [string, Rec]> | Promise<Iterable<readonly [string, Rec]>>;
  /** The next events after a position, oldest first, at most `limit`; empty when there are none yet. */
  read(after: number, limit: number): readonly Input<Event>[] | Promise<readonly Input<Event>[]>;
  /** Durable before it resolves, outside of any commit (protocols.md part 1.4). */
  recordTries(epoch: number, tries: Tries): Promise<void>;
  /** Stores the position alone. Wrong by design: only `broken: 'position-outside-transaction'` calls it. */
  storePosition(epoch: number, position: number): Promise<void>;
  /** @throws QueueError QUEUE_FENCED when the lease went to another owner */
  commit(commit: Commit): Promise<void>;
  /** When `removeEnded` has something to do; undefined: never, as things stand. O(1). */
  removesAt?(): Instant | undefined;
  /**
   * Removes the records of some keys whose retention is over at `now`, each key's together, in a transaction of its own.
   * Never called while a batch is decided. Keys that are `inMemory` stay.
   * @throws QueueError QUEUE_FENCED when the lease went to another owner
   */
  removeEnded?(epoch: number, now: Instant, inMemory: (key: string) => boolean): Promise<void>;
}
