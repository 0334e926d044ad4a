import { INDEX_PROGRESS_ID, indexProgressKey, type IndexProgress, type Topic } from '@millrace/model';
import type { Committed, LoggedRecord, LogQueue, Queue, Tail, TailFromOptions, View } from '@millrace/queue';
import type { Logged } from './join-cases.js';

/** Logs in memory that are followed from offsets, and what is said of the index: without I/O, step by step. */
export class ALogQueue implements Pick<LogQueue, 'tailFrom'>, Pick<Queue, 'view'> {
  readonly records: (Logged & { readonly writtenAt: number })[] = [];
  readonly #tails = new Set<(record: Logged & { readonly writtenAt: number }) => void>();
  readonly #progress = new Map<string, IndexProgress>();
  readonly #watching = new Set<(record: Committed<unknown>) => void>();

  append(records: readonly Logged[], writtenAt: number): void {
    for (const record of records) {
      this.records.push({ ...record, writtenAt });
      for (const tell of this.#tails) tell({ ...record, writtenAt });
    }
  }

  tailFrom = async <Value>(topic: Topic<Value>, { from, onRecord }: TailFromOptions<Value>): Promise<Tail> => {
    const tell = (record: Logged & { readonly writtenAt: number }): void => {
      if (record.topic.name !== topic.name || record.offset < (from.get(record.partition) ?? 0)) return;
      const { key, id, partition, offset, writtenAt, value } = record;
      // What was written is what is read.
      const told: LoggedRecord<Value> = { key, id, partition, offset, writtenAt, value: value as Value | null };
      onRecord(told);
    };
    this.records.forEach(tell);
    this.#tails.add(tell);
    return { caughtUp: async () => undefined, close: () => void this.#tails.delete(tell) };
  };

  /** Everything of the partition before the offset is found. */
  searchable(topic: string, partition: number, searchable: number): void {
    const value = { topic, partition, searchable, writtenAt: 0, at: 0 };
    const key = indexProgressKey(topic, partition);
    this.#progress.set(key, value);
    for (const tell of this.#watching) tell({ key, id: INDEX_PROGRESS_ID, value, partition: 0, position: 0 });
  }

  view = async <Value>(): Promise<View<Value>> => {
    // The one view that is asked for.
    const values = this.#progress as unknown as ReadonlyMap<string, Value>;
    return {
      get: (key) => values.get(key),
      records: () => new Map(),
      keys: () => values.keys(),
      waitFor: async (holds) => holds(),
      onChange: (listener) => {
        const tell = listener as (record: Committed<unknown>) => void;
        this.#watching.add(tell);
        return () => this.#watching.delete(tell);
      },
      refresh: async () => undefined,
      close: () => undefined,
    };
  };
}
