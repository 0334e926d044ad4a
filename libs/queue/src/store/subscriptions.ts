import type { CommittedRecord } from './contract.js';

type Listener = (record: CommittedRecord) => void;

/** Who wants to hear of which topic. Records are told in commit order, also when a listener publishes. */
export interface Subscriptions {
  add(topic: string, listener: Listener): () => void;
  deliver(records: readonly CommittedRecord[]): void;
}

export function createSubscriptions(): Subscriptions {
  const byTopic = new Map<string, Set<Listener>>();
  const waiting: (readonly CommittedRecord[])[] = [];
  let delivering = false;

  function deliverAll(records: readonly CommittedRecord[]): void {
    for (const record of records) {
      const listeners = byTopic.get(record.topic.name);
      if (listeners === undefined) continue;
      for (const listener of listeners) listener(record);
    }
  }

  return {
    add(topic, listener) {
      const listeners = byTopic.get(topic) ?? new Set();
      byTopic.set(topic, listeners);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    deliver(records) {
      waiting.push(records);
      if (delivering) return;
      delivering = true;
      try {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) deliverAll(next);
      } finally {
        delivering = false;
      }
    },
  };
}
