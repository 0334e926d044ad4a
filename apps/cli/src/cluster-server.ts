import { randomBytes } from 'node:crypto';
import { newId } from '@millrace/model';
import {
  createHealth,
  createManagementServer,
  startServices,
  type Service,
  type ServiceGroup,
} from '@millrace/service';
import { openAdapters } from './adapters.js';
import type { ClusterRole } from './cluster-roles.js';
import { CommandFailure, EXIT } from './exit-code.js';
import { noIndex } from './index-adapter.js';
import { Servers, type ProcessOptions } from './servers.js';

/** One server of a cluster, running. */
export interface ClusterServer {
  /** Of the API (webserver), else of health and metrics. */
  readonly url: string;
  readonly instance: string;
  readonly group: ServiceGroup;
}

/**
 * Starts one server of a cluster in this process; there may be any number of each.
 *
 * @throws CommandFailure 2 on the embedded database, which is one process's; an indexer without an index to keep
 */
export async function startClusterServer(role: ClusterRole, options: ProcessOptions): Promise<ClusterServer> {
  const { configuration, clock, log } = options;
  if (configuration.queue.type === 'sql') {
    throw new CommandFailure(
      EXIT.usage,
      `'server ${role}' is one of several processes, and the embedded database is for one: set queue.type to 'kafka' and kafka.brokers, or start 'server standalone'`,
    );
  }
  if (role === 'indexer' && configuration.repository.type !== 'elasticsearch') throw noIndex('server indexer');
  const health = createHealth();
  const instance = newId(clock.now(), randomBytes(16));
  const adapters = await openAdapters({ ...options, instance });
  try {
    const servers = new Servers(options, adapters);
    const context = { ...servers.context(role), instance };
    const { host, managementPort } = configuration.server;
    if (role === 'webserver') {
      const webserver = await servers.webserver(context, health);
      const group = await startServices([adapters.closing, webserver], { context: { clock, log }, health });
      return { url: webserver.url, instance, group };
    }
    const management = createManagementServer({ host, port: managementPort, health, metrics: servers.metrics });
    const service: Service = role === 'indexer' ? await servers.indexer(context) : servers[role](context);
    const group = await startServices([adapters.closing, management, service], { context: { clock, log }, health });
    return { url: management.url, instance, group };
  } catch (error) {
    await adapters.closing.stop();
    throw error;
  }
}
