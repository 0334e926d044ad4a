import type { Topic } from '@millrace/model';
import type { Tail, TailOptions } from '../contract.js';
import type { QueueParts } from './process.js';

/** New records as they become durable. A listener that throws ends its own tail and nothing else. */
export async function openTail<Value>(
  parts: QueueParts,
  topic: Topic<Value>,
  options: TailOptions<Value>,
): Promise<Tail> {
  const { store, subscriptions } = parts;
  await store.declare(topic);
  const unsubscribe = subscriptions.add(topic.name, ({ key, id, text, value }) => {
    if (options.key !== undefined && options.key !== key) return;
    try {
      options.onRecord({ key, id, value: text === null ? null : topic.decode(value) });
    } catch (thrown) {
      unsubscribe();
      options.onError?.(thrown);
    }
  });
  return { close: unsubscribe };
}
