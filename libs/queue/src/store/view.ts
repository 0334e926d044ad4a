import type { Topic } from '@millrace/model';
import type { View } from '../contract.js';
import { ViewCopy } from '../shell/view-copy.js';
import type { CommittedRecord } from './contract.js';
import type { QueueParts } from './process.js';

/** A copy of a state topic: read once, then followed. */
export async function openView<Value>(parts: QueueParts, topic: Topic<Value>): Promise<View<Value>> {
  const { store, clock, subscriptions } = parts;
  const copy = new ViewCopy<Value>(clock);
  /** Changed while the topic is being read: what is read of them may be older. Undefined when it has been read. */
  let changed: Set<string> | undefined = new Set();

  function follow({ key, id, partition, text, value }: CommittedRecord): void {
    changed?.add(JSON.stringify([key, id]));
    copy.change({ key, id, partition, position: 0, value: text === null ? null : topic.decode(value) });
  }

  await store.declare(topic);
  const unsubscribe = subscriptions.add(topic.name, follow);
  try {
    await store.scan(topic, ({ key, id, text }) => {
      if (changed?.has(JSON.stringify([key, id])) !== true) copy.set(key, id, topic.decode(JSON.parse(text)));
    });
  } catch (thrown) {
    unsubscribe();
    throw thrown;
  }
  changed = undefined;
  // Changes are told in the turn in which they become durable: the copy never lags.
  return copy.view({ refresh: () => Promise.resolve(), close: unsubscribe });
}
