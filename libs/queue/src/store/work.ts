import type { WorkOptions } from '../contract.js';
import { startJobLoop, type Working } from '../shell/job-loop.js';
import type { QueueParts } from './process.js';

/** Takes jobs of `options.topic` from the store. */
export async function startWorking(
  { store, subscriptions, clock }: QueueParts,
  options: WorkOptions,
): Promise<Working> {
  const { topic } = options;
  await store.declare(topic);
  const source = {
    take: (limit: number, claim: Parameters<typeof store.takeJobs>[2]) => store.takeJobs(topic, limit, claim),
    publish: (records: Parameters<typeof store.publish>[0]) => store.publish(records),
    onJobs: (listener: () => void) => subscriptions.add(topic.name, listener),
  };
  return startJobLoop(source, clock, options);
}
