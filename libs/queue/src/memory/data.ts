import { QueueError } from '../contract.js';
import type { StoredTopic, Tries } from '../shell/commit.js';
import type { CommittedRecord } from '../store/contract.js';

/** An event as the log keeps it. */
export interface LogRow {
  readonly position: number;
  readonly key: string;
  readonly broadcast: boolean;
  readonly text: string;
  readonly writtenAt: number;
  /** Removed by a later record; the place stays, so that positions are places. */
  readonly purged?: true;
}

/** One partition of an event topic. */
export interface Log {
  /** Position of `rows[0]`, or of the next event when there is none. */
  start: number;
  rows: LogRow[];
}

export interface TopicData {
  readonly partitions: number;
  readonly logs: readonly Log[];
  /** State by partition, key and id. */
  readonly state: readonly Map<string, Map<string, string>>[];
  /** Of a store that is a log: where the newest record of each key and id lies, and where the next one will. */
  readonly offsets: readonly { next: number; readonly of: Map<string, Map<string, number>> }[];
  /** Jobs in the order in which they were published. */
  readonly jobs: Map<string, string>;
}

export interface LeaseData {
  owner: string | undefined;
  until: number;
  epoch: number;
  appliedPosition: number;
  now: number;
  tries: Tries | undefined;
}

export interface ProcessorData {
  readonly input: string;
  readonly leases: Map<number, LeaseData>;
  /** Instances that take part, and until when that is believed. */
  readonly members: Map<string, number>;
  readonly live: Set<string>[];
  /** Of a store that is a log: when each key that has ended did, by partition. */
  readonly ended: Map<string, number>[];
}

/**
 * What outlives a queue instance: the "disk and database" of a simulation. Give one to several `createMemoryQueue` calls
 * and they are servers of one cluster. Its content is the adapter's own.
 */
export interface MemoryStore {
  readonly topics: Map<string, TopicData>;
  readonly processors: Map<string, ProcessorData>;
  readonly followers: Set<(records: readonly CommittedRecord[]) => void>;
  /** Sessions opened so far; names the next one. */
  sessions: number;
  /** Records of keys that have ended leave it, as they leave a log, when a processor says so (`StateRetention`). */
  readonly isLog: boolean;
}

/** `isLog`: it stands for a log, not for the embedded database, which keeps what has ended. */
export const createMemoryStore = ({ isLog = false }: { readonly isLog?: boolean } = {}): MemoryStore => ({
  topics: new Map(),
  processors: new Map(),
  followers: new Set(),
  sessions: 0,
  isLog,
});

const times = <Item>(count: number, make: () => Item): Item[] => Array.from({ length: count }, make);

/** The topic's data, made at its first use. @throws QueueError QUEUE_MISMATCH */
export function topicData(store: MemoryStore, topic: Pick<StoredTopic, 'name' | 'partitions'>): TopicData {
  const known = store.topics.get(topic.name);
  if (known === undefined) {
    const made: TopicData = {
      partitions: topic.partitions,
      logs: times(topic.partitions, () => ({ start: 1, rows: [] })),
      state: times(topic.partitions, () => new Map()),
      offsets: times(topic.partitions, () => ({ next: 0, of: new Map() })),
      jobs: new Map(),
    };
    store.topics.set(topic.name, made);
    return made;
  }
  if (known.partitions !== topic.partitions) throw mismatch(topic.name, known.partitions, topic.partitions);
  return known;
}

export const mismatch = (topic: string, before: number, now: number): QueueError =>
  new QueueError(
    'QUEUE_MISMATCH',
    `Topic '${topic}' was made with ${before} partitions and is now declared with ${now}: configure ${before}, or start with empty data`,
    false,
  );

export function processorData(
  store: MemoryStore,
  name: string,
  input: Pick<StoredTopic, 'name' | 'partitions'>,
): ProcessorData {
  const known = store.processors.get(name);
  if (known !== undefined) return known;
  const made: ProcessorData = {
    input: input.name,
    leases: new Map(),
    members: new Map(),
    live: times(input.partitions, () => new Set<string>()),
    ended: times(input.partitions, () => new Map<string, number>()),
  };
  store.processors.set(name, made);
  return made;
}

/** An element that is there by construction. */
export function at<Item>(items: readonly Item[], index: number, what: string): Item {
  const item = items[index];
  if (item === undefined) throw new RangeError(`There is no ${what} ${index}; the highest is ${items.length - 1}`);
  return item;
}
