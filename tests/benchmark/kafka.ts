import { join } from 'node:path';
import { startElasticsearch, startKafka } from '@millrace/testing/servers';
import type { ClusterOptions } from '../product/cluster.js';
import { onCluster, startBench, type Measure, type Stores } from './kafka-cluster.js';
import {
  executorFailOver,
  indexerFailOver,
  schedulerFailOver,
  webserverFailOver,
  workerFailOver,
} from './kafka-fail-over.js';
import { indexLag, lateness } from './kafka-lag.js';
import { loops, restore, shapes } from './kafka-large.js';
import { busyWorkers, fanOut, oneTask, steps } from './kafka-small.js';
import type { Backend, Measurement } from './measurements.js';
import { ended, rowOf } from './rows.js';

const LIMIT_SECONDS = 90;

/**
 * One real broker and one node of Elasticsearch; each measurement has a cluster of its own on them, whose servers are
 * processes of their own: one executor, worker, indexer and webserver, unless told otherwise.
 * @param logs a folder in which each measurement's servers leave what they print
 */
export function kafkaBackend(logs?: string): Backend {
  let running: Stores | undefined;
  const stores = (): Stores => {
    if (running === undefined) throw new Error('Kafka and Elasticsearch were not started');
    return running;
  };
  const optionsOf = (name: string, options: Omit<ClusterOptions, 'brokers'>): Omit<ClusterOptions, 'brokers'> => ({
    ...options,
    ...(logs === undefined ? {} : { logs: join(logs, name) }),
  });
  const on = (
    name: string,
    measure: Measure,
    options: Omit<ClusterOptions, 'brokers'> = {},
    limitSeconds = LIMIT_SECONDS,
  ): Measurement => ({ name, limitSeconds, rows: onCluster(stores, optionsOf(name, options), measure) });
  const coldStart: Measurement['rows'] = async function* (scope) {
    const from = performance.now();
    const { client } = await startBench(scope, stores(), optionsOf('cold-start', {}));
    await ended(client, 'inline');
    const seconds = (performance.now() - from) / 1_000;
    // The architecture's bound is for one process.
    const goal = { gate: Infinity, aim: Infinity, unit: 's', better: 'less' } as const;
    yield rowOf('cold start of four servers, topics and index to first ended execution', seconds, goal, { seconds });
  };
  return {
    times: 1,
    async prepare(scope) {
      const brokers = startKafka({ heapMegabytes: 1_024, optimised: true });
      const kafka = await scope.started(brokers, (servers) => servers.stop());
      const node = startElasticsearch({ heapMb: 512, optimised: true });
      const elasticsearch = await scope.started(node, (server) => server.stop());
      running = { brokers: kafka.addresses, elasticsearch: elasticsearch.url };
    },
    measurements: [
      { name: 'cold-start', limitSeconds: LIMIT_SECONDS, rows: coldStart },
      on('one-task', oneTask),
      on('steps', steps),
      on('fan-out', fanOut),
      on('shapes', shapes),
      on('loops', loops, {}, 180),
      on('busy-workers', busyWorkers, { workers: 2, workerSlots: 4 }),
      { name: 'index-lag', limitSeconds: 120, rows: indexLag(stores, optionsOf('index-lag', {})) },
      on('lateness', lateness, { schedulers: 1 }),
      on('fail-over-executor', executorFailOver, { executors: 2 }),
      on('fail-over-worker', workerFailOver, { workers: 2 }),
      on('fail-over-scheduler', schedulerFailOver, { schedulers: 2 }),
      on('fail-over-indexer', indexerFailOver, { indexers: 2 }),
      on('fail-over-webserver', webserverFailOver, { webservers: 2 }),
      on('restore', restore, { workers: 0 }, 240),
    ],
  };
}
