/** Keys that have ended, the longest ended first, until their retention is over. */
export class EndedKeys {
  readonly #afterMs: number;
  /** When each ended; a key that ends again goes to the end, so the order of the map is that of the ends. */
  #endedAt = new Map<string, number>();
  /** Nothing is due before. */
  #notBefore = 0;

  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  get size(): number {
    return this.#endedAt.size;
  }

  /** @param at milliseconds since the epoch */
  add(key: string, at: number): void {
    this.#endedAt.delete(key);
    this.#endedAt.set(key, at);
  }

  remove(key: string): void {
    this.#endedAt.delete(key);
  }

  /** Once after keys were added in another order than that of their ends: topics are read one after the other. */
  sort(): void {
    this.#endedAt = new Map([...this.#endedAt].sort(([, one], [, other]) => one - other));
  }

  /** When the first one is due; undefined when there is none. O(1). */
  nextAt(): number | undefined {
    for (const at of this.#endedAt.values()) return Math.max(at + this.#afterMs, this.#notBefore);
    return undefined;
  }

  /** Those whose retention is over at `now`. */
  *due(now: number): Iterable<string> {
    for (const [key, at] of this.#endedAt) {
      if (at + this.#afterMs > now) return;
      yield key;
    }
  }

  /** Nothing is to be looked at before this time. */
  postpone(until: number): void {
    this.#notBefore = until;
  }
}
