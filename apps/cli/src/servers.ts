import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '@millrace/executor';
import { keepTemplates } from '@millrace/expression';
import { newId, type Clock, type Role } from '@millrace/model';
import { createScheduler } from '@millrace/scheduler';
import {
  createMetrics,
  expressionSettings,
  serverVariables,
  type Configuration,
  type Environment,
  type Health,
  type InitialAccount,
  type Logger,
  type Metrics,
  type Service,
  type ServiceContext,
} from '@millrace/service';
import { createWebserver, type Webserver } from '@millrace/webserver';
import { createWorker, environmentSecrets, type ExpressionServices } from '@millrace/worker';
import type { Adapters, BrokenRule } from './adapters.js';
import { noIndex } from './index-adapter.js';
import { executionRetention } from './execution-retention.js';
import { installedTaskTypes } from './plugins.js';

/** What a process is started with. */
export interface ProcessOptions {
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
  /** Only tests set it. */
  readonly broken?: BrokenRule;
}

/** Part of the grace period is for what follows the running tasks: results, the last commit, connections. */
const STOP_RESERVE_MS = 5_000;

/** Makes the servers of one process; they talk only through the queue. */
export class Servers {
  readonly metrics: Metrics;
  readonly #options: ProcessOptions;
  readonly #adapters: Adapters;
  readonly #registry = installedTaskTypes();

  constructor(options: ProcessOptions, adapters: Adapters) {
    this.#options = options;
    this.#adapters = adapters;
    // One cache for all servers of the process.
    keepTemplates(expressionSettings(options.configuration).cacheSize);
    this.metrics = createMetrics({ process: options.configuration.metrics.process });
  }

  /** Each server is an instance of its own: it is seen, and lost, by itself. */
  context(role: Role): ServiceContext {
    const { clock, log, version } = this.#options;
    return {
      instance: newId(clock.now(), randomBytes(16)),
      clock,
      log: log.child({ server: role }),
      metrics: this.metrics,
      version,
    };
  }

  /** @param onlyInstances of a process that owns its data folder alone: all others on record are lost */
  executor(context: ServiceContext, onlyInstances?: readonly string[]): Service {
    const { broken, configuration } = this.#options;
    const retention = executionRetention(configuration);
    return createExecutor({
      ...this.#shared(),
      context,
      pluginDefaults: this.#options.configuration.plugins.defaults,
      templates: this.#options.configuration.templates.enabled,
      expiredKeyValues: this.#options.configuration.kv.purgeExpired,
      ...(configuration.queue.type === 'kafka'
        ? { cluster: { wantedPartitions: configuration.kafka.partitions } }
        : {}),
      ...(onlyInstances === undefined ? {} : { onlyInstances, ownWorkerGroup: configuration.worker.groupKey }),
      ...(retention && { retention }),
      ...(broken === undefined || broken === 'no-fencing' ? {} : { broken }),
    });
  }

  worker(context: ServiceContext): Service {
    const { configuration, dataFolder, environment } = this.#options;
    const { slots = 2 * availableParallelism(), groupKey } = configuration.worker;
    return createWorker({
      ...this.#shared(),
      context,
      storage: this.#adapters.storage,
      group: groupKey,
      slots,
      temporaryDirectory: join(dataFolder, 'tasks'),
      localFilePaths: configuration.localFiles.allowedPaths ?? [],
      secrets: environmentSecrets(environment),
      repository: () => this.#adapters.repository(),
      expressionServices: this.#expressionServices(),
      stopTimeoutMs: Math.max(0, configuration.server.terminationGracePeriod - STOP_RESERVE_MS),
    });
  }

  scheduler(context: ServiceContext): Service {
    const { plugins } = this.#options.configuration;
    return createScheduler({ ...this.#shared(), context, pluginDefaults: plugins.defaults });
  }

  /** @throws CommandFailure 2 without `repository.type: elasticsearch`; RepositoryError when Elasticsearch cannot be used */
  async indexer(context: ServiceContext): Promise<Service> {
    const { topics, index } = this.#adapters;
    if (index === undefined) throw noIndex('server indexer');
    const { indexer, elasticsearch } = this.#options.configuration;
    // Loaded only where there is an index.
    const { createIndexer } = await import('@millrace/indexer');
    return createIndexer({
      queue: index.queue,
      topics,
      open: (generation) => index.open(generation),
      context,
      batchSize: indexer.batchSize,
      refreshIntervalMs: indexer.refreshInterval,
      retention: elasticsearch.retention,
    });
  }

  async webserver(context: ServiceContext, health: Health): Promise<Webserver> {
    const { configuration, initialAccount, version } = this.#options;
    const { server, queue, repository, storage, url } = configuration;
    return createWebserver({
      ...this.#shared(),
      context,
      health,
      storage: this.#adapters.storage,
      repository: await this.#adapters.repository(),
      configuration: {
        host: server.host,
        port: server.port,
        queueType: queue.type,
        repositoryType: repository.type,
        storageType: storage.type,
        version,
        templates: configuration.templates.enabled,
        pluginDefaults: configuration.plugins.defaults,
        // Behind a proxy the product's own pages come from another address than the one that this process listens on.
        ...(url === undefined ? {} : { url }),
      },
      ...(initialAccount ? { initialAccount } : {}),
    });
  }

  #expressionServices(): ExpressionServices {
    const { encryptionKey, recursiveRendering } = expressionSettings(this.#options.configuration);
    return {
      ...(encryptionKey === undefined ? {} : { encryptionKey: encryptionKey.reveal() }),
      recursive: recursiveRendering,
    };
  }

  #shared() {
    const { queue, topics } = this.#adapters;
    const { configuration, environment } = this.#options;
    return {
      queue,
      topics,
      registry: this.#registry,
      serverVariables: serverVariables(configuration, environment),
      expressions: expressionSettings(configuration),
    };
  }
}
