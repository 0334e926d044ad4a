import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Topic, Topics } from '@millrace/model';
import type { LoggedRecord, LogQueue, Queue } from '@millrace/queue';
import type { CopiedRecord } from '@millrace/queue/sql';
import type { Repository } from '../contract.js';
import { joinParts } from '../join/index.js';
import type { RepositoryPart } from '../part.js';
import { repositoryOf } from '../whole.js';
import { caughtUpRepository } from './caught-up.js';
import { Copying, type CopyingOptions, type Followed, type Source } from './copying.js';
import { PublishedProgress } from './index-progress.js';
import { Kept } from './kept.js';
import { openCopy, type OverlayLog } from './overlay.js';
import { createRecentCopy } from './recent-copy.js';

interface LoggedCopy extends CopiedRecord {
  readonly offset: number;
  readonly writtenAt: number;
}

export interface IndexedOverlayOptions extends Omit<CopyingOptions<LoggedCopy>, 'copy' | 'source' | 'topics'> {
  readonly queue: Pick<LogQueue, 'tailFrom'> & Pick<Queue, 'view'>;
  readonly topics: Pick<Topics, Followed | 'indexProgress'>;
  /** What the indexers write; closed with the repository. It need not be reachable. */
  readonly index: RepositoryPart;
  /** The copy lies in a folder of its own below it, which goes with the process. Must exist. */
  readonly folder: string;
  readonly log?: OverlayLog;
  /** Records that are kept at most; beyond it the oldest ones go, and lists say so. Default 200,000. */
  readonly rowsMax?: number;
}

/** How often it is looked for what need not be kept any more. */
const TRIM_MS = 1_000;

/**
 * The query side of a queue with an index (decisions 0006 and 0013): the index, joined with a copy of what is newer than it. The
 * copy begins where the indexers have published that the index is, and gets smaller as that goes on. Promises what
 * `openOverlay` does; opening needs the queue, and not the index.
 * @throws QueueError when the topics cannot be read
 */
export async function openIndexedOverlay(options: IndexedOverlayOptions): Promise<Repository> {
  const { queue, topics, index, clock, onError, rowsMax } = options;
  const closing: (() => Promise<void> | void)[] = [() => index.close()];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const progress = new PublishedProgress(await queue.view(topics.indexProgress), clock);
    closing.push(() => progress.close());
    const copy = openCopy(options, true);
    closing.push(() => copy.close());
    const kept = new Kept({ copy, indexed: progress, clock, ...(rowsMax === undefined ? {} : { rowsMax }) });
    const recent = createRecentCopy({ file: copy.file, freshness: () => kept.freshness() });
    closing.push(() => recent.close());
    const joined = joinParts(index, recent, { clock });
    const copying = new Copying({ ...options, copy, source: newerThan(queue, progress, kept) });
    closing.push(() => copying.close());
    await copying.open();
    closing.push(trimming(kept, options, onError));
    return caughtUpRepository({ ...repositoryOf(joined), freshness: () => joined.freshness() }, copying, close);
  } catch (error) {
    await close();
    throw error;
  }
}

const newerThan = (queue: Pick<LogQueue, 'tailFrom'>, progress: PublishedProgress, kept: Kept): Source<LoggedCopy> => ({
  follow<Value>(topic: Topic<Value>, onRecord: (record: LoggedCopy) => void, onError: (error: unknown) => void) {
    const from = new Map<number, number>();
    for (let partition = 0; partition < topic.partitions; partition++) {
      const offset = progress.searchable(topic.name, partition);
      from.set(partition, offset);
      kept.begin(topic, partition, offset);
    }
    const told = (record: LoggedRecord<Value>): void => {
      onRecord({ ...record, topic, position: topic.kind === 'events' ? record.offset + 1 : 0 });
    };
    return queue.tailFrom(topic, { from, onRecord: told, onError });
  },
  applied(records) {
    for (const record of records) kept.added(record.topic, record.partition, record);
    // At once: a start far behind the log's end would fill the disk otherwise.
    while (kept.isFull && kept.trimPiece());
  },
});

/** Removes what the index shows, in pieces, from time to time; answers how to end it. */
function trimming(kept: Kept, { clock }: Pick<IndexedOverlayOptions, 'clock'>, onError: (error: unknown) => void) {
  let isOver = false;
  let cancel = (): void => undefined;
  const trim = async (): Promise<void> => {
    while (!isOver && kept.trimPiece()) await nextTurn();
    if (!isOver) next();
  };
  const next = (): void => {
    cancel = clock.after(TRIM_MS, () => void trim().catch(onError));
  };
  next();
  return (): void => {
    isOver = true;
    cancel();
  };
}
