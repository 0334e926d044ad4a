import type { Instant, Topic } from '@millrace/model';
import { YIELD } from '../contract.js';
import type { Commit, EncodedRecord, StateChanges, StatePut, StateRemoval, StoredTopic } from './commit.js';
import type { Entry } from './entries.js';
import { encodeValue } from './encode.js';

/** Rows after which a batch is committed: keeps one database transaction below the longest pause allowed. */
const ROWS_MAX = 1_000;

interface Change<Rec> {
  /** What the store has. */
  readonly before: Rec | undefined;
  after: Rec | undefined;
  text: string;
}

/** Where a batch stood before an event, so that the event can be taken back. */
export interface Mark {
  readonly outgoing: number;
  readonly bytes: number;
}

/** What the events of one transaction came to so far. */
export class Batch<State, Rec> {
  readonly outgoing: EncodedRecord[] = [];
  readonly #changes = new Map<Entry<State, Rec>, Map<string, Change<Rec>>>();
  readonly #seen = new Set<Entry<State, Rec>>();
  readonly #now: () => Instant;
  readonly #startedAt: Instant;
  #rows = 0;
  bytes = 0;
  steps = 0;
  /** Records touched so far, each time counted. */
  touches = 0;

  constructor(
    readonly now: Instant,
    clockNow: () => Instant,
  ) {
    this.#now = clockNow;
    this.#startedAt = clockNow();
  }

  /** True when the shell must commit before it goes on (protocols.md part 1.5). */
  full(): boolean {
    return this.steps >= YIELD.steps || this.mustYield();
  }

  /** `full` without the steps, which are counted for each chain of events by itself. */
  mustYield(): boolean {
    return (
      this.bytes >= YIELD.bytes ||
      this.#rows + this.outgoing.length >= ROWS_MAX ||
      this.#now() - this.#startedAt >= YIELD.elapsedMs
    );
  }

  /** Nothing to be stored. */
  isEmpty(): boolean {
    return this.outgoing.length === 0 && this.#changes.size === 0;
  }

  mark(): Mark {
    return { outgoing: this.outgoing.length, bytes: this.bytes };
  }

  /** Forgets what was added after `mark`. */
  rewind(mark: Mark): void {
    this.outgoing.length = mark.outgoing;
    this.bytes = mark.bytes;
  }

  /** Takes over what an event touched. Throws before it has changed anything when a record cannot be stored. */
  absorb(entry: Entry<State, Rec>, topicOf: (record: Rec) => Topic<Rec>): void {
    const touched = entry.records.touched();
    if (touched.size === 0) return;
    const texts: string[] = [];
    for (const id of touched.keys()) {
      const after = entry.records.get(id);
      texts.push(after === undefined ? '' : encodeValue(topicOf(after), entry.key, id, after));
    }
    this.touches += touched.size;
    let at = 0;
    const changes = this.#changesOf(entry);
    for (const [id, before] of touched) {
      const text = texts[at++] ?? '';
      const after = entry.records.get(id);
      const change = changes.get(id);
      this.bytes += text.length;
      if (change === undefined) changes.set(id, { before, after, text });
      else Object.assign(change, { after, text });
      this.#rows += change === undefined ? 1 : 0;
    }
    entry.records.settle();
  }

  /** The event under way is this key's. */
  see(entry: Entry<State, Rec>): void {
    this.#seen.add(entry);
  }

  /** Keys that events of this batch were for. */
  entries(): Iterable<Entry<State, Rec>> {
    return this.#seen;
  }

  /**
   * The transaction's content; each record once, with its last value. Whether a key lives can be read off its newest record
   * in `telling`, the first of the state topics: a key that begins or ceases to live without a change there has a record
   * of it written once more.
   */
  commit(
    head: Pick<Commit, 'processor' | 'partition' | 'epoch' | 'appliedPosition'>,
    topicOf: (record: Rec) => StoredTopic,
    telling: StoredTopic | undefined,
  ): Commit {
    const states = new Map<StoredTopic, { topic: StoredTopic; puts: StatePut[]; removals: StateRemoval[] }>();
    const changesOf = (topic: StoredTopic) => {
      const known = states.get(topic) ?? { topic, puts: [], removals: [] };
      states.set(topic, known);
      return known;
    };
    const live: string[] = [];
    const ended: string[] = [];
    for (const [entry, changes] of this.#changes) {
      let isTold = false;
      let isToBeTold = entry.isLive !== entry.storedLive;
      for (const [id, { before, after, text }] of changes) {
        if (before === after) continue;
        const topic = after === undefined ? undefined : topicOf(after);
        const topicBefore = before === undefined ? undefined : topicOf(before);
        if (topicBefore !== undefined && topicBefore !== topic) {
          changesOf(topicBefore).removals.push({ key: entry.key, id });
          // It may have been the newest.
          isToBeTold ||= topicBefore === telling;
        }
        if (topic !== undefined) changesOf(topic).puts.push({ key: entry.key, id, value: after, text });
        isTold ||= topic === telling;
      }
      const again = isToBeTold && !isTold ? recordIn(telling, entry, topicOf) : undefined;
      if (again !== undefined) changesOf(again.topic).puts.push(again.put);
      if (!entry.isLive) ended.push(entry.key);
      else if (!entry.storedLive) live.push(entry.key);
    }
    const written: readonly StateChanges[] = [...states.values()];
    return { ...head, now: this.now, states: written, outgoing: this.outgoing, live, ended };
  }

  #changesOf(entry: Entry<State, Rec>): Map<string, Change<Rec>> {
    const known = this.#changes.get(entry);
    if (known !== undefined) return known;
    const changes = new Map<string, Change<Rec>>();
    this.#changes.set(entry, changes);
    return changes;
  }
}

/** Some record that the key has in this topic. */
function recordIn<State, Rec>(
  topic: StoredTopic | undefined,
  { key, records }: Entry<State, Rec>,
  topicOf: (record: Rec) => StoredTopic,
): { readonly topic: StoredTopic; readonly put: StatePut } | undefined {
  if (topic === undefined) return undefined;
  for (const [id, value] of records.entries()) {
    if (topicOf(value) === topic) return { topic, put: { key, id, value, text: encodeValue(topic, key, id, value) } };
  }
  return undefined;
}
