import type { WorkOptions } from '../contract.js';
import { startJobLoop, type JobSource, type Working } from '../shell/job-loop.js';
import type { QueueParts } from './process.js';

/** Takes jobs of `options.topic` from the store. */
export async function startWorking(
  { store, subscriptions, clock }: QueueParts,
  options: WorkOptions,
): Promise<Working> {
  const { topic } = options;
  await store.declare(topic);
  const source: JobSource = {
    take: (limit, claim, accept) => store.takeJobs(topic, limit, claim, accept),
    publish: (records) => store.publish(records),
    onJobs: (listener) => subscriptions.add(topic.name, listener),
  };
  return startJobLoop(source, clock, options);
}
