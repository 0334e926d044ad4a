import { outgoing, type ExecutionRecord, type IndexProgress, type TaskRun, type Topics } from '@millrace/model';
import type { Committed, Queue } from '@millrace/queue';
import { createMemoryQueue } from '@millrace/queue/memory';
import type { Cluster } from './cluster.js';
import { History } from './history.js';

/** A search index that lags behind the topics, and its indexer, which tells how far it is. */
export interface SimulatedIndex {
  /** What searches find. */
  readonly found: History;
  /** Searches find everything from now on. */
  catchUp(): void;
}

type Waiting = { readonly at: number } & (
  | { readonly topic: Topics['executions']; readonly record: Committed<ExecutionRecord> }
  | { readonly topic: Topics['taskRuns']; readonly record: Committed<TaskRun> }
);

/** Follows the topics undisturbed, and indexes what it reads after a while, at times after a long one. */
export async function startIndex(cluster: Cluster): Promise<SimulatedIndex> {
  const { clock, store, topics } = cluster;
  const queue = createMemoryQueue({ clock, store });
  const node = new IndexNode(cluster, queue);
  await queue.tail(topics.executions, {
    from: 'start',
    onRecord: (record) => node.waiting.push({ topic: topics.executions, record, at: clock.now() }),
  });
  await queue.tail(topics.taskRuns, {
    from: 'start',
    onRecord: (record) => node.waiting.push({ topic: topics.taskRuns, record, at: clock.now() }),
  });
  node.later();
  return node;
}

class IndexNode implements SimulatedIndex {
  readonly found = new History(false);
  readonly waiting: Waiting[] = [];
  /** By topic and partition: counted, as each record of a log has one place. */
  readonly #searchable = new Map<string, IndexProgress>();
  readonly #random;

  constructor(
    readonly cluster: Cluster,
    readonly queue: Queue,
  ) {
    this.#random = cluster.random('index');
  }

  catchUp(): void {
    this.#write(this.waiting.length);
  }

  later(): void {
    const random = this.#random;
    const delay = random.chance(0.05) ? random.between(5_000, 30_000) : random.between(50, 2_000);
    this.cluster.clock.after(delay, () => {
      if (this.cluster.isOver()) return;
      this.#write(random.chance(0.7) ? this.waiting.length : random.between(0, this.waiting.length));
      // It may end between the refresh and the news of it; then it tells with the next one.
      const told = random.chance(0.9) ? this.#tell() : Promise.resolve();
      void told.then(() => this.later());
    });
  }

  #write(wanted: number): void {
    let count = wanted;
    // A removal with the head is told from others by its time (`History`), so it must not be cut in two.
    while (count > 0 && this.waiting[count]?.at === this.waiting[count - 1]?.at && count < this.waiting.length) count++;
    for (const waiting of this.waiting.splice(0, count)) {
      const { at, record } = waiting;
      if (waiting.topic.name === this.cluster.topics.executions.name) {
        this.found.takeExecution(record as Committed<ExecutionRecord>, at);
      } else this.found.takeTaskRun(record as Committed<TaskRun>, at);
      const place = `${waiting.topic.name}/${record.partition}`;
      const searchable = (this.#searchable.get(place)?.searchable ?? 0) + 1;
      const { partition } = record;
      this.#searchable.set(place, { topic: waiting.topic.name, partition, searchable, writtenAt: at, at });
    }
  }

  #tell(): Promise<void> {
    const records = [...this.#searchable].map(([key, value]) =>
      outgoing({ topic: this.cluster.topics.indexProgress, key, id: 'progress', value }),
    );
    return this.queue.publish(records);
  }
}
