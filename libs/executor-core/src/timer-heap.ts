interface Entry {
  readonly dueAt: number;
  readonly id: string;
}

/** Timers by id; the earliest is found in O(1), set in O(log n). Replaced entries are dropped when they come up. */
export class TimerHeap {
  readonly #current = new Map<string, number>();
  readonly #heap: Entry[] = [];

  /** undefined removes the timer. */
  set(id: string, dueAt: number | undefined): void {
    if (dueAt === undefined) this.#current.delete(id);
    else if (this.#current.get(id) !== dueAt) {
      this.#current.set(id, dueAt);
      this.#push({ dueAt, id });
    }
    this.#dropReplaced();
  }

  earliest(): number | undefined {
    return this.#heap[0]?.dueAt;
  }

  /** Ids of the timers that are due, in no order; they stay set. O(their number). */
  due(now: number): string[] {
    const ids = new Set<string>();
    const open = [0];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const entry = this.#heap[at];
      if (!entry || entry.dueAt > now) continue;
      if (this.#current.get(entry.id) === entry.dueAt) ids.add(entry.id);
      open.push(2 * at + 1, 2 * at + 2);
    }
    return [...ids];
  }

  #dropReplaced(): void {
    for (let top = this.#heap[0]; top && this.#current.get(top.id) !== top.dueAt; top = this.#heap[0]) this.#pop();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Entry;
      if (parent.dueAt <= entry.dueAt) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const right = heap[below + 1];
      if (right && right.dueAt < (heap[below] as Entry).dueAt) below++;
      const child = heap[below];
      if (!child || child.dueAt >= last.dueAt) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}
