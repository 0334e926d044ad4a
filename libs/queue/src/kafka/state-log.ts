import type { StateRetention } from '../contract.js';
import type { StateChanges, StateRemoval, StoredTopic } from '../shell/commit.js';
import type { Wire } from './connections.js';
import type { PartitionBatch, Written } from './producer.js';
import { EARLIEST, LATEST, offsetAt, readOffsets, readRange } from './range.js';
import { EndedKeys } from '../shell/ended-keys.js';
import { ENDED, positionKey, stateKey, stateKeyParts, triesKey, type LogRecord } from './records.js';

/** Records removed in one transaction, more only of a key that has more. */
const PIECE = 1_000;
/** Keys that are due but must stay (not searchable yet) and are passed over to find others in one look. */
const LOOK = 1_000;
/** So long after nothing could be removed, though keys are due, it is looked at again. */
const AGAIN_MS = 1_000;

/** A record of a state topic as it was read. */
export interface StateText {
  readonly topic: StoredTopic;
  readonly key: string;
  readonly id: string;
  readonly text: string;
}

/** Where a processor stands, as its last commit says. */
export interface Standing {
  /** undefined: it has never committed in this partition. */
  readonly applied?: number;
  readonly now: number;
  readonly tries?: { readonly position: number; readonly tries: number };
}

interface Kept {
  readonly topic: StoredTopic;
  readonly id: string;
  offset: number;
  /** Of keys that live, until restore has handed them out. */
  text: string | undefined;
}

interface KeptKey {
  /** By topic and id. */
  readonly records: Map<string, Kept>;
  /** The newest of those in the first topic says that the key has ended (shell/batch.ts sees to it that it can tell). */
  ended: boolean;
}

export interface StateLogOptions {
  readonly wire: Wire;
  readonly processor: string;
  readonly topics: readonly StoredTopic[];
  readonly nameOf: (topic: StoredTopic) => string;
  readonly partition: number;
  /** When ended keys leave the log; absent: never. */
  readonly retention?: StateRetention;
}

/**
 * The state of one partition as it lies in compacted topics: read once when the partition is taken; after that only the
 * offset of each record is known here, so that a key that has ended, and left memory, can be looked up again.
 */
export class StateLog {
  readonly #options: StateLogOptions;
  #keys = new Map<string, KeptKey>();
  #ended: EndedKeys | undefined;

  constructor(options: StateLogOptions) {
    this.#options = options;
  }

  /** Reads everything. @throws what the client throws */
  async read(): Promise<Standing> {
    const { wire, topics, nameOf, partition, processor } = this.#options;
    this.#keys = new Map();
    this.#ended = this.#options.retention && new EndedKeys(this.#options.retention.afterMs);
    let standing: Standing = { now: 0 };
    let tries: Standing['tries'];
    for (const topic of topics) {
      const name = nameOf(topic);
      const from = await offsetAt(wire, name, partition, EARLIEST);
      const until = await offsetAt(wire, name, partition, LATEST);
      const onRecords = (records: readonly LogRecord[]): void => {
        for (const record of records) {
          if (record.key === positionKey(processor)) standing = standingOf(record) ?? standing;
          else if (record.key === triesKey(processor)) tries = triesOf(record);
          else this.#take(topic, record);
        }
      };
      await readRange(wire, { topic: name, partition, from, until, onRecords });
    }
    this.#ended?.sort();
    return { ...standing, ...(tries === undefined ? {} : { tries }) };
  }

  /** Hands out the records of every key that lives, and forgets their texts. */
  async restore(each: (record: StateText) => void): Promise<void> {
    for (const [key, kept] of this.#keys) {
      if (kept.ended) continue;
      // A key that ended and lives again: its older texts were dropped on the way.
      const missing = [...kept.records.values()].filter(({ text }) => text === undefined);
      if (missing.length > 0) await this.#fetch(key, missing, each);
      for (const record of kept.records.values()) {
        if (record.text === undefined) continue;
        each({ topic: record.topic, key, id: record.id, text: record.text });
        record.text = undefined;
      }
    }
  }

  /** The records of one key; at once when there are none. */
  load(key: string): readonly StateText[] | Promise<readonly StateText[]> {
    const kept = this.#keys.get(key);
    if (kept === undefined) return [];
    const found: StateText[] = [];
    return this.#fetch(key, [...kept.records.values()], (record) => found.push(record)).then(() => found);
  }

  /** The messages of a commit's changes, to be written in this order; `wrote` is told where. */
  batches(states: readonly StateChanges[], ended: ReadonlySet<string>, timestamp: number): PartitionBatch[] {
    const { nameOf, partition } = this.#options;
    return states.map(({ topic, puts, removals }) => ({
      topic: nameOf(topic),
      partition,
      messages: [
        ...removals.map(({ key, id }) => ({ key: stateKey(key, id), value: null, timestamp })),
        ...puts.map(({ key, id, text }) => ({
          key: stateKey(key, id),
          value: text,
          timestamp,
          ...(ended.has(key) ? { headers: { [ENDED]: '1' } } : {}),
        })),
      ],
    }));
  }

