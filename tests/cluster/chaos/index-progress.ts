import { plain, text } from '../plain.js';
import type { TopicRecord } from '../topics.js';

/** Topics that the index has. */
export const INDEXED = ['executions', 'task-runs', 'logs', 'metrics', 'triggers'] as const;

interface Waiting {
  readonly offset: number;
  readonly timestamp: number;
}

/** How far the index is behind the topics, from what the indexers publish (`index-progress`). */
export class IndexProgress {
  /** Records that no search finds yet, by topic and partition, oldest first. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #searchable = new Map<string, number>();
  /** From a record's writing until a search finds it, in milliseconds. */
  readonly #lags: number[] = [];

  see({ topic, partition, offset, timestamp, value }: TopicRecord): void {
    if (topic === 'index-progress') {
      if (value === null) return;
      const { topic: of, partition: at, searchable } = plain(value);
      this.#advance(`${text(of)}/${String(at)}`, Number(searchable), timestamp);
    } else if (INDEXED.some((one) => one === topic)) {
      const place = `${topic}/${partition}`;
      // The progress may have come before the record: they are different topics.
      if (offset < (this.#searchable.get(place) ?? 0)) return;
      const waiting = this.#waiting.get(place) ?? [];
      waiting.push({ offset, timestamp });
      this.#waiting.set(place, waiting);
    }
  }

  #advance(place: string, searchable: number, at: number): void {
    this.#searchable.set(place, Math.max(searchable, this.#searchable.get(place) ?? 0));
    const waiting = this.#waiting.get(place) ?? [];
    const first = waiting.findIndex(({ offset }) => offset >= searchable);
    for (const { timestamp } of waiting.splice(0, first < 0 ? waiting.length : first))
      this.#lags.push(Math.max(0, at - timestamp));
  }

  /** Records that no search finds yet. */
  get pending(): number {
    return [...this.#waiting.values()].reduce((sum, waiting) => sum + waiting.length, 0);
  }

  /** Age of the oldest of them in milliseconds; 0: there is none. */
  behindMs(now: number): number {
    const oldest = [...this.#waiting.values()].flatMap(([first]) => (first === undefined ? [] : [first.timestamp]));
    return oldest.length === 0 ? 0 : now - Math.min(...oldest);
  }

  /** Of all records so far, ascending. */
  lags(): readonly number[] {
    return this.#lags.sort((one, other) => one - other);
  }
}
