import type { Clock } from '@millrace/model';
import { QueueError, type StateRetention } from '../contract.js';
import type { Commit, EncodedRecord, StoredTopic } from '../shell/commit.js';
import type { Assignment, CommittedRecord, EventRow, PartitionOwner, QueueStore, StateRow } from '../store/contract.js';
import type { JobRow } from '../shell/job-loop.js';
import { closedError } from '../shell/failure.js';
import { backlogOf } from '../store/backlog.js';
import { stateRecords } from '../store/state-records.js';
import { at, processorData, topicData, type LeaseData, type MemoryStore } from './data.js';
import { EndedPartition } from './ended.js';
import { assignPartitions, takeLease } from './leases.js';
import { removeExpired } from './retention.js';
import { writeRecords } from './write.js';

export interface SessionOptions {
  readonly store: MemoryStore;
  readonly clock: Clock;
  readonly instance: string;
  readonly leaseMs: number;
}

/** After so long without a pause, in milliseconds, a writer lets other work of the process have its turn. */
const BREATH_MS = 20;

/** One server's connection to a memory store. Each write happens within its call; the promise only answers. */
class MemorySession implements QueueStore {
  readonly leaseMs: number;
  readonly #data: MemoryStore;
  readonly #clock: Clock;
  readonly #instance: string;
  readonly #declared = new Map<string, StoredTopic>();
  readonly #ended = new Map<string, EndedPartition>();
  #lastBreath: number;
  #isCut = false;

  constructor({ store, clock, instance, leaseMs }: SessionOptions) {
    this.leaseMs = leaseMs;
    this.#data = store;
    this.#clock = clock;
    this.#instance = instance;
    this.#lastBreath = clock.now();
  }

