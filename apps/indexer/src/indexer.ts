import { indexGenerationKey, type IndexGenerationRecord, type ServiceInstance, type Topics } from '@millrace/model';
import type { LogQueue, View } from '@millrace/queue';
import { RepositoryError, type IndexStore } from '@millrace/repository';
import { startHeartbeat, type Heartbeat, type Service, type ServiceContext } from '@millrace/service';
import { Indexing } from './indexing.js';
import { Outages } from './outages.js';
import { announced, fillingSink, generationRecord, searchedSink } from './progress-sinks.js';
import type { ProgressSink } from './progress.js';
import { startRetention, type IndexRetention } from './retention.js';

export interface IndexerOptions {
  readonly queue: Pick<LogQueue, 'consume' | 'publish' | 'view'>;
  readonly topics: Topics;
  /**
   * Opens the index: the generation that is searched, or another one while the index is rebuilt. The indexer prepares what it
   * has opened, and closes it.
   * @throws RepositoryError
   */
  open(generation?: number): Promise<IndexStore>;
  readonly context: ServiceContext;
  /** Records of a bulk; `indexer.batch-size`. */
  readonly batchSize: number;
  /** How often what was written is made searchable and told; `indexer.refresh-interval`. */
  readonly refreshIntervalMs: number;
  readonly retention: IndexRetention;
  /** How long a small batch waits for those of other partitions, so that they share a request. Default 50 ms. */
  readonly gatherMs?: number;
  /** Between 0 and 1; spreads the tries of several indexers. */
  readonly random?: () => number;
}

const GATHER_MS = 50;
const OPENING = 'opening';

/**
 * The server that keeps the index: writes what is committed to it, and tells the webservers how far it is. There may be
 * several; they share the partitions, and another takes over when one is gone. While Elasticsearch does not answer, the
 * topics wait.
 */
export function createIndexer(options: IndexerOptions): Service {
  return new Indexer(options);
}

