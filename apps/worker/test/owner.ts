import { join } from 'node:path';
import { Scope } from '@millrace/authorization';
import { flowKey, keyOf, outgoing as record, type OutgoingRecord } from '@millrace/model';
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
    outgoing,
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

function outgoing(effect: ResourceEffect): OutgoingRecord {
  if (effect.kind === 'reply') return record({ topic: topics.replies, key: effect.replyTo, value: effect.reply });
  // Nothing here waits for the end of the maintenance mode.
  if (effect.kind === 'maintenance-ended') throw new Error('No test of a task leaves maintenance mode');
  const { tenant, namespace, flowId } = effect.event;
  return effect.kind === 'slot-limit-changed'
    ? record({ topic: topics.flowEvents, key: flowKey(tenant, namespace, flowId), value: effect.event })
    : record({ topic: topics.triggerEvents, key: keyOf(tenant, namespace, flowId), value: effect.event });
}
