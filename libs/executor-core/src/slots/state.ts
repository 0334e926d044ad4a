import type { FlowRecord, SlotsRecord } from '@millrace/model';

/** The records of one flow; the queue's shell owns them, undoes and stores what changed. */
export interface SlotRecords {
  get(id: string): FlowRecord | undefined;
  put(id: string, record: FlowRecord): void;
  remove(id: string): void;
  entries(): Iterable<readonly [string, FlowRecord]>;
  onChange(listener: (id: string, before: FlowRecord | undefined, after: FlowRecord | undefined) => void): void;
}

const SLOTS = 'slots';
const holderId = (executionId: string): string => `holder-${executionId}`;
const waiterId = (executionId: string): string => `waiter-${executionId}`;

/** What became true of the slots of a flow: the only input of `evolveSlots`. */
export type SlotFact =
  | { readonly kind: 'slots-set'; readonly slots: SlotsRecord }
  | { readonly kind: 'slot-held'; readonly executionId: string }
  | { readonly kind: 'slot-awaited'; readonly executionId: string }
  | { readonly kind: 'slot-left'; readonly executionId: string };

/** What decisions may see of the slots of a flow. */
export interface SlotView {
  readonly slots: SlotsRecord | undefined;
  readonly holders: number;
  readonly waiters: number;
  isHolder(executionId: string): boolean;
  isWaiter(executionId: string): boolean;
  /** It is either. */
  knows(executionId: string): boolean;
  /** The waiters that came first, at most `count`. O(count). */
  firstWaiters(count: number): readonly string[];
  holderIds(): Iterable<string>;
}

/** The slots of one flow in the memory of their owner. */
export class SlotState implements SlotView {
  readonly #records: SlotRecords;
  readonly #holders = new Set<string>();
  /** In the order of their places: places only grow, and whoever is put back had the lowest. */
  #waiters = new Map<string, number>();
  #lastPlace = -1;

  constructor(records: SlotRecords) {
    this.#records = records;
    const waiters: [string, number][] = [];
    for (const [, record] of records.entries()) {
      if (record.kind === 'holder') this.#holders.add(record.executionId);
      if (record.kind === 'waiter') waiters.push([record.executionId, record.place]);
    }
    this.#waiters = new Map(waiters.sort(([, one], [, other]) => one - other));
    records.onChange((_id, before, after) => this.#follow(before, after));
  }

  get slots(): SlotsRecord | undefined {
    const record = this.#records.get(SLOTS);
    return record?.kind === 'slots' ? record : undefined;
  }

  get holders(): number {
    return this.#holders.size;
  }

  get waiters(): number {
    return this.#waiters.size;
  }

  isHolder(executionId: string): boolean {
    return this.#holders.has(executionId);
  }

  isWaiter(executionId: string): boolean {
    return this.#waiters.has(executionId);
  }

  knows(executionId: string): boolean {
    return this.isHolder(executionId) || this.isWaiter(executionId);
  }

  firstWaiters(count: number): readonly string[] {
    const first: string[] = [];
    for (const executionId of this.#waiters.keys()) {
      if (first.length >= count) break;
      first.push(executionId);
    }
    return first;
  }

  holderIds(): Iterable<string> {
    return this.#holders;
  }

  /** The only writer. */
  evolve(fact: SlotFact): void {
    switch (fact.kind) {
      case 'slots-set':
        return this.#records.put(SLOTS, fact.slots);
      case 'slot-held':
        this.#records.remove(waiterId(fact.executionId));
        return this.#records.put(holderId(fact.executionId), { kind: 'holder', executionId: fact.executionId });
      case 'slot-awaited':
        return this.#await(fact.executionId);
      case 'slot-left':
        this.#records.remove(waiterId(fact.executionId));
        return this.#records.remove(holderId(fact.executionId));
      default:
        return fact satisfies never;
    }
  }

  #await(executionId: string): void {
    const { slots } = this;
    if (!slots) throw new Error('An execution waits for a slot of a flow that has no slots');
    const place = slots.nextPlace;
    this.#records.put(SLOTS, { ...slots, nextPlace: place + 1 });
    this.#records.put(waiterId(executionId), { kind: 'waiter', executionId, place });
  }

  #follow(before: FlowRecord | undefined, after: FlowRecord | undefined): void {
    if (before?.kind === 'holder') this.#holders.delete(before.executionId);
    if (after?.kind === 'holder') this.#holders.add(after.executionId);
    if (before?.kind === 'waiter') this.#waiters.delete(before.executionId);
    if (after?.kind !== 'waiter') return;
    this.#waiters.set(after.executionId, after.place);
    // A decision that was undone: it goes back to its place.
    if (after.place < this.#lastPlace) {
      this.#waiters = new Map([...this.#waiters].sort(([, one], [, other]) => one - other));
    }
    this.#lastPlace = Math.max(this.#lastPlace, after.place);
  }
}
