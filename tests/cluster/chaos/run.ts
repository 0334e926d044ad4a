import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ElasticsearchServer, KafkaServers } from '@millrace/testing/servers';
import { startCluster, type Cluster } from '../../product/cluster.js';
import { pause, seededRandom } from '../../product/workload.js';
import { checkTicks } from '../ticks.js';
import { ServerFaults, type Fault } from './faults.js';
import { CHAOS_FLOWS, TICK_FLOWS } from './flows.js';
import { disturbStores } from './stores.js';
import { startOperator } from './operator.js';
import { reportOf, type ChaosReport } from './report.js';
import { startSteadyLoad } from './steady-load.js';
import { startWatch, type Watch } from './watch.js';

export interface ChaosOptions {
  readonly kafka: KafkaServers;
  readonly elasticsearch?: ElasticsearchServer;
  readonly seed: number;
  /** How long servers are killed. */
  readonly durationMs: number;
  /** Executions that are begun each second, besides three schedules. */
  readonly perSecond: number;
  readonly everyMs: number;
  /** Elasticsearch is down for so long, in the middle. */
  readonly outageMs: number;
  /** Is told what happens, a line each. */
  readonly tell: (line: string) => void;
}

/** Nothing was written for so long: what has not ended never will. Longer than a lease, a session and a broker's return. */
const SILENCE_MS = 60_000;

/** A cluster under load whose servers are killed and frozen; afterwards everything must have ended, and be right. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { kafka, elasticsearch, seed, tell } = options;
  const logs = await mkdtemp(join(tmpdir(), 'millrace-chaos-logs-'));
  tell(`seed ${seed}; logs of the servers: ${logs}`);
  const cluster = await startCluster({
    brokers: kafka.addresses,
    replicationFactor: kafka.brokers.length,
    schedulers: 2,
    workerSlots: 16,
    logs,
    supervised: true,
    ...(elasticsearch === undefined ? {} : { elasticsearch: [elasticsearch.url], indexers: 2 }),
  });
  let watch: Watch | undefined;
  try {
    watch = await startWatch(kafka.addresses, cluster.prefix, elasticsearch !== undefined);
    return await disturbed(options, { cluster, watch, logs });
  } catch (error) {
    for (const member of cluster.members)
      tell(`--- ${member.name}:\n${member.output().split('\n').slice(-8).join('\n')}`);
    throw error;
  } finally {
    await watch?.reader.close();
    await cluster.stop();
  }
}

interface Running {
  readonly cluster: Cluster;
  readonly watch: Watch;
  readonly logs: string;
}

async function disturbed(options: ChaosOptions, { cluster, watch, logs }: Running): Promise<ChaosReport> {
  const { seed, durationMs, perSecond, everyMs, tell, elasticsearch } = options;
  // Each on its own: how long one takes must not change what another draws.
  const randomOf = (of: number): (() => number) => seededRandom(seed * 7 + of);
  const client = cluster.client();
  for (const { yaml } of [...[...CHAOS_FLOWS].reverse(), ...TICK_FLOWS]) await client.save(yaml.trimStart());
  client.close();
  const operator = startOperator(cluster, randomOf(1));
  watch.also((record) => operator.see(record));
  const load = startSteadyLoad(cluster, randomOf(2), perSecond);
  const from = Date.now();
  const onFault = ({ at, name, how }: Fault): void => tell(`${((at - from) / 1_000).toFixed(1)} s: ${name} is ${how}`);
  const failedStarts: string[] = [];
  const servers = new ServerFaults({
    cluster,
    random: randomOf(3),
    everyMs,
    sparesWorkers: () => watch.isAtLossLimit(),
    onFault,
    onFailedStart: (name, error) => {
      failedStarts.push(name);
      tell(
        `${((Date.now() - from) / 1_000).toFixed(1)} s: ${name} ended while it started: ${String(error).slice(0, 600)}`,
      );
    },
  });
  const stores = disturbStores(options, watch.progress, onFault);
  await pause(durationMs);
  await Promise.all([servers.stop(), stores.done]);
  const killedMs = Date.now() - from;
  await load.stop();
  // No flow is due any more.
  for (const { disabled } of TICK_FLOWS) await saved(cluster, disabled);
  await watch.reader.until(() => {
    const quietMs = Date.now() - watch.reader.lastAt();
    const isAllThere = [...load.acknowledged.keys()].every((id) => watch.checker.heads.has(id));
    return (isAllThere && watch.checker.open.size === 0 && quietMs > 2_000) || quietMs > SILENCE_MS;
  });
  await operator.stop();
  const endedAt = Date.now();
  if (elasticsearch !== undefined)
    await watch.reader.until(() => watch.progress.pending === 0 || Date.now() - endedAt > SILENCE_MS);
  return reportOf({
    options,
    killedMs,
    faults: [...servers.faults, ...stores.faults].sort((one, other) => one.at - other.at),
    load,
    operator,
    watch,
    findings: watch.checker.finish(load.acknowledged),
    ticks: checkTicks(
      watch.ticks,
      TICK_FLOWS.map(({ id }) => id),
    ),
    catchUpMs: stores.catchUpMs(),
    index: elasticsearch === undefined ? undefined : await watch.index.compare(elasticsearch.url, cluster.prefix),
    failedStarts,
    logs,
  });
}

/** Saves a flow through whichever webserver answers. Not deleted: what was due a moment ago must still find its flow. */
async function saved(cluster: Cluster, yaml: string): Promise<void> {
  for (let turn = 0; ; turn++) {
    const client = cluster.client(turn);
    try {
      await client.save(yaml);
      return;
    } catch (error) {
      if (turn > 20) throw error;
    } finally {
      client.close();
    }
    await pause(500);
  }
}
