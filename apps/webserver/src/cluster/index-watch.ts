import type { Clock, IndexProgress, Topic, Topics } from '@millrace/model';
import type { Queue, View } from '@millrace/queue';

export interface IndexStatus {
  /** Records that are committed and not found by searches. */
  readonly records: number;
  /** For how long, at least, the indexer has not moved although something waits; 0 when nothing does. */
  readonly seconds: number;
}

export interface IndexWatchOptions {
  readonly queue: Pick<Queue, 'backlog'>;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly indexProgress: View<IndexProgress>;
}

/**
 * Answers what the index lacks, by the indexer's own word and the ends of the logs; undefined where nothing is indexed. How long
 * a partition has waited is counted from the first look that found it waiting at the same place: when its oldest missing record
 * was written is not known here.
 */
export function createIndexWatch({ queue, topics, clock, indexProgress }: IndexWatchOptions) {
  const waitingSince = new Map<string, { readonly searchable: number; readonly at: number }>();
  const indexed: readonly Topic<unknown>[] = [
    topics.executions,
    topics.taskRuns,
    topics.logs,
    topics.metrics,
    topics.triggers,
  ];

  const look = async (topic: Topic<unknown>, own: readonly IndexProgress[]): Promise<number> => {
    if (own.length === 0) return 0;
    const counts = await queue.backlog(topic, new Map(own.map(({ partition, searchable }) => [partition, searchable])));
    let records = 0;
    for (const { partition, searchable } of own) {
      const place = `${topic.name}/${partition}`;
      const missing = counts.get(partition) ?? 0;
      records += missing;
      if (missing === 0) waitingSince.delete(place);
      else if (waitingSince.get(place)?.searchable !== searchable)
        waitingSince.set(place, { searchable, at: clock.now() });
    }
    return records;
  };

  return async (): Promise<IndexStatus | undefined> => {
    const progress = [...indexProgress.keys()].flatMap((key) => [...indexProgress.records(key).values()]);
    if (progress.length === 0) return undefined;
    const counts = await Promise.all(
      indexed.map((topic) =>
        look(
          topic,
          progress.filter((one) => one.topic === topic.name),
        ),
      ),
    );
    const since = Math.min(...[...waitingSince.values()].map(({ at }) => at));
    return {
      records: counts.reduce((sum, count) => sum + count, 0),
      seconds: Number.isFinite(since) ? Math.round((clock.now() - since) / 1_000) : 0,
    };
  };
}
