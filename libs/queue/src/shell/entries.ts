import type { Instant } from '@millrace/model';
import type { Processor } from '../contract.js';
import { JournaledRecords } from './record-set.js';
import { Timers } from './timers.js';

/** A key in its owner's memory. */
export interface Entry<State, Rec> {
  readonly key: string;
  readonly records: JournaledRecords<Rec>;
  readonly state: State;
  /** Has records, and something is still expected to happen. */
  isLive: boolean;
  /** Even failing it failed: it is not woken any more, until an event can be decided again. */
  isStuck: boolean;
  /** `isLive` as the store has it. */
  storedLive: boolean;
}

type Shape<State, Rec> = Pick<Processor<State, Rec, never, never, never, never>, 'open' | 'ended' | 'dueAt'>;

/** The keys of one partition that are in memory, with their timers. */
export class Entries<State, Rec> {
  readonly #entries = new Map<string, Entry<State, Rec>>();
  readonly timers = new Timers();

  constructor(readonly processor: Shape<State, Rec>) {}

  get(key: string): Entry<State, Rec> | undefined {
    return this.#entries.get(key);
  }

  /** A key comes into memory. `storedLive`: restore brought it. */
  open(key: string, records: Iterable<readonly [string, Rec]>, storedLive: boolean): Entry<State, Rec> {
    const set = new JournaledRecords(records);
    const state = this.processor.open(key, set);
    const entry = { key, records: set, state, isLive: storedLive, isStuck: false, storedLive };
    this.#entries.set(key, entry);
    return entry;
  }

  /** Reads off the state what the shell needs to know of it; called after each event. */
  refresh(entry: Entry<State, Rec>): void {
    const isLive = entry.records.size > 0 && !this.processor.ended(entry.state);
    const due: Instant | undefined = isLive && !entry.isStuck ? this.processor.dueAt(entry.state) : undefined;
    entry.isLive = isLive;
    this.timers.set(entry.key, due);
  }

  /** After a commit: what is stored is known, and what has ended leaves. */
  settle(entries: Iterable<Entry<State, Rec>>): void {
    for (const entry of entries) {
      entry.storedLive = entry.isLive;
      if (!entry.isLive) this.#entries.delete(entry.key);
    }
  }

  *live(): Iterable<readonly [string, State]> {
    for (const entry of this.#entries.values()) if (entry.isLive) yield [entry.key, entry.state];
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Everything leaves; the next owner, or this one after restoring, starts from the store. */
  clear(): void {
    this.#entries.clear();
    this.timers.clear();
  }
}
