import type { StoredTopic } from '../shell/commit.js';
import { topicData, type LogRow, type MemoryStore } from './data.js';

/** Removes events past their retention that every processor of the topic is done with; answers how many. */
export function removeExpired(store: MemoryStore, topic: StoredTopic, now: number, limit: number): number {
  if (topic.retentionMs === undefined) return 0;
  const expired = now - topic.retentionMs;
  const readers = [...store.processors.values()].filter(({ input }) => input === topic.name);
  let removed = 0;
  topicData(store, topic).logs.forEach((log, partition) => {
    const done = Math.min(Infinity, ...readers.map(({ leases }) => leases.get(partition)?.appliedPosition ?? 0));
    let count = 0;
    while (removed + count < limit && isExpired(log.rows[count], expired, done)) count++;
    log.rows.splice(0, count);
    log.start += count;
    removed += count;
  });
  return removed;
}

const isExpired = (row: LogRow | undefined, expired: number, done: number): boolean =>
  row !== undefined && row.writtenAt < expired && row.position <= done;