  declare = (topic: StoredTopic): void => {
    topicData(this.#data, topic);
    this.#declared.set(topic.name, topic);
  };

  topics = (): Iterable<StoredTopic> => this.#declared.values();

  publish = async (records: readonly EncodedRecord[]): Promise<void> => {
    this.#assertConnected();
    this.#tell(this.#append(records));
  };

  commit = async (commit: Commit): Promise<void> => {
    this.#assertConnected();
    const lease = this.#leaseOf(commit);
    const written = this.#append([...stateRecords(commit), ...commit.outgoing]);
    lease.appliedPosition = commit.appliedPosition;
    lease.now = commit.now;
    const live = this.#data.processors.get(commit.processor)?.live[commit.partition];
    for (const key of commit.live) live?.add(key);
    for (const key of commit.ended) live?.delete(key);
    if (this.#data.isLog) this.#rememberEnded(commit);
    this.#tell(written);
    await this.#breathe();
  };

  takeJobs = async (
    topic: StoredTopic,
    limit: number,
    claim: (job: JobRow) => readonly EncodedRecord[],
    accept: (job: JobRow) => boolean,
  ): Promise<readonly JobRow[]> => {
    this.#assertConnected();
    const { jobs } = topicData(this.#data, topic);
    const taken: JobRow[] = [];
    const claims: EncodedRecord[] = [];
    for (const [key, text] of jobs) {
      if (taken.length === limit) break;
      const row = { key, text };
      if (!accept(row)) continue;
      taken.push(row);
      claims.push(...claim(row));
    }
    const written = this.#append(claims);
    for (const { key } of taken) jobs.delete(key);
    this.#tell(written);
    return taken;
  };

  assign = async (
    { processor, input }: Omit<PartitionOwner, 'partition'>,
    held: readonly number[],
  ): Promise<Assignment> => {
    this.#assertConnected();
    const place = { instance: this.#instance, held, now: this.#clock.now(), leaseMs: this.leaseMs };
    return assignPartitions(processorData(this.#data, processor, input), input, place);
  };

  takePartition = async ({ processor, input, partition }: PartitionOwner) => {
    this.#assertConnected();
    const place = { partition, instance: this.#instance, now: this.#clock.now(), leaseMs: this.leaseMs };
    this.#ended.delete(`${processor}/${partition}`);
    return takeLease(processorData(this.#data, processor, input), topicData(this.#data, input), place);
  };

  releasePartition = async ({ processor, partition }: PartitionOwner, epoch: number): Promise<void> => {
    this.#assertConnected();
    const lease = this.#data.processors.get(processor)?.leases.get(partition);
    if (lease?.epoch === epoch && lease.owner === this.#instance) lease.owner = undefined;
  };

  leave = async ({ processor }: Omit<PartitionOwner, 'partition'>): Promise<void> => {
    this.#assertConnected();
    this.#data.processors.get(processor)?.members.delete(this.#instance);
  };

  recordTries: QueueStore['recordTries'] = async ({ processor, partition }, epoch, tries) => {
    this.#assertConnected();
    this.#leaseOf({ processor, partition, epoch }).tries = tries;
  };

  storePosition: QueueStore['storePosition'] = async ({ processor, partition }, epoch, position) => {
    this.#assertConnected();
    this.#leaseOf({ processor, partition, epoch }).appliedPosition = position;
  };

  removesAt: NonNullable<QueueStore['removesAt']> = (owner, topics, retention) =>
    this.#isCut ? undefined : this.#endedOf(owner, topics, retention).nextAt();

  removeEnded: NonNullable<QueueStore['removeEnded']> = async (owner, topics, retention, { epoch, now, inMemory }) => {
    this.#assertConnected();
    this.#leaseOf({ ...owner, epoch });
    const ended = this.#endedOf(owner, topics, retention);
    const records = ended.removals(now, inMemory);
    const written = this.#append(records);
    ended.removed(records);
    this.#tell(written);
  };

  restore: QueueStore['restore'] = async ({ processor, partition }, topics, each) => {
    this.#assertConnected();
    for (const key of this.#data.processors.get(processor)?.live[partition] ?? []) {
      for (const row of this.load(topics, partition, key)) each(row);
    }
  };

  load = (topics: readonly StoredTopic[], partition: number, key: string): readonly StateRow[] => {
    this.#assertConnected();
    return topics.flatMap((topic) => {
      const records = at(topicData(this.#data, topic).state, partition, 'partition').get(key);
      return [...(records ?? [])].map(([id, text]) => ({ topic, key, id, text }));
    });
  };

  read = (topic: StoredTopic, partition: number, after: number, limit: number): readonly EventRow[] => {
    this.#assertConnected();
    const log = at(topicData(this.#data, topic).logs, partition, 'partition');
    const found: EventRow[] = [];
    for (let index = Math.max(0, after + 1 - log.start); index < log.rows.length && found.length < limit; index++) {
      const row = log.rows[index];
      if (row && !row.purged) found.push(row);
    }
    return found;
  };

  backlog: QueueStore['backlog'] = (topic, reader) => {
    this.#assertConnected();
    const { jobs, logs } = topicData(this.#data, topic);
    if (topic.kind === 'jobs') return new Map([[0, jobs.size]]);
    // State has no offsets here.
    if (topic.kind === 'state') return new Map();
    return backlogOf(topic, (partition) => {
      const { start, rows } = at(logs, partition, 'partition');
      const applied = (name: string): number | undefined =>
        this.#data.processors.get(name)?.leases.get(partition)?.appliedPosition;
      return {
        start,
        end: start + rows.length - 1,
        done: typeof reader === 'string' ? applied(reader) : reader.get(partition),
      };
    });
  };

  scan = async (topic: StoredTopic, each: (row: StateRow) => void): Promise<void> => {
    this.#assertConnected();
    for (const keys of topicData(this.#data, topic).state) {
      for (const [key, records] of keys) for (const [id, text] of records) each({ topic, key, id, text });
    }
  };

  follow = (listener: (records: readonly CommittedRecord[]) => void): (() => void) => {
    this.#data.followers.add(listener);
    return () => this.#data.followers.delete(listener);
  };

  removeExpired = async (topic: StoredTopic, limit: number): Promise<number> => {
    this.#assertConnected();
    return removeExpired(this.#data, topic, this.#clock.now(), limit);
  };

  close = async (): Promise<void> => this.cut();

  /** From now on nothing reaches the store. */
  cut = (): void => {
    this.#isCut = true;
  };

  #rememberEnded({ processor, partition, ended, live }: Commit): void {
    const now = this.#clock.now();
    const known = this.#data.processors.get(processor)?.ended[partition];
    for (const key of live) known?.delete(key);
    for (const key of ended) known?.set(key, now);
    this.#ended.get(`${processor}/${partition}`)?.committed(ended, live, now);
  }

  #endedOf({ processor, input, partition }: PartitionOwner, topics: readonly StoredTopic[], retention: StateRetention) {
    const name = `${processor}/${partition}`;
    let known = this.#ended.get(name);
    if (known === undefined) {
      known = new EndedPartition(this.#data, processorData(this.#data, processor, input), {
        partition,
        topics,
        retention,
      });
      this.#ended.set(name, known);
    }
    return known;
  }

  #assertConnected(): void {
    if (this.#isCut) throw closedError();
  }

  #append(records: readonly EncodedRecord[]): CommittedRecord[] {
    for (const { topic } of records) if (!this.#declared.has(topic.name)) this.declare(topic);
    return writeRecords(this.#data, records, this.#clock.now());
  }

  #tell(records: readonly CommittedRecord[]): void {
    if (records.length > 0) for (const follower of this.#data.followers) follower(records);
  }

  #leaseOf({ processor, partition, epoch }: Pick<Commit, 'processor' | 'partition' | 'epoch'>): LeaseData {
    const lease = this.#data.processors.get(processor)?.leases.get(partition);
    if (lease?.epoch === epoch) return lease;
    throw new QueueError(
      'QUEUE_FENCED',
      `Partition ${partition} of '${processor}' was taken over; epoch ${epoch} owns it no more`,
      false,
    );
  }

  /** With a virtual clock no time passes within a turn, so a simulation never comes here. */
  async #breathe(): Promise<void> {
    if (this.#clock.now() - this.#lastBreath < BREATH_MS) return;
    await new Promise<void>((resolve) => void this.#clock.after(0, resolve));
    this.#lastBreath = this.#clock.now();
  }
}

/** Connects to a memory store; `cut` ends the connection as a crash would. */
export function openSession(options: SessionOptions): QueueStore & { cut(): void } {
  const session = new MemorySession(options);
  if (options.store.isLog) return session;
  const { removesAt: _never, removeEnded: _neither, ...keeping } = session;
  return keeping;
}
