import type { RecordSet } from '../contract.js';

/**
 * The records of one key with a journal: what each record was before the event under way first touched it. The journal
 * undoes a failed decision, and it tells which records an event touched, so that only those are stored.
 */
export class JournaledRecords<Rec> implements RecordSet<Rec> {
  readonly #records: Map<string, Rec>;
  readonly #journal = new Map<string, Rec | undefined>();
  #listener: ((id: string, before: Rec | undefined, after: Rec | undefined) => void) | undefined;

  constructor(records: Iterable<readonly [string, Rec]> = []) {
    this.#records = new Map(records);
  }

  get size(): number {
    return this.#records.size;
  }

  get(id: string): Rec | undefined {
    return this.#records.get(id);
  }

  entries(): Iterable<readonly [string, Rec]> {
    return this.#records.entries();
  }

  put(id: string, record: Rec): void {
    const before = this.#remember(id);
    this.#records.set(id, record);
    this.#listener?.(id, before, record);
  }

  remove(id: string): void {
    if (!this.#records.has(id)) return;
    const before = this.#remember(id);
    this.#records.delete(id);
    this.#listener?.(id, before, undefined);
  }

  onChange(listener: (id: string, before: Rec | undefined, after: Rec | undefined) => void): void {
    this.#listener = listener;
  }

  /** Ids touched since the last `settle` or `undo`, with their values before. */
  touched(): ReadonlyMap<string, Rec | undefined> {
    return this.#journal;
  }

  /** Keeps the changes and starts a new journal. */
  settle(): void {
    this.#journal.clear();
  }

  /** Takes the changes back; the listener hears of each, so that derived indexes follow. */
  undo(): void {
    for (const [id, before] of this.#journal) {
      const current = this.#records.get(id);
      if (current === before) continue;
      if (before === undefined) this.#records.delete(id);
      else this.#records.set(id, before);
      this.#listener?.(id, current, before);
    }
    this.#journal.clear();
  }

  #remember(id: string): Rec | undefined {
    const before = this.#records.get(id);
    if (!this.#journal.has(id)) this.#journal.set(id, before);
    return before;
  }
}
