import {
  indexGenerationKey,
  INDEX_PROGRESS_ID,
  indexProgressKey,
  LIVENESS,
  type Clock,
  type IndexGeneration,
  type IndexGenerationRecord,
  type IndexProgress,
  type OutgoingRecord,
  type ServiceInstance,
  type Topics,
} from '@millrace/model';
import type { LogQueue, View } from '@millrace/queue';
import { INDEXED_TOPICS, type IndexedTopic, type IndexStore } from '@millrace/repository';
import type { Logger, Metrics } from '@millrace/service';
import { Indexing } from './indexing.js';
import { indexedTopic } from './indexed-topics.js';
import { announced, fillingOffset, fillingSink, generationRecord } from './progress-sinks.js';

export interface RebuildOptions {
  readonly queue: Pick<LogQueue, 'consume' | 'publish' | 'view'>;
  readonly topics: Topics;
  /** The generation that is searched. */
  readonly store: IndexStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly batchSize: number;
  readonly refreshIntervalMs: number;
  /** Ends it where nothing has changed for those who search. */
  readonly signal: AbortSignal;
  readonly onStep: (step: RebuildStep) => void;
  readonly gatherMs?: number;
  readonly random?: () => number;
}

/** What somebody who waits is told. */
export type RebuildStep =
  | { readonly kind: 'copied'; readonly generation: number }
  | { readonly kind: 'read'; readonly topic: IndexedTopic; readonly records: number; readonly of: number }
  | { readonly kind: 'moving'; readonly indexers: number }
  | { readonly kind: 'done'; readonly generation: number; readonly wasNearlyDone: boolean };

/** It was interrupted; searches go on as before. */
export class RebuildInterrupted extends Error {
  override readonly name = 'RebuildInterrupted';
}

const LOOK_MS = 200;
const GATHER_MS = 50;

/**
 * Makes the index anew while all is running (protocols.md part 7.2): copies the documents to a new generation, lays
 * everything over it that the topics still have, lets the indexers go on with it, and swaps the aliases when it has all that
 * searches saw before. Can be interrupted and started again at any moment.
 * @throws RepositoryError, QueueError; RebuildInterrupted when the signal was aborted
 */
export async function rebuildIndex(options: RebuildOptions): Promise<void> {
  const { queue, topics, signal } = options;
  const [progress, generations, services] = await Promise.all([
    queue.view(topics.indexProgress),
    queue.view(topics.indexGeneration),
    queue.view(topics.services),
  ]);
  const views = { progress, generations, services };
  try {
    await new Rebuild(options, views).run();
  } catch (error) {
    throw signal.aborted ? new RebuildInterrupted('The rebuild was interrupted', { cause: error }) : error;
  } finally {
    for (const view of Object.values(views)) view.close();
  }
}

interface Views {
  readonly progress: View<IndexProgress>;
  readonly generations: View<IndexGenerationRecord>;
  readonly services: View<ServiceInstance>;
}

class Rebuild {
  readonly #options: RebuildOptions;
  readonly #views: Views;

  constructor(options: RebuildOptions, views: Views) {
    this.#options = options;
    this.#views = views;
  }

  async run(): Promise<void> {
    const { store, onStep } = this.#options;
    const before = announced(this.#views.generations);
    if (before?.state === 'filling' && before.generation === store.generation) {
      // An earlier run was cut off after it had swapped the aliases.
      await this.#announce(store.generation, 'current');
      await this.#removeTraces();
      return onStep({ kind: 'done', generation: store.generation, wasNearlyDone: true });
    }
    const next = await store.nextGeneration();
    try {
      this.#assertGoesOn();
      onStep({ kind: 'copied', generation: next.generation });
      await this.#fill(next);
    } finally {
      await next.close();
    }
    await this.#removeTraces();
    onStep({ kind: 'done', generation: next.generation, wasNearlyDone: false });
  }

  async #fill(next: IndexStore): Promise<void> {
    const { queue, topics, clock, log, metrics, batchSize, refreshIntervalMs } = this.#options;
    const { gatherMs = GATHER_MS, random = Math.random } = this.#options;
    const { generation } = next;
    const sink = fillingSink(queue, topics, this.#views.generations, generation);
    const indexing = new Indexing(
      {
        queue,
        topics,
        store: next,
        clock,
        log,
        metrics,
        batchSize,
        gatherMs,
        refreshIntervalMs,
        fromStart: true,
        random,
      },
      // What an earlier run has told of this generation is not true of what is made now.
      { ...sink, shown: () => undefined },
    );
    let failure: { readonly error: unknown } | undefined;
    indexing.failed.catch((error: unknown) => (failure = { error }));
    const assertWorks = (): void => {
      if (failure) throw failure.error;
      this.#assertGoesOn();
    };
    await indexing.start();
    try {
      await this.#until(
        () => this.#hasRead((topic, at) => indexing.offsetOf(topic, at)),
        assertWorks,
        () => this.#tellRead((topic, at) => indexing.offsetOf(topic, at)),
      );
      // Refreshed and told, before anybody goes by it.
      await indexing.tell();
      await this.#move(next, assertWorks);
    } finally {
      await indexing.close();
    }
  }

