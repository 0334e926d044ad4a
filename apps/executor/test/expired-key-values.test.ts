import { createTopics, keyValueKey, outgoing, type Resource, type ResourceChange } from '@millrace/model';
import { createMemoryQueue } from '@millrace/queue/memory';
import { createVirtualClock } from '@millrace/testing';
import { resourceDefinition } from '../src/index.js';
import { startPurgingExpired } from '../src/expired-key-values.js';

const topics = createTopics({ executionPartitions: 1, resourcePartitions: 2 });
const settings = { enabled: true, initialDelay: 1_000, fixedDelay: 1_000, batchSize: 2 };

it('keys that have expired are removed, and no others', async () => {
  const clock = createVirtualClock({ start: 1_000_000 });
  const pass = (ms: number) => clock.runUntil(() => false, clock.now() + ms);
  const queue = createMemoryQueue({ clock });
  const owner = await queue.process(resourceDefinition(topics));
  const resources = await queue.view(topics.resources);
  const set = (key: string, ttlMs?: number) => {
    const change: ResourceChange = {
      kind: 'set-key-value',
      tenant: 'main',
      namespace: 'team',
      key,
      type: 'STRING',
      value: key,
      overwrite: true,
      ...(ttlMs === undefined ? {} : { ttlMs }),
    };
    const value = { commandId: key, replyTo: 'test', at: clock.now(), change };
    return outgoing({ topic: topics.resourceCommands, key: keyValueKey('main', 'team', key), value });
  };
  await queue.publish([set('stays'), set('a', 500), set('b', 500), set('c', 500), set('later', 1_500)]);
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const purging = startPurgingExpired({ queue, topics, resources, clock, instance: 'e', settings, onError });
  const left = (): string[] =>
    [...resources.keys()]
      .flatMap((key) => [...resources.records(key).values()])
      .flatMap((record: Resource) => (record.kind === 'key-value' ? [record.keyValue.key] : []))
      .filter((key, index, all) => all.indexOf(key) === index)
      .sort();
  await pass(900);
  expect(left()).toEqual(['a', 'b', 'c', 'later', 'stays']);
  await pass(600);
  expect(left()).toEqual(['later', 'stays']);
  await pass(1_200);
  expect(left()).toEqual(['stays']);
  expect(errors).toEqual([]);
  purging.stop();
  resources.close();
  await owner.close();
  await queue.close();
});
