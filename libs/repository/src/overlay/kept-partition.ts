/** Records that were written within so many milliseconds share a sample. */
const SAMPLE_MS = 250;
/** Samples that left are cut off when there are so many. */
const LEFT_MAX = 1_000;

/** Records of a partition that were written at about one time. */
interface Sample {
  /** Of the first one. */
  readonly offset: number;
  readonly writtenAt: number;
  count: number;
}

export interface KeptRow {
  readonly key: string;
  readonly id: string;
  /** Of the row's last record. */
  readonly offset: number;
}

/** A record as it is kept. */
export interface KeptRecord {
  readonly key: string;
  readonly id: string;
  readonly offset: number;
  readonly writtenAt: number;
}

/** What the overlay has of one partition of a topic, by age. */
export class KeptPartition {
  #samples: Sample[] = [];
  /** The first sample that is still kept. */
  #first = 0;
  #events = 0;
  #heads = 0;
  /** State only: rows in the order of their last records. */
  readonly #rows: Map<string, KeptRow> | undefined;
  #last = -1;
  #lost: { readonly before: number; readonly since: number } | undefined;
  /** Records before this offset are not kept any more. */
  #start: number;

  constructor(kind: 'state' | 'events', start: number) {
    this.#rows = kind === 'state' ? new Map() : undefined;
    this.#start = start;
  }

  get start(): number {
    return this.#start;
  }

  get size(): number {
    return this.#rows?.size ?? this.#events;
  }

  /** Of executions and triggers. */
  get heads(): number {
    return this.#heads;
  }

  /** When the oldest one was written. */
  get oldest(): number | undefined {
    return this.#samples[this.#first]?.writtenAt;
  }

  add({ key, id, offset, writtenAt }: KeptRecord): void {
    const sample = this.#samples.at(-1);
    if (sample === undefined || writtenAt >= sample.writtenAt + SAMPLE_MS || this.#first === this.#samples.length)
      this.#samples.push({ offset, writtenAt, count: 1 });
    else sample.count++;
    this.#last = offset;
    if (this.#rows === undefined) {
      this.#events++;
      return;
    }
    const name = `${key}\n${id}`;
    if (!this.#rows.delete(name) && isHead(id)) this.#heads++;
    this.#rows.set(name, { key, id, offset });
  }

  /** When the oldest record was written that is not before the offset; undefined: there is none. To a quarter of a second. */
  writtenFrom(offset: number): number | undefined {
    if (this.#lost !== undefined && this.#lost.before > offset) return this.#lost.since;
    if (this.#last < offset) return undefined;
    let [low, high] = [this.#first, this.#samples.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#samples[middle]?.offset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#samples[Math.max(low - 1, this.#first)]?.writtenAt;
  }

  /** True when records from the offset on were given up, for there were too many. */
  hasLost(offset: number): boolean {
    return this.#lost !== undefined && this.#lost.before > offset;
  }

  /** Where the next sample begins: what is before it goes together. */
  get nextBoundary(): number {
    return this.#samples[this.#first + 1]?.offset ?? this.#last + 1;
  }

  /** The last place up to the offset where records can be parted. */
  boundary(offset: number): number {
    // Not beyond what is here: what is on its way would be shown here and elsewhere.
    if (offset > this.#last) return Math.max(this.#start, this.#last + 1);
    let found = this.#start;
    for (let at = this.#first; at < this.#samples.length; at++) {
      const sample = this.#samples[at];
      if (sample === undefined || sample.offset > offset) break;
      found = Math.max(found, sample.offset);
    }
    return found;
  }

  /** Rows whose last record is before the offset, at most `limit`. */
  rowsBefore(offset: number, limit: number): readonly KeptRow[] {
    const found: KeptRow[] = [];
    for (const row of this.#rows?.values() ?? []) {
      if (row.offset >= offset || found.length === limit) break;
      found.push(row);
    }
    return found;
  }

  removeRows(rows: readonly KeptRow[]): void {
    for (const { key, id } of rows) if (this.#rows?.delete(`${key}\n${id}`) && isHead(id)) this.#heads--;
  }

  /** What is before the boundary is gone. With `searchable`: although what is from there on is not found by others. */
  dropBefore(boundary: number, searchable?: number): void {
    if (searchable !== undefined && boundary > searchable) {
      const since = this.writtenFrom(searchable) ?? this.oldest ?? 0;
      this.#lost = { before: boundary, since };
    }
    for (; this.#first < this.#samples.length; this.#first++) {
      const sample = this.#samples[this.#first];
      if (sample === undefined || sample.offset >= boundary) break;
      const next = this.#samples[this.#first + 1]?.offset ?? this.#last + 1;
      // Of a state topic a boundary may lie within a sample.
      if (next > boundary) break;
      this.#events -= sample.count;
    }
    if (this.#first > LEFT_MAX) {
      this.#samples = this.#samples.slice(this.#first);
      this.#first = 0;
    }
    this.#start = Math.max(this.#start, boundary);
  }
}

const isHead = (id: string): boolean => id === 'head' || id.startsWith('trigger/');
