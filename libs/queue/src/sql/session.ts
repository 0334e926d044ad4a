import type { Clock } from '@millrace/model';
import type { EncodedRecord, StoredTopic } from '../shell/commit.js';
import type { CommittedRecord, PartitionOwner, QueueStore } from '../store/contract.js';
import type { LeaseTable } from './leases.js';
import type { Tables } from './tables.js';
import type { Writer } from './writer.js';

export interface SqlSessionOptions {
  readonly tables: Tables;
  readonly leases: LeaseTable;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly followers: Set<(records: readonly CommittedRecord[]) => void>;
  /** Closes the file and gives the lock back. */
  release(): void;
}

/** Rows read in one go before the event loop has its turn. */
const PAGE = 500;
/** About as many rows as a lease costs. */
const SMALL = 1;

const breathe = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const NOTHING: readonly CommittedRecord[] = [];

/** The store of one process over one data file. */
export function openSqlSession({ tables, leases, writer, clock, followers, release }: SqlSessionOptions): QueueStore {
  function write(records: readonly EncodedRecord[]): CommittedRecord[] {
    const writtenAt = clock.now();
    const committed: CommittedRecord[] = [];
    for (const record of records) {
      const { topic, partition, key, id, value, text, broadcast } = record;
      committed.push({ topic, partition, key, id, value, text, broadcast, position: tables.write(record, writtenAt) });
    }
    return committed;
  }

  const silent = <Answer>(apply: () => Answer) => writer.submit(SMALL, () => ({ answer: apply(), records: NOTHING }));
  const owned = ({ processor, partition }: PartitionOwner, epoch: number) => ({ processor, partition, epoch });

  function removeExpired(topic: StoredTopic, limit: number): number {
    if (topic.retentionMs === undefined) return 0;
    const expired = clock.now() - topic.retentionMs;
    let removed = 0;
    for (let partition = 0; partition < topic.partitions && removed < limit; partition++) {
      const done = leases.doneUpTo(topic.name, partition);
      removed += tables.events(topic).removeExpired(partition, expired, done, limit - removed);
    }
    return removed;
  }

  return {
    // Only this process can open the file, so what it owns it keeps.
    leaseMs: undefined,
    declare: (topic) => tables.declare(topic),
    topics: () => tables.topics(),
    publish: (records) => writer.submit(records.length, () => ({ answer: undefined, records: write(records) })),
    commit(commit) {
      const rows =
        commit.outgoing.length +
        commit.states.reduce((sum, { puts, removals }) => sum + puts.length + removals.length, 1);
      return writer.submit(rows, () => {
        leases.apply(commit);
        const records: EncodedRecord[] = [];
        const { partition } = commit;
        for (const { topic, puts, removals } of commit.states) {
          for (const { key, id } of removals)
            records.push({ topic, partition, key, id, value: null, text: null, broadcast: false });
          for (const { key, id, value, text } of puts)
            records.push({ topic, partition, key, id, value, text, broadcast: false });
        }
        for (const record of commit.outgoing) records.push(record);
        leases.setLive(commit);
        return { answer: undefined, records: write(records) };
      });
    },
    async takeJobs(topic, limit, claim) {
      tables.declare(topic);
      if (tables.jobs(topic).isEmpty()) return [];
      return writer.submit(limit, () => {
        const taken = tables.jobs(topic).take(limit);
        const claims = taken.flatMap((job) => claim(job));
        return { answer: taken, records: write(claims) };
      });
    },
    async assign({ input }, held) {
      const take: number[] = [];
      for (let partition = 0; partition < input.partitions; partition++)
        if (!held.includes(partition)) take.push(partition);
      return { take, giveUp: [] };
    },
    takePartition: (owner) => silent(() => leases.take(owner, tables.events(owner.input).start(owner.partition))),
    releasePartition: (owner, epoch) => silent(() => leases.release(owner, epoch)),
    leave: async () => undefined,
    recordTries: (owner, epoch, tries) => silent(() => leases.recordTries(owned(owner, epoch), tries)),
    storePosition: (owner, epoch, position) => silent(() => leases.storePosition(owned(owner, epoch), position)),
    async restore({ processor, partition }, topics, each) {
      for (let after = ''; ; await breathe()) {
        const keys = leases.livePage(processor, partition, after, PAGE);
        for (const key of keys) for (const topic of topics) tables.state(topic).load(key).forEach(each);
        if (keys.length < PAGE) return;
        after = keys.at(-1) ?? after;
      }
    },
    load: (topics, _partition, key) => topics.flatMap((topic) => tables.state(topic).load(key)),
    read: (topic, partition, after, limit) => tables.events(topic).read(partition, after, limit),
    async scan(topic, each) {
      for (let after = { key: '', id: '' }; ; await breathe()) {
        const rows = tables.state(topic).page(after, PAGE);
        rows.forEach(each);
        if (rows.length < PAGE) return;
        after = rows.at(-1) ?? after;
      }
    },
    follow(listener) {
      followers.add(listener);
      return () => followers.delete(listener);
    },
    removeExpired: (topic, limit) => silent(() => removeExpired(topic, limit)),
    async close() {
      await writer.close();
      release();
    },
  };
}
