import type { ConsumeOptions, LoggedRecord } from '../contract.js';
import type { Reading } from './reader.js';
import { isBookkeeping, stateKeyParts, type LogRecord } from './records.js';

export interface ConsumedPartitionOptions<Value> extends Pick<
  ConsumeOptions<Value>,
  'topic' | 'batchSize' | 'onBatch' | 'onUnreadable' | 'onPosition'
> {
  readonly partition: number;
  /** The first offset. */
  readonly from: number;
  /** Characters that may wait in memory for this partition; a single answer may be more. */
  readonly charactersMax: () => number;
}

/** Batches that wait in memory: enough for the time until a paused reading goes on. */
const BATCHES_AHEAD = 4;
/** What one batch is at most, whatever the number of its records; a single record may be larger. */
const BATCH_CHARACTERS_MAX = 2 * 1024 * 1024;

/** The records of one partition on their way to its member's handler: some wait in memory, a batch at a time is handled. */
export class ConsumedPartition<Value> {
  readonly #options: ConsumedPartitionOptions<Value>;
  readonly #abort = new AbortController();
  #waiting: LogRecord[] = [];
  #characters = 0;
  /** Where the reading goes on, and where the handling does. */
  #read: number;
  #handled: number;
  /** Counts how often the log was found to be another: what was handled before says nothing of it. */
  #log = 0;
  #reading: Reading | undefined;
  #paused = false;
  #wakeUp: () => void = () => undefined;

  constructor(options: ConsumedPartitionOptions<Value>) {
    this.#options = options;
    this.#read = options.from;
    this.#handled = options.from;
  }

  /** All before it was handled. */
  get handled(): number {
    return this.#handled;
  }

  get isIdle(): boolean {
    return this.#handled === this.#read;
  }

  /** Handles batch after batch until `stop`. Rejects with what the handler threw. */
  async run(open: (partition: ConsumedPartition<Value>) => Reading): Promise<void> {
    const { partition, onPosition } = this.#options;
    onPosition?.(partition, this.#handled);
    this.#reading = open(this);
    try {
      while (!this.#abort.signal.aborted) {
        if (this.isIdle) await new Promise<void>((resolve) => (this.#wakeUp = resolve));
        else await this.#handleBatch();
      }
    } finally {
      this.#reading.close();
    }
  }

  /** The batch under way is told; `run` ends when its handler has. */
  stop(): void {
    this.#abort.abort();
    this.#wakeUp();
  }

  offer(records: readonly LogRecord[], next: number): void {
    for (const record of records) {
      this.#waiting.push(record);
      this.#characters += record.text?.length ?? 0;
    }
    this.#read = next;
    if (!this.#paused && this.#isFull(1)) {
      this.#paused = true;
      this.#reading?.pause();
    }
    this.#wakeUp();
  }

  /** The log begins at `earliest`: later than was wanted, or it is another one. */
  restart(earliest: number): void {
    if (earliest < this.#read) {
      this.#waiting = [];
      this.#characters = 0;
      this.#log++;
      this.#handled = earliest;
      this.#options.onPosition?.(this.#options.partition, earliest);
    }
    this.#read = earliest;
    this.#wakeUp();
  }

  #isFull(part: number): boolean {
    const { batchSize, charactersMax } = this.#options;
    return this.#waiting.length >= BATCHES_AHEAD * batchSize * part || this.#characters >= charactersMax() * part;
  }

  async #handleBatch(): Promise<void> {
    const { partition, onBatch, onPosition } = this.#options;
    const { signal } = this.#abort;
    const log = this.#log;
    const taken = this.#take();
    const next = this.#waiting[0]?.offset ?? this.#read;
    const records: LoggedRecord<Value>[] = [];
    for (const record of taken) {
      const readable = await this.#readable(record);
      if (signal.aborted) return;
      if (readable !== undefined) records.push(readable);
    }
    if (records.length > 0) await onBatch(partition, records, signal);
    if (signal.aborted || log !== this.#log) return;
    this.#handled = next;
    onPosition?.(partition, next);
  }

  #take(): readonly LogRecord[] {
    let count = 0;
    for (let characters = 0; count < Math.min(this.#waiting.length, this.#options.batchSize); count++) {
      const length = this.#waiting[count]?.text?.length ?? 0;
      if (count > 0 && characters + length > BATCH_CHARACTERS_MAX) break;
      characters += length;
      this.#characters -= length;
    }
    const taken = this.#waiting.splice(0, count);
    if (this.#paused && !this.#isFull(0.5)) {
      this.#paused = false;
      this.#reading?.resume();
    }
    return taken;
  }

  /** The record as its handler sees it; undefined for what is not for handlers, and for what was reported. */
  #readable(record: LogRecord): LoggedRecord<Value> | undefined | Promise<undefined> {
    const { topic, partition, onUnreadable } = this.#options;
    const { key: logKey, offset, text } = record;
    const isState = topic.kind === 'state';
    if (isState && isBookkeeping(logKey)) return undefined;
    try {
      const named = isState ? stateKeyParts(logKey) : { key: logKey, id: '' };
      if (named === undefined) throw new Error(`Its key is none that Millrace writes to '${topic.name}'`);
      const value = text === null ? null : topic.decode(record.parsed());
      return { ...named, value, partition, offset, writtenAt: record.timestamp };
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      const reported = onUnreadable?.({ partition, offset, key: logKey, text }, reason);
      return Promise.resolve(reported).then(() => undefined);
    }
  }
}
