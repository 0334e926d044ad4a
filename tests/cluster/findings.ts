import { FLOWS, pause, seededRandom } from '../product/workload.js';
import { startCluster, type Cluster, type ClusterOptions } from '../product/cluster.js';
import { check, CHECKED_TOPICS, endedExecutions, type Findings } from './checker.js';
import { startLoad, type Load } from './load.js';
import { readTopics, type TopicReader } from './topics.js';

const SEED = Number(process.env['CLUSTER_SEED'] ?? 1);
/** Longer than the session of an executor (3 s), and than the lease and grace of a worker (10 s). */
export const FROZEN = { executor: 6_000, worker: 13_000, webserver: 3_000 } as const;
/** When nothing was written for so long, what has not ended never will: retries of the workload come sooner. */
const SILENCE_MS = 12_000;
/** The checker's own reader may have to find another broker. */
export const SILENCE_WITHOUT_BROKER_MS = 60_000;

/** A cluster under load, and what lies in its topics. */
export interface Run {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly reader: TopicReader;
}

/** A cluster under load; `disturb` does what it wants; then everything must have ended, and the topics must be right. */
export async function findingsAfter(
  brokers: readonly string[],
  options: Partial<ClusterOptions>,
  disturb: (run: Run) => Promise<void>,
  silenceMs = SILENCE_MS,
): Promise<{ readonly findings: Findings; readonly load: Load }> {
  const cluster = await startCluster({ brokers, ...options });
  const reader = await readTopics(brokers, cluster.prefix, CHECKED_TOPICS);
  try {
    const client = cluster.client();
    for (const { yaml } of FLOWS) await client.save(yaml.trimStart());
    client.close();
    const load = startLoad(cluster, seededRandom(SEED), { clients: 4, pauseMs: 150 });
    try {
      await disturb({ cluster, load, reader });
    } finally {
      await load.stop();
    }
    await reader.until(() => {
      const ended = endedExecutions(reader.records);
      const isDone = [...load.acknowledged.keys()].every((id) => ended.has(id));
      return isDone || Date.now() - reader.lastAt() > silenceMs;
    });
    // Of what ended last, the answers to late results may still be on their way.
    await pause(500);
    return { findings: check(reader.records, load.acknowledged), load };
  } finally {
    await reader.close();
    await cluster.stop();
  }
}

/** Prints the figures of a run. */
export const tell = (what: string, { findings, load }: { readonly findings: Findings; readonly load: Load }): void => {
  const { executions, taskRuns, results, staleResults, violations } = findings;
  process.stdout.write(
    `${what}: ${load.acknowledged.size} acknowledged, ${load.refused} refused, ${executions} executions, ${taskRuns} task runs, ${results} results of which ${staleResults} were late, longest stall ${load.longestStallMs} ms, ${violations.length} violations\n`,
  );
};
