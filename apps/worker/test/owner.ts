import { join } from 'node:path';
import { Scope } from '@millrace/authorization';
import { outgoing } from '@millrace/model';
import { resourceProcessor, type ResourceEffect } from '@millrace/registry';
import { systemClock } from '@millrace/service';
import { createLocalStorage } from '@millrace/storage/local';
import { openWorkerResources, type WorkerResources } from '../src/services/resources.js';
import { topics, type Started } from './support.js';

export const MAIN = Scope.system('main');

/** Starts the owner of resources on a worker's queue; answers what another server changes them with. */
export async function startOwner({ queue: { queue }, directory }: Started): Promise<WorkerResources> {
  await queue.process({
    processor: resourceProcessor(topics),
    context: () => undefined,
    outgoing(effect: ResourceEffect) {
      if (effect.kind !== 'reply') throw new Error('Here are no flows that others would follow');
      return outgoing({ topic: topics.replies, key: effect.replyTo, value: effect.reply });
    },
  });
  return openWorkerResources({
    queue,
    topics,
    storage: createLocalStorage({ directory: join(directory, 'storage') }),
    instance: 'another-server',
    clock: systemClock,
    onLost(error) {
      throw error;
    },
  });
}
