import type { EncodedRecord } from '../shell/commit.js';
import type { PartitionOwner, QueueStore } from './contract.js';

/** A write of a queue instance, as the injection of faults sees it. */
export interface Write {
  readonly kind: 'publish' | 'commit' | 'take-jobs' | 'lease' | 'tries' | 'position' | 'retention';
  /** Of the queue instance. */
  readonly instance: string;
  readonly processor?: string;
  readonly partition?: number;
  /** Names of the topics that are written, as far as they are known before, each once. */
  readonly topics: readonly string[];
}

/**
 * Where a simulation breaks things. A hook that throws is a server that did not get its answer; one that also calls
 * `kill()` of that server's queue is a crash at that point; one that answers a promise stalls that write (past its lease,
 * when the clock goes on meanwhile). All are optional.
 */
export interface Faults {
  /** Nothing of the write has reached the store. */
  before?(write: Write): void | Promise<void>;
  /** The write is durable, its answer is not yet given. */
  after?(write: Write): void | Promise<void>;
  /** How often the events of a publish reach the log: 2 is a publisher that repeated it. Default 1. */
  copies?(write: Write): number;
  /** True: the job that was taken is put back, so that it is handed over once more. */
  repeatJob?(key: string): boolean;
}

/** The store with faults struck into every write. */
export function withFaults(store: QueueStore, faults: Faults, instance: string): QueueStore {
  async function strike<Answer>(what: Omit<Write, 'instance'>, write: () => Promise<Answer>): Promise<Answer> {
    const point: Write = { ...what, instance };
    const before = faults.before?.(point);
    if (before !== undefined) await before;
    const answer = await write();
    const after = faults.after?.(point);
    if (after !== undefined) await after;
    return answer;
  }

  const place = ({ processor, partition }: PartitionOwner) => ({ processor, partition, topics: [] });

  return {
    ...store,
    publish(records) {
      const what = { kind: 'publish', topics: topicNames(records) } as const;
      return strike(what, async () => {
        await store.publish(records);
        const events = records.filter(({ topic }) => topic.kind === 'events');
        const copies = faults.copies?.({ ...what, instance }) ?? 1;
        for (let copy = 1; copy < copies && events.length > 0; copy++) await store.publish(events);
      });
    },
    commit(commit) {
      const topics = [...new Set([...commit.states.map(({ topic }) => topic.name), ...topicNames(commit.outgoing)])];
      return strike({ kind: 'commit', processor: commit.processor, partition: commit.partition, topics }, () =>
        store.commit(commit),
      );
    },
    takeJobs(topic, limit, claim, accept) {
      return strike({ kind: 'take-jobs', topics: [topic.name] }, async () => {
        const taken = await store.takeJobs(topic, limit, claim, accept);
        const again = taken.filter(({ key }) => faults.repeatJob?.(key) === true);
        await store.publish(
          again.map(({ key, text }) => ({
            topic,
            partition: 0,
            key,
            id: '',
            value: JSON.parse(text),
            text,
            broadcast: false,
          })),
        );
        return taken;
      });
    },
    assign: (owner, held) =>
      strike({ kind: 'lease', processor: owner.processor, topics: [] }, () => store.assign(owner, held)),
    takePartition: (owner) => strike({ kind: 'lease', ...place(owner) }, () => store.takePartition(owner)),
    releasePartition: (owner, epoch) =>
      strike({ kind: 'lease', ...place(owner) }, () => store.releasePartition(owner, epoch)),
    leave: (owner) => strike({ kind: 'lease', processor: owner.processor, topics: [] }, () => store.leave(owner)),
    recordTries: (owner, epoch, tries) =>
      strike({ kind: 'tries', ...place(owner) }, () => store.recordTries(owner, epoch, tries)),
    storePosition: (owner, epoch, position) =>
      strike({ kind: 'position', ...place(owner) }, () => store.storePosition(owner, epoch, position)),
    ...(store.removeEnded && {
      removeEnded: (owner, topics, ...how) =>
        strike({ kind: 'commit', ...place(owner), topics: topics.map(({ name }) => name) }, async () =>
          store.removeEnded?.(owner, topics, ...how),
        ),
    }),
    removeExpired: (topic, limit) =>
      strike({ kind: 'retention', topics: [topic.name] }, () => store.removeExpired(topic, limit)),
  };
}

const topicNames = (records: readonly EncodedRecord[]): string[] => [
  ...new Set(records.map(({ topic }) => topic.name)),
];
