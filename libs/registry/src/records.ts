/** The records of one key, as the queue's shell hands them out; in the shape of its contract. */
export interface Records<Rec> {
  get(id: string): Rec | undefined;
  put(id: string, record: Rec): void;
  remove(id: string): void;
  entries(): Iterable<readonly [string, Rec]>;
}

/** A decision in the shape of the queue's contract. */
export interface Decided<Fact, Effect> {
  readonly facts: readonly Fact[];
  readonly effects: readonly Effect[];
  readonly next: readonly never[];
}

export const nothing = <Fact, Effect>(): Decided<Fact, Effect> => ({ facts: [], effects: [], next: [] });

export interface Wake {
  readonly kind: 'wake';
}
