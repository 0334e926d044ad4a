import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterState, createTopics, type Clock, type TopicSizes, type Topics } from '@millrace/model';
import type { Queue } from '@millrace/queue';
import { createSqlQueue, type SqlQueueOptions } from '@millrace/queue/sql';
import type { Repository } from '@millrace/repository';
import { createSqlRepository } from '@millrace/repository/sql';
import type { Configuration, Logger, Service } from '@millrace/service';
import type { Storage } from '@millrace/storage';
import { createLocalStorage } from '@millrace/storage/local';
import { followCluster } from './cluster-state.js';
import { openIndex, openIndexPart, type IndexAdapter } from './index-adapter.js';
import { kafkaConnectionOf } from './kafka-options.js';

/** What the servers of a process share: queue, repository, storage. */
export interface Adapters {
  readonly topics: Topics;
  readonly queue: Queue;
  readonly storage: Storage;
  /** Opened when a server needs it: a webserver at its start, a worker when a task first searches. */
  repository(): Promise<Repository>;
  /** With `repository.type: elasticsearch`: what an indexer writes to. */
  readonly index?: IndexAdapter;
  /** Started first, so stopped last: closes the others when no server uses them any more. */
  readonly closing: Service;
}

export interface AdapterOptions {
  readonly configuration: Configuration;
  /** Absolute path; must exist. */
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the process: tells it apart from others in the cluster. */
  readonly instance: string;
  /** Of the product. */
  readonly version: string;
  readonly broken?: BrokenRule;
}

/** A rule of the protocols that is left out: only tests do, to show that their checks would notice. */
export type BrokenRule = 'no-fencing' | 'position-outside-transaction' | 'no-claim-token';

/** The embedded database, in the data folder. */
const DATABASE_FILE = 'millrace.db';
/** One partition of each kind: a single process with a single writer of the database gains nothing from more. */
const EMBEDDED_SIZES: TopicSizes = { executionPartitions: 1, resourcePartitions: 1 };
/** Of the topics keyed by resource: changes are rare, and each partition has a writer of its own. */
const RESOURCE_PARTITIONS = 4;

/**
 * Opens what `queue.type` says.
 * @throws QueueError with one sentence when it cannot be used
 */
export function openAdapters(options: AdapterOptions): Promise<Adapters> {
  const { type } = options.configuration.queue;
  switch (type) {
    case 'sql':
      return openEmbedded(options);
    case 'kafka':
      return openKafka(options);
    default:
      return type satisfies never;
  }
}

async function openEmbedded(options: AdapterOptions): Promise<Adapters> {
  const { configuration, dataFolder, clock } = options;
  const topics = createTopics(EMBEDDED_SIZES);
  const file = join(dataFolder, DATABASE_FILE);
  const queue = createSqlQueue({ file, clock, topics: usedTopics(topics, configuration) });
  return assemble(options, topics, queue, undefined, async () => createSqlRepository({ file }));
}

async function openKafka(options: AdapterOptions): Promise<Adapters> {
  const { configuration, dataFolder, clock, log, instance, version, broken } = options;
  const wantedPartitions = configuration.kafka.partitions;
  // What the configuration says counts for topics that do not exist yet; else it is a proposal.
  const cluster = new ClusterState(wantedPartitions, { toBeTold: true });
  const topics = createTopics({ executionPartitions: cluster, resourcePartitions: RESOURCE_PARTITIONS });
  // The client is loaded only where it is used: the embedded product starts without it.
  const { createKafkaQueue } = await import('@millrace/queue/kafka');
  const queue = await createKafkaQueue(
    {
      ...kafkaConnectionOf(configuration),
      clock,
      instance,
      topics: usedTopics(topics, configuration),
      log,
    },
    broken === 'no-fencing' ? { broken } : {},
  );
  const index = configuration.repository.type === 'elasticsearch' ? openIndex(configuration, queue) : undefined;
  let failCluster: (error: unknown) => void = () => undefined;
  const left = new Promise<never>((_resolve, reject) => (failCluster = reject));
  try {
    await followCluster({
      queue,
      topics,
      cluster,
      wantedPartitions,
      version,
      log,
      onError: failCluster,
    });
  } catch (thrown) {
    await queue.close();
    throw thrown;
  }
  const adapters = assemble(options, topics, queue, index, async (fail) => {
    const { openIndexedOverlay, openOverlay } = await import('@millrace/repository/overlay');
    const folder = join(dataFolder, 'overlay');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const shared = { queue, topics, folder, clock, log, onError: fail };
    if (configuration.repository.type !== 'elasticsearch') return openOverlay(shared);
    return openIndexedOverlay({ ...shared, index: await openIndexPart(configuration) });
  });
  left.catch(adapters.fail);
  return adapters;
}

/** Every topic that the servers use, so that an installation of another layout is refused at the start. */
function usedTopics({ jobs, ...topics }: Topics, { worker }: Configuration): NonNullable<SqlQueueOptions['topics']> {
  return [...Object.values(topics), jobs(worker.groupKey)];
}

function assemble(
  { configuration, dataFolder }: AdapterOptions,
  topics: Topics,
  queue: Queue,
  index: IndexAdapter | undefined,
  openRepository: (fail: (error: unknown) => void) => Promise<Repository>,
): Adapters & { readonly fail: (error: unknown) => void } {
  const storage = createLocalStorage({
    directory: configuration.storage.local.basePath ?? join(dataFolder, 'storage'),
  });
  let repository: Promise<Repository> | undefined;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  failed.catch(() => undefined);
  const closing: Service = {
    name: 'adapters',
    failed,
    start: async () => undefined,
    async stop() {
      const opened = await repository?.catch(() => undefined);
      await Promise.all([opened?.close(), index?.close(), storage.close()]);
      await queue.close();
    },
  };
  const open = (): Promise<Repository> => {
    const opening = openRepository(fail);
    // Who asks after a failure tries anew.
    opening.catch(() => (repository = undefined));
    return opening;
  };
  return { topics, queue, storage, closing, fail, repository: () => (repository ??= open()), ...(index && { index }) };
}
