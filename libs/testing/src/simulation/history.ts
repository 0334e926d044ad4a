import type { ExecutionHead, ExecutionRecord, TaskRun } from '@millrace/model';
import type { Committed, View } from '@millrace/queue';

/** Records of one topic as a reader keeps them who follows it. */
export type Kept<Rec> = Pick<View<Rec>, 'get' | 'keys' | 'records' | 'onChange'>;

/** The records of an execution by id, those of both topics. */
export type ExecutionRecords = ReadonlyMap<string, ExecutionRecord>;

class KeptRecords<Rec> implements Kept<Rec> {
  readonly #byKey = new Map<string, Map<string, Rec>>();
  readonly #listeners = new Set<(record: Committed<Rec>) => void>();
  /** Removed records, and when: they belong to an execution that leaves if its head is removed at the same time. */
  readonly #removed = new Map<string, Map<string, { readonly at: number; readonly record: Rec }>>();

  readonly #fresh = new Map<string, Map<string, Rec>>();

  keys = (): Iterable<string> => this.#byKey.keys();
  records = (key: string): ReadonlyMap<string, Rec> => this.#byKey.get(key) ?? new Map<string, Rec>();
  get = (key: string, id = ''): Rec | undefined => this.#byKey.get(key)?.get(id);

  onChange = (listener: (record: Committed<Rec>) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  take(record: Committed<Rec>, at: number): void {
    const { key, id, value } = record;
    const records = this.#byKey.get(key) ?? new Map<string, Rec>();
    this.#byKey.set(key, records);
    const before = records.get(id);
    if (value !== null) records.set(id, value);
    else if (before !== undefined) {
      records.delete(id);
      const removed = this.#removed.get(key) ?? new Map<string, { readonly at: number; readonly record: Rec }>();
      this.#removed.set(key, removed.set(id, { at, record: before }));
    }
    for (const listener of this.#listeners) listener(record);
  }

  /** Of an execution that has left: what a snapshot brings, until its head is there. */
  takeFresh({ key, id, value }: Committed<Rec>): void {
    const fresh = this.#fresh.get(key) ?? new Map<string, Rec>();
    this.#fresh.set(key, fresh);
    if (value === null) fresh.delete(id);
    else fresh.set(id, value);
  }

  /** The execution is back, and has what was brought; without `forgets` also what it had before. */
  renew(key: string, forgets: boolean): void {
    const before = forgets ? [] : (this.#byKey.get(key) ?? []);
    this.#byKey.set(key, new Map([...before, ...(this.#fresh.get(key) ?? [])]));
    this.#fresh.delete(key);
  }

  /** The execution leaves: what was removed with its head is kept. */
  restore(key: string, at: number): void {
    for (const [id, removed] of this.#removed.get(key) ?? []) {
      if (removed.at === at) this.#byKey.get(key)?.set(id, removed.record);
    }
    this.#removed.delete(key);
  }
}

/**
 * What executions were and are, also when the queue has dropped them: a removal of an execution's head says that all of it
 * leaves the queue, and is no part of its history (decision 0017).
 */
export class History {
  /** `forgets`: of an execution that comes back, what came is all that it has. */
  constructor(readonly forgets: boolean) {}

  readonly #executions = new KeptRecords<ExecutionRecord>();
  readonly #taskRuns = new KeptRecords<TaskRun>();
  readonly #left = new Set<string>();
  readonly #onLeave = new Set<(key: string) => void>();
  readonly #onReturn = new Set<(key: string) => void>();

  get executions(): Kept<ExecutionRecord> {
    return this.#executions;
  }

  get taskRuns(): Kept<TaskRun> {
    return this.#taskRuns;
  }

  /** The queue has nothing of it any more. */
  hasLeft = (key: string): boolean => this.#left.has(key);

  onLeave(listener: (key: string) => void): void {
    this.#onLeave.add(listener);
  }

  onReturn(listener: (key: string) => void): void {
    this.#onReturn.add(listener);
  }

  recordsOf(key: string): ExecutionRecords {
    return new Map<string, ExecutionRecord>([...this.#executions.records(key), ...this.#taskRuns.records(key)]);
  }

  head(key: string): ExecutionHead | undefined {
    const record = this.#executions.get(key, 'head');
    return record?.kind === 'head' ? record : undefined;
  }

  takeExecution(record: Committed<ExecutionRecord>, at: number): void {
    const { key, id, value } = record;
    if (this.#left.has(key) && (id !== 'head' || value === null)) return this.#executions.takeFresh(record);
    const returns = this.#left.delete(key);
    for (const part of returns ? [this.#executions, this.#taskRuns] : []) part.renew(key, this.forgets);
    this.#executions.take(record, at);
    if (value === null && id === 'head') this.#leave(key, at);
    if (returns) for (const listener of this.#onReturn) listener(key);
  }

  takeTaskRun(record: Committed<TaskRun>, at: number): void {
    if (this.#left.has(record.key)) this.#taskRuns.takeFresh(record);
    else this.#taskRuns.take(record, at);
  }

  #leave(key: string, at: number): void {
    this.#left.add(key);
    this.#executions.restore(key, at);
    this.#taskRuns.restore(key, at);
    for (const listener of this.#onLeave) listener(key);
  }
}
