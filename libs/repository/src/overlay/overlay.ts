import { createSqlCopy, type CopiedRecord, type SqlCopy } from '@millrace/queue/sql';
import type { Clock, Topic } from '@millrace/model';
import type { Queue } from '@millrace/queue';
import type { Repository } from '../contract.js';
import { createSqlRepository } from '../sql/index.js';
import { Copying, type CopyingOptions, type Source } from './copying.js';
import { caughtUpRepository } from './caught-up.js';

export interface OverlayOptions extends Omit<CopyingOptions<CopiedRecord>, 'copy' | 'source'> {
  readonly queue: Pick<Queue, 'tail'>;
  /** The copy lies in a folder of its own below it, which goes with the process. Must exist. */
  readonly folder: string;
  readonly log?: OverlayLog;
}

export interface OverlayLog {
  error(fields: object, message: string): void;
}

/**
 * The query side of a queue whose tables nobody can search (Kafka): a copy of the topics in tables of this process, searched
 * like those of the embedded queue (protocols.md part 7.3). Every answer shows what a tail of this process was told before;
 * look-ups of one execution also what was committed before they were asked, by whichever server.
 */
export async function openOverlay({ queue, ...options }: OverlayOptions): Promise<Repository> {
  const copy = openCopy(options);
  const copying = new Copying({ ...options, source: wholeTopics(queue), copy });
  let sql: Repository | undefined;
  const close = async (): Promise<void> => {
    copying.close();
    await sql?.close();
    copy.close();
  };
  try {
    sql = createSqlRepository({ file: copy.file });
    await copying.open();
    return caughtUpRepository(sql, copying, close);
  } catch (error) {
    await close();
    throw error;
  }
}

const wholeTopics = (queue: Pick<Queue, 'tail'>): Source<CopiedRecord> => ({
  follow: <Value>(topic: Topic<Value>, onRecord: (record: CopiedRecord) => void, onError: (error: unknown) => void) =>
    queue.tail(topic, { from: 'start', onRecord: (record) => onRecord({ ...record, topic }), onError }),
});

/** The tables that the overlay of either kind fills. */
export function openCopy(
  { folder, topics, clock, log }: Pick<OverlayOptions, 'folder' | 'topics' | 'log'> & { readonly clock: Clock },
  remembersRemoved = false,
): SqlCopy {
  return createSqlCopy({
    folder,
    topics: [topics.executions, topics.taskRuns, topics.logs, topics.metrics, topics.triggers],
    now: () => clock.now(),
    remembersRemoved,
    onRefused: ({ topic, key, partition, position }, reason) =>
      log?.error(
        { topic: topic.name, key, partition, position, reason },
        'A record cannot be shown, for it is not as this version writes it; it is passed',
      ),
  });
}
