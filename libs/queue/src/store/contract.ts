import type { Instant } from '@millrace/model';
import type { StateRetention } from '../contract.js';
import type { Commit, EncodedRecord, Lease, StoredTopic, Tries } from '../shell/commit.js';
import type { JobRow } from '../shell/job-loop.js';

/** A record of a state topic as it is kept. */
export interface StateRow {
  readonly topic: StoredTopic;
  readonly key: string;
  readonly id: string;
  readonly text: string;
}

/** An event of a log as it is kept. */
export interface EventRow {
  readonly position: number;
  readonly key: string;
  readonly broadcast: boolean;
  readonly text: string;
}

/** A record that became durable. */
export interface CommittedRecord extends EncodedRecord {
  /** Place in the partition's log, from 1; 0 for state and jobs, which have none. */
  readonly position: number;
}

/** Which partition is meant, and who asks. */
export interface PartitionOwner {
  readonly processor: string;
  readonly input: StoredTopic;
  readonly partition: number;
  readonly instance: string;
}

/** What an instance should do about the partitions of a processor. */
export interface Assignment {
  /** Partitions to take with `takePartition`. */
  readonly take: readonly number[];
  /** Partitions to stop and release, for other instances have too few. */
  readonly giveUp: readonly number[];
}

/**
 * What memory and SQL have to bring so that `createStoreQueue` makes a queue of them. Every writing method is one
 * transaction: all of it is durable when it resolves, nothing when it rejects, except that a commit whose answer was lost
 * may have been applied. Failures are `QueueError`s.
 */
export interface QueueStore {
  /** How long a lease holds without being renewed; undefined when only this process can own partitions. */
  readonly leaseMs: number | undefined;
  /**
   * Makes the topic known; a repeat changes nothing. Writing to a topic declares it too.
   * @throws QueueError QUEUE_MISMATCH when it has another partition count than at its first use
   */
  declare(topic: StoredTopic): void | Promise<void>;
  /** Every topic that was declared in this process. */
  topics(): Iterable<StoredTopic>;
  publish(records: readonly EncodedRecord[]): Promise<void>;
  /** @throws QueueError QUEUE_FENCED */
  commit(commit: Commit): Promise<void>;
  /**
   * Removes the oldest jobs that `accept` takes, at most `limit`, and writes what `claim` answers for each, in one
   * transaction.
   */
  takeJobs(
    topic: StoredTopic,
    limit: number,
    claim: (job: JobRow) => readonly EncodedRecord[],
    accept: (job: JobRow) => boolean,
  ): Promise<readonly JobRow[]>;
  /** Renews the leases that `instance` holds and tells what it should take or give up. */
  assign(owner: Omit<PartitionOwner, 'partition'>, held: readonly number[]): Promise<Assignment>;
  /** Raises the epoch, so that earlier owners are fenced; undefined when another instance's lease still holds. */
  takePartition(owner: PartitionOwner): Promise<Lease | undefined>;
  releasePartition(owner: PartitionOwner, epoch: number): Promise<void>;
  /** The instance takes no part in the processor any more; others may have its share at once. */
  leave(owner: Omit<PartitionOwner, 'partition'>): Promise<void>;
  recordTries(owner: PartitionOwner, epoch: number, tries: Tries): Promise<void>;
  storePosition(owner: PartitionOwner, epoch: number, position: number): Promise<void>;
  /** Every record of the processor's live keys in the partition. */
  restore(owner: PartitionOwner, topics: readonly StoredTopic[], each: (row: StateRow) => void): Promise<void>;
  /** All records of a key. */
  load(
    topics: readonly StoredTopic[],
    partition: number,
    key: string,
  ): readonly StateRow[] | Promise<readonly StateRow[]>;
  read(
    topic: StoredTopic,
    partition: number,
    after: number,
    limit: number,
  ): readonly EventRow[] | Promise<readonly EventRow[]>;
  /** How many events a processor has not applied, by partition; of jobs how many wait. */
  backlog(topic: StoredTopic, reader: string | ReadonlyMap<number, number>): ReadonlyMap<number, number>;
  /** Every record of a state topic; what is committed meanwhile may be met or not. */
  scan(topic: StoredTopic, each: (row: StateRow) => void): Promise<void>;
  /** Calls `listener` for all records that become durable, in commit order, until the answer is called. */
  follow(listener: (records: readonly CommittedRecord[]) => void): () => void;
  /** Of a store that is a log: when `removeEnded` has something to do; undefined: never, as things stand. */
  removesAt?(owner: PartitionOwner, topics: readonly StoredTopic[], retention: StateRetention): Instant | undefined;
  /**
   * Of a store that is a log: removes the records of some keys whose retention is over, each key's together.
   * @throws QueueError QUEUE_FENCED
   */
  removeEnded?(
    owner: PartitionOwner,
    topics: readonly StoredTopic[],
    retention: StateRetention,
    removal: { readonly epoch: number; readonly now: Instant; readonly inMemory: (key: string) => boolean },
  ): Promise<void>;
  /** Removes events past their retention that every processor is done with; answers how many, at most `limit`. */
  removeExpired(topic: StoredTopic, limit: number): Promise<number>;
  close(): Promise<void>;
}
