import type { LoggedRecord } from '@millrace/queue';
import { RepositoryError, type IndexStore, type RetentionLimits, type Settlement } from '@millrace/repository';

/** An index in memory that fails as it is told. */
export class AnIndex implements IndexStore {
  /** By topic, partition and offset: how often each was written. */
  readonly written = new Map<string, number>();
  readonly searchable = new Set<string>();
  /** Records of each bulk, acknowledged or not. */
  readonly bulks: number[] = [];
  readonly removals: RetentionLimits[] = [];
  refreshes = 0;
  /** What was asked to be made searchable, by refreshes. */
  readonly whose: ('mine' | 'all')[] = [];
  isDown = false;
  inFlight = 0;
  inFlightMost = 0;
  isPublished = false;
  isClosed = false;
  /** What becomes of a record; undefined: it is written. */
  settle: (topic: string, record: LoggedRecord<unknown>) => Settlement | undefined = () => undefined;
  /** A bulk waits for it. */
  hold: Promise<void> | undefined;
  next: AnIndex | undefined;

  constructor(readonly generation = 1) {}

  async prepare(): Promise<void> {
    this.#answer();
  }

  async write(topic: string, records: readonly LoggedRecord<unknown>[]): Promise<readonly Settlement[]> {
    this.bulks.push(records.length);
    this.inFlightMost = Math.max(this.inFlightMost, ++this.inFlight);
    await this.hold;
    this.inFlight--;
    this.#answer();
    return records.map((record) => {
      const settlement = this.settle(topic, record);
      if (settlement !== undefined) return settlement;
      const name = `${topic}/${record.partition}/${record.offset}`;
      this.written.set(name, (this.written.get(name) ?? 0) + 1);
      return { kind: 'written' };
    });
  }

  async refresh(whose: 'mine' | 'all'): Promise<void> {
    // Nothing is asked of it when there is nothing new.
    if (whose === 'mine' && this.searchable.size === this.written.size) return;
    this.#answer();
    this.refreshes++;
    this.whose.push(whose);
    for (const name of this.written.keys()) this.searchable.add(name);
  }

  async removeOlderThan(limits: RetentionLimits): Promise<{ readonly removed: number }> {
    this.#answer();
    this.removals.push(limits);
    return { removed: 1 };
  }

  async nextGeneration(): Promise<IndexStore> {
    this.#answer();
    return (this.next ??= new AnIndex(this.generation + 1));
  }

  async publish(): Promise<void> {
    this.#answer();
    this.isPublished = true;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  #answer(): void {
    if (this.isDown) throw new RepositoryError('UNAVAILABLE', 'Elasticsearch does not answer', true);
  }
}
