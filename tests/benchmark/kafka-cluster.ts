import type { ProductClient } from '../product/client.js';
import { startCluster, type Cluster, type ClusterOptions } from '../product/cluster.js';
import { ended, FLOWS, type Row } from './rows.js';

/** @param options what the cluster was started with: a row may look into its topics */
export type Measure = (cluster: Cluster, client: ProductClient, options: ClusterOptions) => Promise<Row[]>;

/** Executions enough that every one of the four partitions has some. */
const EVERYWHERE = 24;

/** A fresh cluster with all flows of the benchmark. */
export async function onCluster(options: ClusterOptions, measure: Measure): Promise<Row[]> {
  const cluster = await startCluster({ sessionTimeout: 'PT6S', supervised: true, ...options });
  const client = cluster.client();
  try {
    for (const yaml of Object.values(FLOWS)) await client.save(yaml);
    return await measure(cluster, client, options);
  } finally {
    client.close();
    await cluster.stop();
  }
}

export async function untilAllPartitionsMove(client: ProductClient): Promise<void> {
  await Promise.all(Array.from({ length: EVERYWHERE }, () => ended(client, 'inline')));
}