  /** The indexers go on with the new generation, and searches follow. */
  async #move(next: IndexStore, assertWorks: () => void): Promise<void> {
    const { store, onStep } = this.#options;
    const { generation } = next;
    await this.#announce(generation, 'filling');
    try {
      onStep({ kind: 'moving', indexers: this.#indexers().length });
      await this.#until(() => this.#haveMoved(generation), assertWorks);
      // Nobody writes to the earlier one any more: what is told of it stays as it is.
      await this.#until(
        () => this.#hasRead((topic, at) => fillingOffset(this.#views.generations, generation, topic, at)),
        assertWorks,
      );
    } catch (error) {
      await this.#announce(store.generation, 'current');
      throw error;
    }
    await next.publish();
    // From now on progress is told of this generation to those who search.
    await this.#announce(generation, 'current');
  }

  /** What was told while it was filling is of no use any more. */
  async #removeTraces(): Promise<void> {
    const { queue, topics } = this.#options;
    const told: OutgoingRecord[] = [];
    for (const topic of INDEXED_TOPICS) {
      for (let partition = 0; partition < indexedTopic(topics, topic).partitions; partition++)
        told.push(generationRecord(topics, indexGenerationKey.filling(topic, partition), null));
    }
    await queue.publish(told);
  }

  #announce(generation: number, state: IndexGeneration['state']): Promise<void> {
    const { queue, topics, clock } = this.#options;
    const value: IndexGeneration = { kind: 'generation', generation, state, at: clock.now() };
    return queue.publish([generationRecord(topics, indexGenerationKey.generation, value)]);
  }

  /** All that searches find now is there, too. */
  #hasRead(offsetOf: (topic: IndexedTopic, partition: number) => number | undefined): boolean {
    for (const { topic, partition, wanted } of this.#wanted())
      if ((offsetOf(topic, partition) ?? 0) < wanted) return false;
    return true;
  }

  #tellRead(offsetOf: (topic: IndexedTopic, partition: number) => number | undefined): void {
    const sums = new Map<IndexedTopic, { records: number; of: number }>();
    for (const { topic, partition, wanted } of this.#wanted()) {
      const { records, of } = sums.get(topic) ?? { records: 0, of: 0 };
      sums.set(topic, { records: records + Math.min(offsetOf(topic, partition) ?? 0, wanted), of: of + wanted });
    }
    for (const [topic, sum] of sums) this.#options.onStep({ kind: 'read', topic, ...sum });
  }

  *#wanted(): Iterable<{ readonly topic: IndexedTopic; readonly partition: number; readonly wanted: number }> {
    for (const topic of INDEXED_TOPICS) {
      for (let partition = 0; partition < indexedTopic(this.#options.topics, topic).partitions; partition++) {
        const shown = this.#views.progress.get(indexProgressKey(topic, partition), INDEX_PROGRESS_ID);
        yield { topic, partition, wanted: shown?.searchable ?? 0 };
      }
    }
  }

  #haveMoved(generation: number): boolean {
    return this.#indexers().every(({ instance }) =>
      [...this.#views.generations.records(indexGenerationKey.moved(instance)).values()].some(
        (record) => record.kind === 'moved' && record.generation >= generation,
      ),
    );
  }

  /** Those that run: they have told so lately. */
  #indexers(): readonly ServiceInstance[] {
    const { services } = this.#views;
    const since = this.#options.clock.now() - LIVENESS.leaseMs - LIVENESS.graceMs;
    return [...services.keys()]
      .flatMap((key) => [...services.records(key).values()])
      .filter(({ role, state, heartbeatAt }) => role === 'indexer' && isRunning(state) && heartbeatAt > since);
  }

  async #until(holds: () => boolean, assertWorks: () => void, between: () => void = () => undefined): Promise<void> {
    for (;;) {
      assertWorks();
      if (holds()) return;
      between();
      await new Promise<void>((resolve) => void this.#options.clock.after(LOOK_MS, resolve));
    }
  }

  #assertGoesOn(): void {
    if (this.#options.signal.aborted) throw new RebuildInterrupted('The rebuild was interrupted');
  }
}

const isRunning = (state: ServiceInstance['state']): boolean =>
  state !== 'TERMINATED_GRACEFULLY' && state !== 'DISCONNECTED';
