import type { Topic } from '@millrace/model';
import type { Committed, Queue, Tail, TailOptions, View } from '@millrace/queue';

/**
 * A queue as seen from far away: views show a change, and tails tell of one, only when they are asked to catch up, or when
 * somebody waits; tails tell at the latest in the next turn of the event loop.
 */
export function laggingQueue(queue: Queue): Queue {
  return {
    publish: (records) => queue.publish(records),
    process: (definition) => queue.process(definition),
    work: (options) => queue.work(options),
    backlog: (topic, reader) => queue.backlog(topic, reader),
    close: () => queue.close(),
    view: async <Value>(topic: Topic<Value>) => laggingView(await queue.view(topic)),
    tail: <Value>(topic: Topic<Value>, options: TailOptions<Value>) => laggingTail(queue, topic, options),
  };
}

async function laggingTail<Value>(queue: Queue, topic: Topic<Value>, options: TailOptions<Value>): Promise<Tail> {
  const { onRecord, ...rest } = options;
  let held: Committed<Value>[] = [];
  const tellAll = (): void => {
    const due = held;
    held = [];
    for (const record of due) onRecord(record);
  };
  const tail = await queue.tail(topic, {
    ...rest,
    onRecord(record) {
      if (held.length === 0) setImmediate(tellAll);
      held.push(record);
    },
  });
  tellAll();
  return {
    async caughtUp() {
      await tail.caughtUp();
      tellAll();
    },
    close() {
      held = [];
      tail.close();
    },
  };
}

function laggingView<Value>(inner: View<Value>): View<Value> {
  const byKey = new Map<string, Map<string, Value>>();
  const listeners = new Set<(record: Committed<Value>) => void>();
  const held: Committed<Value>[] = [];
  for (const key of inner.keys()) byKey.set(key, new Map(inner.records(key)));
  const stop = inner.onChange((record) => held.push(record));
  const catchUp = (): void => {
    for (const record of held.splice(0)) {
      const records = byKey.get(record.key) ?? new Map<string, Value>();
      byKey.set(record.key, records);
      if (record.value === null) records.delete(record.id);
      else records.set(record.id, record.value);
      for (const listener of listeners) listener(record);
    }
  };
  return {
    get: (key, id = '') => byKey.get(key)?.get(id),
    records: (key) => byKey.get(key) ?? new Map<string, Value>(),
    keys: () => byKey.keys(),
    waitFor: (holds, timeoutMs) =>
      inner.waitFor(() => {
        catchUp();
        return holds();
      }, timeoutMs),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async refresh() {
      await inner.refresh();
      catchUp();
    },
    close() {
      stop();
      inner.close();
    },
  };
}