  /** The changes are committed; `offsets` has one for each message of `batches`. */
  wrote(
    states: readonly StateChanges[],
    offsets: readonly (readonly number[])[],
    ended: ReadonlySet<string>,
    timestamp: number,
  ): void {
    states.forEach(({ topic, puts, removals }, at) => {
      const places = offsets[at] ?? [];
      for (const { key, id } of removals) this.#forget(topic, key, id);
      puts.forEach(({ key, id }, index) => {
        const kept = this.#keep(topic, key, id, places[removals.length + index] ?? -1, undefined);
        if (topic === this.#options.topics[0]) this.#mark(key, kept, ended.has(key), timestamp);
      });
    });
  }

  /** When `removals` has something to look at. */
  removesAt(): number | undefined {
    return this.#ended?.nextAt();
  }

  /** The removal of keys whose retention is over: whole keys, the longest ended ones first, about `PIECE` records. */
  removals(now: number, inMemory: (key: string) => boolean): readonly StateChanges[] {
    const byTopic = new Map<StoredTopic, StateRemoval[]>();
    let count = 0;
    let passed = 0;
    for (const key of this.#ended?.due(now) ?? []) {
      if (count >= PIECE || passed >= LOOK) break;
      const kept = this.#keys.get(key);
      // One that must stay does not hold back those that ended after it.
      if (kept === undefined || inMemory(key) || !this.#isSearchable(kept)) {
        passed++;
        continue;
      }
      for (const { topic, id } of kept.records.values()) {
        const removals = byTopic.get(topic);
        if (removals === undefined) byTopic.set(topic, [{ key, id }]);
        else removals.push({ key, id });
        count++;
      }
    }
    if (count === 0) this.#ended?.postpone(now + AGAIN_MS);
    return [...byTopic].map(([topic, removals]) => ({ topic, puts: [], removals }));
  }

  #isSearchable({ records }: KeptKey): boolean {
    const { retention, partition } = this.#options;
    if (retention?.searchable === undefined) return true;
    for (const { topic, offset } of records.values())
      if (offset >= retention.searchable(topic.name, partition)) return false;
    return true;
  }

  #mark(key: string, kept: KeptKey, hasEnded: boolean, at: number): void {
    kept.ended = hasEnded;
    if (hasEnded) this.#ended?.add(key, at);
    else this.#ended?.remove(key);
  }

  #take(topic: StoredTopic, record: LogRecord): void {
    const parts = stateKeyParts(record.key);
    if (parts === undefined) return;
    const isTelling = topic === this.#options.topics[0];
    if (record.text === null) {
      this.#forget(topic, parts.key, parts.id);
      const left = this.#keys.get(parts.key);
      if (isTelling && left !== undefined) this.#mark(parts.key, left, false, record.timestamp);
      return;
    }
    const hasEnded = isTelling ? record.header(ENDED) !== undefined : this.#keys.get(parts.key)?.ended === true;
    const kept = this.#keep(topic, parts.key, parts.id, record.offset, hasEnded ? undefined : record.text);
    if (!isTelling) return;
    // The first topic is read before the others.
    this.#mark(parts.key, kept, hasEnded, record.timestamp);
    if (hasEnded) for (const each of kept.records.values()) each.text = undefined;
  }

  #keep(topic: StoredTopic, key: string, id: string, offset: number, text: string | undefined): KeptKey {
    let kept = this.#keys.get(key);
    if (kept === undefined) this.#keys.set(key, (kept = { records: new Map(), ended: false }));
    kept.records.set(`${topic.name}/${id}`, { topic, id, offset, text });
    return kept;
  }

  #forget(topic: StoredTopic, key: string, id: string): void {
    const kept = this.#keys.get(key);
    kept?.records.delete(`${topic.name}/${id}`);
    if (kept?.records.size !== 0) return;
    this.#keys.delete(key);
    this.#ended?.remove(key);
  }

  async #fetch(key: string, records: readonly Kept[], each: (record: StateText) => void): Promise<void> {
    const { wire, nameOf, partition } = this.#options;
    for (const topic of new Set(records.map((record) => record.topic))) {
      const ofTopic = new Map(
        records.filter((record) => record.topic === topic).map((record) => [record.offset, record]),
      );
      await readOffsets(wire, { topic: nameOf(topic), partition }, [...ofTopic.keys()], ({ offset, text }) => {
        const record = ofTopic.get(offset);
        if (record !== undefined && text !== null) each({ topic, key, id: record.id, text });
      });
    }
  }
}

/** Offsets of a batch's messages. */
export const offsetsOf = ({ messages }: PartitionBatch, { baseOffset }: Written): readonly number[] =>
  messages.map((_, at) => baseOffset + at);

const isStanding = (value: unknown): value is { readonly applied: number; readonly now: number } =>
  typeof value === 'object' &&
  value !== null &&
  'applied' in value &&
  Number.isInteger(value.applied) &&
  'now' in value &&
  typeof value.now === 'number';

function standingOf(record: LogRecord): { readonly applied: number; readonly now: number } | undefined {
  const value = record.parsed();
  return isStanding(value) ? { applied: value.applied, now: value.now } : undefined;
}

function triesOf(record: LogRecord): Standing['tries'] {
  const value = record.parsed();
  if (typeof value !== 'object' || value === null || !('position' in value) || !('tries' in value)) return undefined;
  const { position, tries } = value;
  return typeof position === 'number' && typeof tries === 'number' ? { position, tries } : undefined;
}
