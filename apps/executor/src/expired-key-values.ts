import { randomBytes } from 'node:crypto';
import {
  keyParts,
  keyValueKey,
  LATEST,
  newId,
  outgoing,
  type Clock,
  type OutgoingRecord,
  type Resource,
  type Topics,
} from '@millrace/model';
import type { Queue, View } from '@millrace/queue';

/** When key-values that have expired are removed (`kv.purge-expired`). */
export interface ExpiredKeyValueSettings {
  readonly enabled: boolean;
  /** In milliseconds. */
  readonly initialDelay: number;
  /** In milliseconds. */
  readonly fixedDelay: number;
  /** Commands that are published together. */
  readonly batchSize: number;
}

export interface ExpiredKeyValueOptions {
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Topics;
  readonly resources: Pick<View<Resource>, 'keys' | 'get'>;
  readonly clock: Clock;
  /** Of the executor; nobody waits for the answers. */
  readonly instance: string;
  readonly settings: ExpiredKeyValueSettings;
  /** Told of a round that could not be ended; the next one begins anew. */
  readonly onError: (error: unknown) => void;
}

/**
 * Asks the owners of keys that have expired to remove them, from time to time. Each executor does: the owner looks again
 * before it removes, so a second request changes nothing.
 */
export function startPurgingExpired(options: ExpiredKeyValueOptions): { stop(): void } {
  const { clock, settings, onError } = options;
  let cancel: () => void = () => undefined;
  let stopped = false;
  const schedule = (delayMs: number): void => {
    if (stopped) return;
    cancel = clock.after(delayMs, () => {
      purgeOnce(options)
        .catch(onError)
        .finally(() => schedule(settings.fixedDelay));
    });
  };
  if (settings.enabled) schedule(settings.initialDelay);
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}

async function purgeOnce({ queue, topics, resources, clock, instance, settings }: ExpiredKeyValueOptions) {
  let batch: OutgoingRecord[] = [];
  for (const key of [...resources.keys()]) {
    if (!isExpired(resources.get(key, LATEST), key, clock.now())) continue;
    batch.push(
      outgoing({
        topic: topics.resourceCommands,
        key,
        value: {
          commandId: newId(clock.now(), randomBytes(16)),
          replyTo: instance,
          at: clock.now(),
          change: { kind: 'purge-key-value', whole: 'expired' },
        },
      }),
    );
    if (batch.length < settings.batchSize) continue;
    await queue.publish(batch);
    batch = [];
  }
  if (batch.length > 0) await queue.publish(batch);
}

function isExpired(resource: Resource | undefined, key: string, now: number): boolean {
  if (resource?.kind !== 'key-value' || keyParts(key)[1] !== 'kv') return false;
  const { tenant, namespace, key: name, expiresAt } = resource.keyValue;
  return expiresAt !== undefined && expiresAt <= now && key === keyValueKey(tenant, namespace, name);
}
