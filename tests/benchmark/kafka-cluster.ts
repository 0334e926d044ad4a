import { readTopics, type TopicReader, type TopicRecord } from '../cluster/topics.js';
import type { ProductClient } from '../product/client.js';
import { startCluster, type Cluster, type ClusterOptions } from '../product/cluster.js';
import type { Measurement } from './measurements.js';
import { ended, FLOWS, temporaryFolder, type Row } from './rows.js';
import type { Scope } from './scope.js';

/** What all clusters of a run share. */
export interface Stores {
  readonly brokers: readonly string[];
  readonly elasticsearch: string;
}

/** A fresh cluster with all flows of the benchmark, until the measurement's end. */
export interface Bench {
  readonly cluster: Cluster;
  /** Of the first webserver. */
  readonly client: ProductClient;
  /** A client with connections of its own: what it waits for holds nobody else up. */
  clientOf(webserver: number): Promise<ProductClient>;
  /** Hands on what is in topics, from their beginning on. */
  read(names: readonly string[], onRecord: (record: TopicRecord) => void): Promise<TopicReader>;
  /** Begins so many executions each second, evenly, until it is stopped. */
  beginLoad(options: LoadOptions): Promise<RunningLoad>;
}

export interface LoadOptions {
  readonly flowId: string;
  readonly perSecond: number;
  /** Default: the first one. */
  readonly webserver?: number;
}

export interface RunningLoad {
  /** Begins no more; answers how many there were when all have ended. @throws Error when one did not succeed */
  stop(): Promise<number>;
}

export type Measure = (bench: Bench) => AsyncIterable<Row>;

/** One of each, unless told otherwise. Groups notice after 6 s that a server is gone. */
export async function startBench(
  scope: Scope,
  stores: Stores,
  options: Omit<ClusterOptions, 'brokers'>,
): Promise<Bench> {
  const { brokers, elasticsearch } = stores;
  const starting = startCluster({
    brokers,
    elasticsearch: [elasticsearch],
    executors: 1,
    workers: 1,
    webservers: 1,
    sessionTimeout: 'PT6S',
    supervised: true,
    folder: await temporaryFolder(scope),
    ...options,
  });
  const cluster = await scope.started(starting, (started) => started.stop());
  const clientOf = async (webserver: number): Promise<ProductClient> => {
    const client = cluster.client(webserver);
    await scope.defer(() => client.close());
    return client;
  };
  const client = await clientOf(0);
  for (const yaml of Object.values(FLOWS)) await client.save(yaml);
  return {
    cluster,
    client,
    clientOf,
    async read(names, onRecord) {
      const reader = await readTopics(brokers, cluster.prefix, names, onRecord);
      await scope.defer(() => reader.close());
      return reader;
    },
    async beginLoad({ flowId, perSecond, webserver = 0 }) {
      const load = new SteadyLoad(await clientOf(webserver), flowId, perSecond);
      await scope.defer(() => load.end());
      return load;
    },
  };
}

/** How often the load looks whether an execution is due. */
const LOOK_MS = 5;

class SteadyLoad implements RunningLoad {
  readonly #executions: Promise<unknown>[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(client: ProductClient, flowId: string, perSecond: number) {
    const from = performance.now();
    this.#timer = setInterval(() => {
      // Those as well that were due while this process had no turn.
      const due = Math.floor(((performance.now() - from) * perSecond) / 1_000);
      while (this.#executions.length < due) {
        // An error is kept for `stop`.
        this.#executions.push(ended(client, flowId).catch((error: unknown) => new Failed(error)));
      }
    }, LOOK_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async stop(): Promise<number> {
    this.end();
    const failed = (await Promise.all(this.#executions)).find((one) => one instanceof Failed);
    if (failed !== undefined) throw new Error('An execution of the load failed', { cause: failed.error });
    return this.#executions.length;
  }
}

class Failed {
  constructor(readonly error: unknown) {}
}

/** What is measured on a cluster of its own. */
export const onCluster = (
  stores: () => Stores,
  options: Omit<ClusterOptions, 'brokers'>,
  measure: Measure,
): Measurement['rows'] =>
  async function* (scope) {
    yield* measure(await startBench(scope, stores(), options));
  };

/** Executions enough that every one of the four partitions has some. */
const EVERYWHERE = 24;

export async function untilAllPartitionsMove(client: ProductClient): Promise<void> {
  await Promise.all(Array.from({ length: EVERYWHERE }, () => ended(client, 'inline')));
}
