import type { Clock, IndexProgress } from '@millrace/model';

/** Who is told how far the index is. */
export interface ProgressSink {
  /** What it was told last, by whichever indexer. */
  shown(topic: string, partition: number): number | undefined;
  publish(progress: readonly IndexProgress[]): Promise<void>;
}

/** How long after it was said something is said again, when it is not seen. */
const SAY_AGAIN_MS = 5_000;

interface Place {
  readonly topic: string;
  readonly partition: number;
  offset: number;
  writtenAt: number;
  /** The log begins anew: what is shown promises too much. */
  wentBack: boolean;
  saidAt: number;
  said: number;
}

/** Where the partitions stand that are this indexer's. */
export class Progress {
  readonly #places = new Map<string, Place>();
  #hasGained = false;

  constructor(private readonly clock: Clock) {}

  /** Everything before `offset` was written to the index. */
  reached(topic: string, partition: number, offset: number): void {
    const place = this.#placeOf(topic, partition, offset);
    if (offset < place.offset) place.wentBack = true;
    place.offset = offset;
  }

  wrote(topic: string, partition: number, writtenAt: number): void {
    const place = this.#places.get(keyOf(topic, partition));
    if (place !== undefined) place.writtenAt = writtenAt;
  }

  /** Another indexer tells of it from now on. */
  lost(topic: string, partition: number): void {
    this.#places.delete(keyOf(topic, partition));
  }

  /** A partition has come since this was asked last: another indexer may have written what nobody has refreshed. */
  takeGained(): boolean {
    const gained = this.#hasGained;
    this.#hasGained = false;
    return gained;
  }

  has(topic: string, partition: number): boolean {
    return this.#places.has(keyOf(topic, partition));
  }

  partitionsOf(topic: string): readonly number[] {
    const partitions: number[] = [];
    for (const place of this.#places.values()) if (place.topic === topic) partitions.push(place.partition);
    return partitions;
  }

  offsetOf(topic: string, partition: number): number | undefined {
    return this.#places.get(keyOf(topic, partition))?.offset;
  }

  /**
   * What there is to tell that the sink does not show. It never goes back, except with the log itself: what another indexer
   * has said of the partition was true.
   */
  news(sink: Pick<ProgressSink, 'shown'>): readonly IndexProgress[] {
    const now = this.clock.now();
    const news: IndexProgress[] = [];
    for (const { topic, partition, offset, writtenAt, wentBack, said, saidAt } of this.#places.values()) {
      const shown = sink.shown(topic, partition);
      if (shown === offset || (shown !== undefined && shown > offset && !wentBack)) continue;
      if (said === offset && now - saidAt < SAY_AGAIN_MS) continue;
      news.push({ topic, partition, searchable: offset, writtenAt, at: now });
    }
    return news;
  }

  /** `news` were published. */
  told(news: readonly IndexProgress[]): void {
    for (const { topic, partition, searchable, at } of news) {
      const place = this.#places.get(keyOf(topic, partition));
      if (place === undefined) continue;
      place.said = searchable;
      place.saidAt = at;
      if (place.offset === searchable) place.wentBack = false;
    }
  }

  /** Everything is to be told again: there is another sink. */
  forgetWhatWasTold(): void {
    for (const place of this.#places.values()) place.said = -1;
  }

  #placeOf(topic: string, partition: number, offset: number): Place {
    const key = keyOf(topic, partition);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = { topic, partition, offset, writtenAt: 0, wentBack: false, saidAt: 0, said: -1 };
    this.#places.set(key, place);
    this.#hasGained = true;
    return place;
  }
}

const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`;
