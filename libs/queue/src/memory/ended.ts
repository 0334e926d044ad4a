import type { Instant } from '@millrace/model';
import type { StateRetention } from '../contract.js';
import type { EncodedRecord, StoredTopic } from '../shell/commit.js';
import { EndedKeys } from '../shell/ended-keys.js';
import { at, topicData, type MemoryStore, type ProcessorData } from './data.js';

/** Keys removed in one transaction. */
const PIECE = 10;
/** So long after nothing could be removed, though keys are due, it is looked at again. */
const AGAIN_MS = 1_000;

interface Place {
  readonly partition: number;
  readonly topics: readonly StoredTopic[];
  readonly retention: StateRetention;
}

/** The ended keys of one partition as its owner knows them; read off the store when the partition is taken. */
export class EndedPartition {
  readonly #store: MemoryStore;
  readonly #data: ProcessorData;
  readonly #place: Place;
  readonly #keys: EndedKeys;

  constructor(store: MemoryStore, data: ProcessorData, place: Place) {
    this.#store = store;
    this.#data = data;
    this.#place = place;
    this.#keys = new EndedKeys(place.retention.afterMs);
    for (const [key, endedAt] of at(data.ended, place.partition, 'partition')) this.#keys.add(key, endedAt);
    this.#keys.sort();
  }

  nextAt(): Instant | undefined {
    return this.#keys.nextAt();
  }

  /** The owner has committed. */
  committed(ended: readonly string[], live: readonly string[], now: Instant): void {
    for (const key of live) this.#keys.remove(key);
    for (const key of ended) this.#keys.add(key, now);
  }

  /** The removal of keys whose retention is over; empty, and put off, when none may go yet. */
  removals(now: Instant, inMemory: (key: string) => boolean): readonly EncodedRecord[] {
    const gone: EncodedRecord[] = [];
    let count = 0;
    for (const key of this.#keys.due(now)) {
      if (count === PIECE) break;
      if (inMemory(key) || !this.#isSearchable(key)) continue;
      count++;
      gone.push(...this.#recordsOf(key));
    }
    if (gone.length === 0) this.#keys.postpone(now + AGAIN_MS);
    return gone;
  }

  /** The removal is written. */
  removed(records: readonly EncodedRecord[]): void {
    const ended = at(this.#data.ended, this.#place.partition, 'partition');
    for (const { key } of records) {
      this.#keys.remove(key);
      ended.delete(key);
    }
  }

  #recordsOf(key: string): EncodedRecord[] {
    const { partition, topics } = this.#place;
    return topics.flatMap((topic) =>
      [...(at(topicData(this.#store, topic).state, partition, 'partition').get(key)?.keys() ?? [])].map((id) => ({
        topic,
        partition,
        key,
        id,
        value: null,
        text: null,
        broadcast: false,
      })),
    );
  }

  #isSearchable(key: string): boolean {
    const { partition, topics, retention } = this.#place;
    if (retention.searchable === undefined) return true;
    return topics.every((topic) => {
      const searchable = retention.searchable?.(topic.name, partition) ?? 0;
      const { of } = at(topicData(this.#store, topic).offsets, partition, 'partition');
      return [...(of.get(key)?.values() ?? [])].every((offset) => offset < searchable);
    });
  }
}
