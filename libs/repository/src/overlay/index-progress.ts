import { INDEX_PROGRESS_ID, indexProgressKey, type Clock, type IndexProgress } from '@millrace/model';
import type { View } from '@millrace/queue';
import type { IndexedOffsets } from './kept.js';

/** So long what the index shows is kept all the same: searches may be directed to another generation of it meanwhile. */
const SETTLED_MS = 10_000;

interface Said {
  readonly at: number;
  readonly key: string;
  readonly searchable: number;
}

/** How far the index is, as the indexers publish it. */
export class PublishedProgress implements IndexedOffsets {
  readonly #settled = new Map<string, number>();
  /** In order; not settled yet. */
  readonly #said: Said[] = [];
  readonly #stop: () => void;

  constructor(
    private readonly view: Pick<View<IndexProgress>, 'get' | 'onChange' | 'close'>,
    private readonly clock: Clock,
  ) {
    this.#stop = view.onChange(({ key, value }) => {
      if (value !== null) this.#said.push({ at: clock.now(), key, searchable: value.searchable });
    });
  }

  searchable(topic: string, partition: number): number {
    return this.view.get(indexProgressKey(topic, partition), INDEX_PROGRESS_ID)?.searchable ?? 0;
  }

  settled(topic: string, partition: number): number {
    const settledAt = this.clock.now() - SETTLED_MS;
    let passed = 0;
    for (const { at, key, searchable } of this.#said) {
      if (at > settledAt) break;
      this.#settled.set(key, searchable);
      passed++;
    }
    if (passed > 0) this.#said.splice(0, passed);
    // It goes back when the log was made anew.
    return Math.min(this.#settled.get(indexProgressKey(topic, partition)) ?? 0, this.searchable(topic, partition));
  }

  close(): void {
    this.#stop();
    this.view.close();
  }
}
