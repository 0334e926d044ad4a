import type { Clock } from '@millrace/model';
import type { Committed, View } from '../contract.js';

/** A copy of a state topic in memory: what every adapter's view is, whichever way the records come. */
export class ViewCopy<Value> {
  readonly #byKey = new Map<string, Map<string, Value>>();
  readonly #listeners = new Set<(record: Committed<Value>) => void>();
  readonly #waiting = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  /** Takes a value over without telling anybody: while the copy is being made. */
  set(key: string, id: string, value: Value | null): void {
    const records = this.#byKey.get(key);
    if (value !== null) {
      if (records === undefined) this.#byKey.set(key, new Map([[id, value]]));
      else records.set(id, value);
      return;
    }
    records?.delete(id);
    if (records?.size === 0) this.#byKey.delete(key);
  }

  /** Takes a change over and tells of it. */
  change(record: Committed<Value>): void {
    this.set(record.key, record.id, record.value);
    for (const listener of this.#listeners) tell(listener, record);
    for (const check of this.#waiting) check();
  }

  /** The copy as its readers see it. */
  view({ refresh, close }: Pick<View<Value>, 'refresh' | 'close'>): View<Value> {
    return {
      get: (key, id = '') => this.#byKey.get(key)?.get(id),
      records: (key) => this.#byKey.get(key) ?? new Map<string, Value>(),
      keys: () => this.#byKey.keys(),
      waitFor: (holds, timeoutMs) => this.#waitFor(holds, timeoutMs),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      refresh,
      close,
    };
  }

  #waitFor(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(check);
        cancel();
      };
      const check = (): void => {
        try {
          if (!holds()) return;
          end();
          resolve(true);
        } catch (thrown) {
          end();
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      };
      const cancel = this.clock.after(timeoutMs, () => {
        this.#waiting.delete(check);
        resolve(false);
      });
      this.#waiting.add(check);
    });
  }
}

/** A listener that throws must not stop the delivery of what is durable already; its fault ends the process visibly. */
function tell<Value>(listener: (record: Committed<Value>) => void, record: Committed<Value>): void {
  try {
    listener(record);
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
