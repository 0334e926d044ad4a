import { Heap } from '@millrace/model';

interface Entry {
  readonly dueAt: number;
  readonly id: string;
}

/** Timers by id; the earliest is found in O(1), set in O(log n). Replaced entries are dropped when they come up. */
export class Timers {
  readonly #current = new Map<string, number>();
  readonly #heap = new Heap<Entry>((one, other) => one.dueAt < other.dueAt);

  /** undefined removes the timer. */
  set(id: string, dueAt: number | undefined): void {
    if (dueAt === undefined) this.#current.delete(id);
    else if (this.#current.get(id) !== dueAt) {
      this.#current.set(id, dueAt);
      this.#heap.push({ dueAt, id });
    }
    for (let top = this.#heap.first(); top && !this.#isCurrent(top); top = this.#heap.first()) this.#heap.pop();
  }

  earliest(): number | undefined {
    return this.#heap.first()?.dueAt;
  }

  /** Ids of timers that are due, at most `limit`, in no order; they stay set. O(their number). */
  due(now: number, limit: number): string[] {
    const ids = new Set<string>();
    for (const entry of this.#heap.front(({ dueAt }) => dueAt <= now)) {
      if (this.#isCurrent(entry)) ids.add(entry.id);
      if (ids.size >= limit) break;
    }
    return [...ids];
  }

  #isCurrent({ id, dueAt }: Entry): boolean {
    return this.#current.get(id) === dueAt;
  }
}
