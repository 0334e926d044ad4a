import { Heap, type Instant } from '@millrace/model';

interface Timer {
  readonly key: string;
  readonly due: Instant;
  /** Breaks ties: first set, first out, so that a run can be repeated exactly. */
  readonly order: number;
}

const isBefore = (one: Timer, other: Timer): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order);

/** The earliest timer of each key: a heap whose outdated entries are dropped when they come up. */
export class Timers {
  readonly #current = new Map<string, Timer>();
  readonly #heap = new Heap(isBefore);
  #order = 0;

  /** Sets, moves or (undefined) clears a key's timer. */
  set(key: string, due: Instant | undefined): void {
    const current = this.#current.get(key);
    if (current?.due === due) return;
    if (due === undefined) {
      this.#current.delete(key);
      return;
    }
    const timer = { key, due, order: this.#order++ };
    this.#current.set(key, timer);
    this.#heap.push(timer);
    if (this.#heap.size > 64 && this.#heap.size > 4 * this.#current.size) this.#rebuild();
  }

  /** When the next timer is due. */
  next(): Instant | undefined {
    return this.#top()?.due;
  }

  /** Takes the earliest key that is due at `now`; its timer is cleared. */
  take(now: Instant): string | undefined {
    const top = this.#top();
    if (top === undefined || top.due > now) return undefined;
    this.#heap.pop();
    this.#current.delete(top.key);
    return top.key;
  }

  /** Moves a key's timer to `until` when it is earlier. */
  postpone(key: string, until: Instant): void {
    const current = this.#current.get(key);
    if (current !== undefined && current.due < until) this.set(key, until);
  }

  clear(): void {
    this.#current.clear();
    this.#heap.clear();
  }

  #top(): Timer | undefined {
    for (;;) {
      const top = this.#heap.first();
      if (top === undefined || this.#current.get(top.key) === top) return top;
      this.#heap.pop();
    }
  }

  #rebuild(): void {
    this.#heap.clear();
    for (const timer of this.#current.values()) this.#heap.push(timer);
  }
}
