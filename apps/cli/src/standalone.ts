import { randomBytes } from 'node:crypto';
import { newId } from '@millrace/model';
import { createHealth, startServices, type ServiceGroup } from '@millrace/service';
import { openAdapters } from './adapters.js';
import { Servers, type ProcessOptions } from './servers.js';

/** A running standalone server. */
export interface Standalone {
  readonly url: string;
  readonly group: ServiceGroup;
}

/**
 * Starts every server in this process: on the embedded database, or on a cluster's Kafka beside others.
 *
 * @throws when a part cannot start; nothing is left running then
 */
export async function startStandalone(options: ProcessOptions): Promise<Standalone> {
  const { clock, log, configuration } = options;
  const instance = newId(clock.now(), randomBytes(16));
  const adapters = await openAdapters({ ...options, instance });
  const servers = new Servers(options, adapters);
  const contexts = {
    executor: servers.context('executor'),
    worker: servers.context('worker'),
    scheduler: servers.context('scheduler'),
    webserver: servers.context('webserver'),
  };
  const health = createHealth();
  try {
    // Only the embedded database belongs to one process.
    const onlyInstances =
      configuration.queue.type === 'sql' ? Object.values(contexts).map((context) => context.instance) : undefined;
    const executor = servers.executor(contexts.executor, onlyInstances);
    const webserver = await servers.webserver(contexts.webserver, health);
    // Beside others of the cluster: they share the work.
    const indexer = adapters.index === undefined ? [] : [await servers.indexer(servers.context('indexer'))];
    const services = [
      adapters.closing,
      executor,
      servers.worker(contexts.worker),
      servers.scheduler(contexts.scheduler),
      ...indexer,
      webserver,
    ];
    const group = await startServices(services, { context: { clock, log }, health });
    return { url: webserver.url, group };
  } catch (error) {
    await adapters.closing.stop();
    throw error;
  }
}