class Indexer implements Service {
  readonly name = 'indexer';
  readonly failed: Promise<never>;
  readonly #options: IndexerOptions;
  readonly #outages: Outages;
  #fail: (error: unknown) => void = () => undefined;
  #state: ServiceInstance['state'] = 'RUNNING';
  #generations: View<IndexGenerationRecord> | undefined;
  #searched: ProgressSink | undefined;
  #closeViews: () => void = () => undefined;
  /** As it was opened at the start. */
  #searchedStore: IndexStore | undefined;
  /** What is written; the same until the index is rebuilt. */
  #store: IndexStore | undefined;
  #indexing: Indexing | undefined;
  #heartbeat: Heartbeat | undefined;
  /** Before Elasticsearch is asked again. */
  #pause: Promise<void> = Promise.resolve();
  #stopRetention: () => void = () => undefined;
  /** It has said where it moved. */
  #hasTold = false;
  /** One change of the generation after the other. */
  #moving: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(options: IndexerOptions) {
    this.#options = options;
    const { clock, log } = options.context;
    this.#outages = new Outages(clock, log, options.random ?? Math.random);
    this.failed = new Promise<never>((_resolve, reject) => (this.#fail = reject));
    this.failed.catch(() => undefined);
  }

  /** Resolves when it takes part, or when Elasticsearch does not answer: then it takes part as soon as that does. */
  async start(): Promise<void> {
    const { queue, topics, context, retention } = this.#options;
    const [progress, generations] = await Promise.all([
      queue.view(topics.indexProgress),
      queue.view(topics.indexGeneration),
    ]);
    this.#searched = searchedSink(queue, topics, progress);
    this.#generations = generations;
    const stopListening = generations.onChange(({ key }) => {
      if (key === indexGenerationKey.generation) this.#moveSoon(() => this.#move());
    });
    this.#closeViews = () => {
      stopListening();
      progress.close();
      generations.close();
    };
    if (!(await this.#open())) this.#moveSoon(() => this.#openAgain());
    else await this.#move();
    this.#stopRetention = startRetention({
      retention,
      clock: context.clock,
      log: context.log,
      // One of all: whoever has this partition.
      isLeader: () => this.#indexing?.owns('executions', 0) === true,
      store: () => this.#store,
    });
    this.#heartbeat = await startHeartbeat({
      queue,
      topics,
      context,
      describe: () => ({ role: 'indexer', state: this.#state, partitions: this.#indexing?.partitions ?? {} }),
    });
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  #moveSoon(step: () => Promise<void>): void {
    this.#moving = this.#moving
      .then(() => (this.#stopping === undefined ? step() : undefined))
      .catch((error: unknown) => this.#fail(error));
  }

  /** False: not now. @throws RepositoryError that does not pass by itself */
  async #open(): Promise<boolean> {
    let opened: IndexStore | undefined;
    try {
      opened = await this.#options.open();
      await opened.prepare();
      this.#searchedStore = opened;
      this.#store = opened;
      this.#outages.worked(OPENING);
      return true;
    } catch (error) {
      await opened?.close();
      if (!(error instanceof RepositoryError) || !error.retryable) throw error;
      this.#pause = this.#outages.failed(OPENING, error);
      return false;
    }
  }

  async #openAgain(): Promise<void> {
    while (this.#stopping === undefined) {
      await this.#pause;
      if (this.#stopping === undefined && (await this.#open())) return this.#move();
    }
  }

  /** Takes part in the generation that was announced last, if it does not yet. */
  async #move(): Promise<void> {
    const { queue, topics } = this.#options;
    const [view, searched, store] = [this.#generations, this.#searched, this.#searchedStore];
    if (view === undefined || searched === undefined || store === undefined) return;
    const record = announced(view);
    // What the alias shows is searched, whatever a rebuild that broke off has announced.
    const generation = Math.max(record?.generation ?? 0, store.generation);
    const isFilling = record?.state === 'filling' && record.generation > store.generation;
    const sink = isFilling ? fillingSink(queue, topics, view, generation) : searched;
    if (this.#indexing?.generation !== generation) await this.#enter(generation, store, sink);
    else this.#indexing.tellTo(sink);
    // Also when it goes back: whoever starts the rebuild again waits for that.
    if (isFilling || this.#hasTold) await this.#tellMoved(generation);
  }

  async #tellMoved(generation: number): Promise<void> {
    const { queue, topics, context } = this.#options;
    this.#hasTold = true;
    await queue.publish([
      generationRecord(topics, indexGenerationKey.moved(context.instance), {
        kind: 'moved',
        instance: context.instance,
        generation,
      }),
    ]);
  }

  async #enter(generation: number, searchedStore: IndexStore, sink: ProgressSink): Promise<void> {
    const { queue, topics, context, batchSize, refreshIntervalMs, gatherMs = GATHER_MS } = this.#options;
    const { clock, log, metrics } = context;
    if (this.#indexing !== undefined)
      log.info({ generation }, 'The index is rebuilt: going on with its new generation');
    // From here on nothing is written to the earlier one, nor told of it.
    await this.#indexing?.close();
    this.#indexing = undefined;
    if (this.#store !== searchedStore) await this.#store?.close();
    const store = generation === searchedStore.generation ? searchedStore : await this.#openGeneration(generation);
    if (store === undefined) return;
    this.#store = store;
    const indexing = new Indexing(
      {
        queue,
        topics,
        store,
        clock,
        log,
        metrics,
        batchSize,
        gatherMs,
        refreshIntervalMs,
        fromStart: false,
        random: this.#options.random ?? Math.random,
      },
      sink,
    );
    indexing.failed.catch((error: unknown) => this.#fail(error));
    await indexing.start();
    this.#indexing = indexing;
  }

  /** Tried until it works; undefined: the indexer stops. */
  async #openGeneration(generation: number): Promise<IndexStore | undefined> {
    while (this.#stopping === undefined) {
      try {
        const opened = await this.#options.open(generation);
        this.#outages.worked(OPENING);
        return opened;
      } catch (error) {
        if (!(error instanceof RepositoryError) || !error.retryable) throw error;
        await this.#outages.failed(OPENING, error);
      }
    }
    return undefined;
  }

  async #stop(): Promise<void> {
    this.#stopRetention();
    this.#outages.close();
    await this.#moving;
    try {
      await this.#leave();
    } finally {
      this.#closeViews();
      // Else it would be taken for lost when its lease is over.
      this.#state = 'TERMINATED_GRACEFULLY';
      await this.#heartbeat?.stop();
    }
  }

  /** @throws QueueError when the queue cannot be told */
  async #leave(): Promise<void> {
    const { queue, topics, context } = this.#options;
    // First the partitions: another indexer takes them at once.
    await this.#indexing?.close();
    if (this.#store !== this.#searchedStore) await this.#store?.close();
    await this.#searchedStore?.close();
    const moved = indexGenerationKey.moved(context.instance);
    if (this.#hasTold) await queue.publish([generationRecord(topics, moved, null)]);
  }
}
