import type { Instant } from '@millrace/model';

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
  #heap: Timer[] = [];
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
    this.#push(timer);
    if (this.#heap.length > 64 && this.#heap.length > 4 * this.#current.size) this.#rebuild();
  }

  /** When the next timer is due. */
  next(): Instant | undefined {
    return this.#top()?.due;
  }

  /** Takes the earliest key that is due at `now`; its timer is cleared. */
  take(now: Instant): string | undefined {
    const top = this.#top();
    if (top === undefined || top.due > now) return undefined;
    this.#pop();
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
    this.#heap = [];
  }

  #top(): Timer | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined || this.#current.get(top.key) === top) return top;
      this.#pop();
    }
  }

  #rebuild(): void {
    this.#heap = [];
    for (const timer of this.#current.values()) this.#push(timer);
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(timer, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const smaller = left !== undefined && right !== undefined && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1;
      const child = heap[smaller];
      if (child === undefined || !isBefore(child, last)) break;
      heap[at] = child;
      at = smaller;
    }
    heap[at] = last;
  }
}
