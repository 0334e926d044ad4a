import type { Clock } from '@millrace/model';
import type { SqlCopy } from '@millrace/queue/sql';
import type { Freshness } from '../contract.js';
import { KeptPartition, type KeptRecord } from './kept-partition.js';

/** A topic of the copy. */
export type KeptTopic = Parameters<SqlCopy['begin']>[0];

/** How far the index is. */
export interface IndexedOffsets {
  /** Records before this are found by searches. */
  searchable(topic: string, partition: number): number;
  /** They have been for so long that nobody needs them here. */
  settled(topic: string, partition: number): number;
}

export interface KeptOptions {
  readonly copy: Pick<SqlCopy, 'begin' | 'forget' | 'forgetBefore'>;
  readonly indexed: IndexedOffsets;
  readonly clock: Clock;
  /** Records that are kept; beyond it the oldest ones go. Default 200,000. */
  readonly rowsMax?: number;
}

const ROWS_MAX = 200_000;
/** Rows that are removed at once. */
const PIECE = 500;

interface Place {
  readonly topic: KeptTopic;
  readonly partition: number;
  readonly kept: KeptPartition;
}

/** What is in the copy beside the index, and what need not be any more. */
export class Kept {
  readonly #options: KeptOptions;
  readonly #rowsMax: number;
  readonly #places = new Map<string, Place>();

  constructor(options: KeptOptions) {
    this.#options = options;
    this.#rowsMax = options.rowsMax ?? ROWS_MAX;
  }

  /** The copy of the partition has what is from the offset on. */
  begin(topic: KeptTopic, partition: number, offset: number): void {
    const kind = topic.kind === 'state' ? 'state' : 'events';
    this.#places.set(nameOf(topic, partition), { topic, partition, kept: new KeptPartition(kind, offset) });
    if (kind === 'events') this.#options.copy.begin(topic, partition, offset + 1);
  }

  added(topic: KeptTopic, partition: number, record: KeptRecord): void {
    this.#places.get(nameOf(topic, partition))?.kept.add(record);
  }

  /** Removes a piece of what need not be kept; answers whether there was any. */
  trimPiece(): boolean {
    const { indexed } = this.#options;
    for (const place of this.#places.values()) {
      if (this.#trim(place, indexed.settled(place.topic.name, place.partition))) return true;
    }
    return this.#giveUpOldest();
  }

  /** Too many: the oldest ones go, whether they are found elsewhere or not. */
  get isFull(): boolean {
    return this.#rows > this.#rowsMax;
  }

  freshness(): Freshness {
    const { clock, indexed } = this.#options;
    let oldest: number | undefined;
    let newerHeads = 0;
    let hasLost = false;
    for (const { topic, partition, kept } of this.#places.values()) {
      const searchable = indexed.searchable(topic.name, partition);
      const writtenAt = kept.writtenFrom(searchable);
      if (writtenAt !== undefined) oldest = Math.min(oldest ?? writtenAt, writtenAt);
      newerHeads += kept.heads;
      hasLost ||= kept.hasLost(searchable);
    }
    const seconds = oldest === undefined ? 0 : Math.max(0, Math.floor((clock.now() - oldest) / 1_000));
    const overlay = { rows: this.#rows, newerHeads, oldestSeconds: seconds };
    if (oldest === undefined) return { overlay };
    const reason = hasLost
      ? `The index is ${seconds} s behind, and more was committed since than a server keeps: some of it is not shown`
      : `The index is ${seconds} s behind; what is newer is shown by this server`;
    return { overlay, behind: { seconds, reason } };
  }

  get #rows(): number {
    let rows = 0;
    for (const { kept } of this.#places.values()) rows += kept.size;
    return rows;
  }

  #trim({ topic, partition, kept }: Place, offset: number, searchable?: number): boolean {
    const { copy } = this.#options;
    if (topic.kind === 'state') {
      const rows = kept.rowsBefore(offset, PIECE);
      if (rows.length > 0) copy.forget(topic, rows);
      kept.removeRows(rows);
      if (rows.length === PIECE) return true;
      if (offset <= kept.start) return rows.length > 0;
      kept.dropBefore(offset, searchable);
      return true;
    }
    const boundary = kept.boundary(offset);
    if (boundary <= kept.start) return false;
    if (copy.forgetBefore(topic, partition, boundary + 1, PIECE)) return true;
    kept.dropBefore(boundary, searchable);
    return true;
  }

  #giveUpOldest(): boolean {
    if (!this.isFull) return false;
    let oldest: Place | undefined;
    for (const place of this.#places.values()) {
      if (place.kept.oldest === undefined) continue;
      if (oldest?.kept.oldest === undefined || place.kept.oldest < oldest.kept.oldest) oldest = place;
    }
    if (oldest === undefined) return false;
    const { topic, partition, kept } = oldest;
    return this.#trim(oldest, kept.nextBoundary, this.#options.indexed.searchable(topic.name, partition));
  }
}

const nameOf = ({ name }: KeptTopic, partition: number): string => `${name}/${partition}`;
