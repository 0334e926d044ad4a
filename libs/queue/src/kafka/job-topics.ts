import { partitionOf } from '../shell/partition-of.js';
import type { EncodedRecord, StoredTopic } from '../shell/commit.js';
import type { DeclaredTopic } from './options.js';
import type { KafkaRecord } from './records.js';
import type { SlotBoard } from './slot-board.js';
import type { TopicCatalog } from './topics.js';

const DAY_MS = 24 * 3_600_000;

/** Header that orders the jobs of one publisher. */
export const ORDER = 'order';
/** Header: how often a worker without a free slot has passed the job on. */
export const HOPS = 'hops';

/**
 * Jobs that nobody shall take any more: every worker of the group keeps these marks as long as jobs are kept (protocols.md
 * part 3.4), for a record in the middle of a log cannot be removed.
 */
export const removedTopic = (jobs: Pick<StoredTopic, 'name'>): StoredTopic & DeclaredTopic => ({
  name: `${jobs.name}.removed`,
  kind: 'events',
  partitions: 1,
  retentionMs: 7 * DAY_MS,
  decode: (stored) => stored,
});

export interface JobPlacingOptions {
  readonly topics: TopicCatalog;
  readonly board: SlotBoard;
}

/**
 * Records as they are written: a job goes to a worker with a free slot, which is no part of any decision; a removed job
 * becomes a mark. Topics are made when they are new.
 */
export function createJobPlacing({ topics, board }: JobPlacingOptions) {
  /** Grows with each job of this process: orders its jobs, and gives the partitions their turns. */
  let turn = 0;
  const placed = (record: EncodedRecord): KafkaRecord => {
    const { topic, key } = record;
    if (topic.kind !== 'jobs') return record;
    if (record.text === null) {
      const removed = removedTopic(topic);
      return { ...record, topic: removed, partition: partitionOf(key, 1), value: {}, text: '{}' };
    }
    // Before any worker has told of itself the partitions take turns.
    const partition = board.slots.place(topics.nameOf(topic), Date.now()) ?? turn % topic.partitions;
    return { ...record, partition, headers: { [ORDER]: String(turn++) } };
  };
  const needed = (records: readonly EncodedRecord[]): StoredTopic[] =>
    records.flatMap(({ topic }) => (topic.kind === 'jobs' ? [topic, removedTopic(topic)] : [topic]));

  return (records: readonly EncodedRecord[]): readonly KafkaRecord[] | Promise<readonly KafkaRecord[]> => {
    const unknown = needed(records).filter((topic) => !topics.isKnown(topic));
    const hasJobs = records.some(({ topic }) => topic.kind === 'jobs');
    if (unknown.length === 0 && (!hasJobs || board.isOpen)) return hasJobs ? records.map(placed) : records;
    return (async () => {
      if (unknown.length > 0) await topics.ensure(unknown);
      if (hasJobs) await board.open();
      return records.map(placed);
    })();
  };
}
