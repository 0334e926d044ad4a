import type { Topic } from '@millrace/model';
import type { Committed, View } from '../contract.js';
import type { CommittedRecord } from './contract.js';
import type { QueueParts } from './process.js';

/** A copy of a state topic: read once, then followed. */
export async function openView<Value>(parts: QueueParts, topic: Topic<Value>): Promise<View<Value>> {
  const { store, clock, subscriptions } = parts;
  const byKey = new Map<string, Map<string, Value>>();
  const listeners = new Set<(record: Committed<Value>) => void>();
  const waiting = new Set<() => void>();
  /** Changed while the topic is being read: what is read of them may be older. Undefined when it has been read. */
  let changed: Set<string> | undefined = new Set();

  function set(key: string, id: string, value: Value | null): void {
    const records = byKey.get(key);
    if (value !== null) {
      if (records === undefined) byKey.set(key, new Map([[id, value]]));
      else records.set(id, value);
      return;
    }
    records?.delete(id);
    if (records?.size === 0) byKey.delete(key);
  }

  function follow({ key, id, text, value }: CommittedRecord): void {
    changed?.add(JSON.stringify([key, id]));
    const decoded = text === null ? null : topic.decode(value);
    set(key, id, decoded);
    for (const listener of listeners) tell(listener, { key, id, value: decoded });
    for (const check of waiting) check();
  }

  await store.declare(topic);
  const unsubscribe = subscriptions.add(topic.name, follow);
  try {
    await store.scan(topic, ({ key, id, text }) => {
      if (changed?.has(JSON.stringify([key, id])) !== true) set(key, id, topic.decode(JSON.parse(text)));
    });
  } catch (thrown) {
    unsubscribe();
    throw thrown;
  }
  changed = undefined;

  return {
    get: (key, id = '') => byKey.get(key)?.get(id),
    records: (key) => byKey.get(key) ?? new Map<string, Value>(),
    keys: () => byKey.keys(),
    waitFor(holds, timeoutMs) {
      if (holds()) return Promise.resolve(true);
      return new Promise((resolve, reject) => {
        const end = (): void => {
          waiting.delete(check);
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
        const cancel = clock.after(timeoutMs, () => {
          waiting.delete(check);
          resolve(false);
        });
        waiting.add(check);
      });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: unsubscribe,
  };
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
