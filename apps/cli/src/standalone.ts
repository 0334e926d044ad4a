import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '@millrace/executor';
import { createTopics, newId, type Clock, type PlainObject, type Role, type Topics } from '@millrace/model';
import type { TaskTypeRegistry } from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import { createSqlQueue, type SqlQueueOptions } from '@millrace/queue/sql';
import type { Repository } from '@millrace/repository';
import { createSqlRepository } from '@millrace/repository/sql';
import {
  createHealth,
  createMetrics,
  startServices,
  serverVariables,
  type Configuration,
  type Environment,
  type Health,
  type InitialAccount,
  type Logger,
  type Service,
  type ServiceContext,
  type ServiceGroup,
} from '@millrace/service';
import type { Storage } from '@millrace/storage';
import { createLocalStorage } from '@millrace/storage/local';
import { createWebserver, type Webserver } from '@millrace/webserver';
import { createWorker, environmentSecrets } from '@millrace/worker';
import { installedTaskTypes } from './plugins.js';

export interface StandaloneOptions {
  readonly configuration: Configuration;
  /** Absolute path; must exist. */
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the process: variables and secrets for expressions come from it. */
  readonly environment: Environment;
  /** Of the product; shown by the API. */
  readonly version: string;
  /** Created when there is no account. */
  readonly initialAccount?: InitialAccount;
}

/** A running standalone server. */
export interface Standalone {
  readonly url: string;
  readonly group: ServiceGroup;
}

/** The embedded database, in the data folder. */
const DATABASE_FILE = 'millrace.db';
/** One partition of each kind: a single process with a single writer of the database gains nothing from more. */
const TOPIC_SIZES = { executionPartitions: 1, resourcePartitions: 1 } as const;
/** Part of the grace period is for what follows the running tasks: results, the last commit, connections. */
const STOP_RESERVE_MS = 5_000;

/**
 * Starts every server in this process. They talk only through the queue; this function knows them all, and is the only
 * one that does.
 *
 * @throws when a part cannot start; nothing is left running then
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { configuration, clock, log } = options;
  const metrics = createMetrics({ process: configuration.metrics.process });
  const contextOf = (role: Role): ServiceContext => ({
    // Each server is an instance of its own: it is seen, and lost, by itself.
    instance: newId(clock.now(), randomBytes(16)),
    clock,
    log: log.child({ server: role }),
    metrics,
  });
  const contexts = { executor: contextOf('executor'), worker: contextOf('worker'), webserver: contextOf('webserver') };
  const onlyInstances = Object.values(contexts).map(({ instance }) => instance);
  const health = createHealth();
  const topics = createTopics(TOPIC_SIZES);
  const { closing, ...adapters } = openAdapters(options, topics);
  const parts: Parts = {
    topics,
    registry: installedTaskTypes(),
    serverVariables: serverVariables(configuration, options.environment),
    ...adapters,
  };
  const executor = createExecutor({ ...parts, context: contexts.executor, onlyInstances });
  const worker = workerOf(parts, options, contexts.worker);
  const webserver = webserverOf(parts, options, { context: contexts.webserver, health });
  const group = await startServices([closing, executor, worker, webserver], { context: { clock, log }, health });
  return { url: webserver.url, group };
}

interface Adapters {
  readonly queue: Queue;
  readonly repository: Repository;
  readonly storage: Storage;
  /** Started first, so stopped last: closes the others when no server uses them any more. */
  readonly closing: Service;
}

interface Parts extends Omit<Adapters, 'closing'> {
  readonly topics: Topics;
  readonly registry: TaskTypeRegistry;
  readonly serverVariables: PlainObject;
}

function openAdapters({ configuration, dataFolder, clock }: StandaloneOptions, topics: Topics): Adapters {
  const file = join(dataFolder, DATABASE_FILE);
  const queue = createSqlQueue({ file, clock, topics: storedTopics(topics, configuration.worker.groupKey) });
  const repository = createSqlRepository({ file });
  const storage = createLocalStorage({
    directory: configuration.storage.local.basePath ?? join(dataFolder, 'storage'),
  });
  const closing: Service = {
    name: 'adapters',
    start: async () => undefined,
    stop: async () => {
      await Promise.all([repository.close(), storage.close()]);
      await queue.close();
    },
    failed: new Promise<never>(() => undefined),
  };
  return { queue, repository, storage, closing };
}

/** Every topic that one process needs, so that a data folder of another layout is refused at the start. */
function storedTopics({ jobs, ...topics }: Topics, group: string): NonNullable<SqlQueueOptions['topics']> {
  return [...Object.values(topics), jobs(group)];
}

function workerOf(parts: Parts, options: StandaloneOptions, context: ServiceContext): Service {
  const { configuration, dataFolder, environment } = options;
  const { slots = 2 * availableParallelism(), groupKey } = configuration.worker;
  return createWorker({
    ...parts,
    context,
    group: groupKey,
    slots,
    temporaryDirectory: join(dataFolder, 'tasks'),
    secrets: environmentSecrets(environment),
    stopTimeoutMs: Math.max(0, configuration.server.terminationGracePeriod - STOP_RESERVE_MS),
  });
}

function webserverOf(
  parts: Parts,
  { configuration, initialAccount, version }: StandaloneOptions,
  own: { readonly context: ServiceContext; readonly health: Health },
): Webserver {
  const { server, queue, repository, storage, url } = configuration;
  return createWebserver({
    ...parts,
    ...own,
    configuration: {
      host: server.host,
      port: server.port,
      queueType: queue.type,
      repositoryType: repository.type,
      storageType: storage.type,
      version,
      // Behind a proxy the product's own pages come from another address than the one that this process listens on.
      ...(url === undefined ? {} : { url }),
    },
    ...(initialAccount ? { initialAccount } : {}),
  });
}
