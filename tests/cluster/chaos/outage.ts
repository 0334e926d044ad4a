import type { ElasticsearchServer, KafkaServers } from '@millrace/testing/servers';
import { startCluster, type Cluster } from '../../product/cluster.js';
import { ACCOUNT, residentBytes } from '../../product/server.js';
import { pause, seededRandom } from '../../product/workload.js';
import { plain, text } from '../plain.js';
import { CHAOS_FLOWS, TICK_FLOWS } from './flows.js';
import { startOperator } from './operator.js';
import { startSteadyLoad } from './steady-load.js';
import { startWatch, type Watch } from './watch.js';

export interface OutageOptions {
  readonly kafka: KafkaServers;
  readonly elasticsearch: ElasticsearchServer;
  readonly seed: number;
  readonly perSecond: number;
  /** Elasticsearch is stopped for so long; before it and after it the cluster runs a quarter of that, at least 20 s. */
  readonly outageMs: number;
  readonly tell: (line: string) => void;
}

/** What was measured in one part of the run. */
interface Phase {
  readonly name: 'before' | 'during' | 'after';
  readonly seconds: number;
  readonly executionsPerSecond: number;
  readonly datesPerSecond: number;
  /** Median of the webservers' answers to a start, in milliseconds. */
  readonly answerP50: number;
  /** An execution that was started was followed live to its end. */
  readonly isFollowed: boolean;
  /** An execution that had ended before all phases is shown by its id, by every webserver. */
  readonly isShown: boolean;
  /** What a list said of being behind; undefined: nothing. */
  readonly indexBehind: unknown;
  /** Of each server at the end, in MB. */
  readonly rssMb: Readonly<Record<string, number>>;
}

export interface OutageReport {
  readonly phases: readonly Phase[];
  /** From the return of Elasticsearch. */
  readonly caughtUpSeconds: number;
  readonly violations: readonly string[];
  readonly shortcomings: readonly string[];
  readonly text: string;
}

const CAUGHT_UP_MS = 2_000;
const CATCH_UP_LIMIT_MS = 600_000;
const SILENCE_MS = 30_000;
/** Rates of the three parts may differ by chance, and by the work of catching up. */
const RATE_LOSS_MAX = 0.15;
const GROWTH_MB_MAX = 150;

/** Elasticsearch is stopped under a steady load, and comes back; executions, schedules and live following do not care. */
export async function runOutage(options: OutageOptions): Promise<OutageReport> {
  const { kafka, elasticsearch, outageMs, seed, tell } = options;
  const cluster = await startCluster({
    brokers: kafka.addresses,
    schedulers: 2,
    indexers: 2,
    workerSlots: 16,
    elasticsearch: [elasticsearch.url],
    supervised: true,
  });
  let watch: Watch | undefined;
  try {
    watch = await startWatch(kafka.addresses, cluster.prefix, true);
    const client = cluster.client();
    for (const { yaml } of [...[...CHAOS_FLOWS].reverse(), ...TICK_FLOWS]) await client.save(yaml.trimStart());
    const operator = startOperator(cluster, seededRandom(seed));
    watch.also((record) => operator.see(record));
    const load = startSteadyLoad(cluster, seededRandom(seed + 1), options.perSecond);
    const around = Math.max(20_000, outageMs / 4);
    const { id: first } = await client.start('branches', { wait: true });
    const measure = phaseOf(cluster, watch, load, first);
    await pause(10_000);
    const before = await measure('before', around);
    tell('Elasticsearch is killed');
    await elasticsearch.kill();
    const during = await measure('during', outageMs);
    await elasticsearch.restart();
    const backAt = Date.now();
    tell('Elasticsearch is back');
    while (watch.progress.behindMs(Date.now()) > CAUGHT_UP_MS && Date.now() - backAt < CATCH_UP_LIMIT_MS)
      await pause(200);
    const caughtUpSeconds = (Date.now() - backAt) / 1_000;
    const after = await measure('after', around);
    await load.stop();
    for (const { disabled } of TICK_FLOWS) await client.save(disabled);
    client.close();
    const { reader, checker } = watch;
    await reader.until(() => {
      const quietMs = Date.now() - reader.lastAt();
      return (checker.open.size === 0 && quietMs > 2_000) || quietMs > SILENCE_MS;
    });
    await operator.stop();
    const { violations } = checker.finish(load.acknowledged);
    const report = reportOf([before, during, after], caughtUpSeconds, violations);
    if (operator.refused === 0) return report;
    const refused = `${operator.refused} requests to resume, kill or restart were refused`;
    return { ...report, shortcomings: [...report.shortcomings, refused], text: `${report.text}${refused}\n` };
  } finally {
    await watch?.reader.close();
    await cluster.stop();
  }
}

function phaseOf(
  cluster: Cluster,
  { checker, ticks }: Watch,
  load: ReturnType<typeof startSteadyLoad>,
  first: string,
): (name: Phase['name'], ms: number) => Promise<Phase> {
  const ended = (): number => checker.heads.size - checker.open.size;
  const dates = (): number => ticks.filter(({ topic }) => topic === 'execution-events').length;
  return async (name, ms) => {
    const from = { at: Date.now(), ended: ended(), dates: dates(), answers: load.answers.length };
    await pause(ms / 2);
    const isFollowed = await follows(cluster);
    const isShown = await shows(cluster, first);
    const indexBehind = await behindOf(cluster);
    await pause(Math.max(0, from.at + ms - Date.now()));
    const seconds = (Date.now() - from.at) / 1_000;
    const answers = load.answers.slice(from.answers).map((answer) => answer.ms);
    answers.sort((one, other) => one - other);
    const rssMb: Record<string, number> = {};
    for (const { name: server, pid } of cluster.members)
      rssMb[server] = Math.round((await residentBytes(pid)) / 1024 / 1024);
    return {
      name,
      seconds,
      executionsPerSecond: (ended() - from.ended) / seconds,
      datesPerSecond: (dates() - from.dates) / seconds,
      answerP50: Math.round(answers[Math.floor(answers.length / 2)] ?? NaN),
      isFollowed,
      isShown,
      indexBehind,
      rssMb,
    };
  };
}

/** Starts one and follows it (SSE) at the other webserver to its end. */
async function follows(cluster: Cluster): Promise<boolean> {
  const [one, other] = [cluster.client(0), cluster.client(1)];
  try {
    const { id } = await one.start('branches', { wait: false });
    const { text: followed } = await other.send('GET', `/executions/${id}/follow`);
    return followed.includes('id: end') && followed.slice(followed.indexOf('id: end')).includes('"current":"SUCCESS"');
  } finally {
    one.close();
    other.close();
  }
}

async function shows(cluster: Cluster, id: string): Promise<boolean> {
  const clients = cluster.of('webserver').map((_server, at) => cluster.client(at));
  try {
    const answers = await Promise.all(clients.map((client) => client.send('GET', `/executions/${id}`)));
    return answers.every(({ status }) => status === 200);
  } finally {
    for (const client of clients) client.close();
  }
}

async function behindOf(cluster: Cluster): Promise<unknown> {
  const authorization = `Basic ${Buffer.from(ACCOUNT).toString('base64')}`;
  const url = `${cluster.of('webserver')[0]?.url ?? ''}/api/v1/main/executions/search?size=10`;
  const answer = await fetch(url, { headers: { authorization } });
  if (!answer.ok) return `refused: ${answer.status} ${text(await answer.text()).slice(0, 200)}`;
  return plain(await answer.json())['indexBehind'];
}

function reportOf(
  phases: readonly [Phase, Phase, Phase],
  caughtUpSeconds: number,
  violations: readonly string[],
): OutageReport {
  const [before, during] = phases;
  const shortcomings: string[] = [...violations];
  for (const figure of ['executionsPerSecond', 'datesPerSecond'] as const)
    if (during[figure] < before[figure] * (1 - RATE_LOSS_MAX))
      shortcomings.push(`${figure} fell from ${before[figure].toFixed(2)} to ${during[figure].toFixed(2)}`);
  for (const phase of phases)
    if (!phase.isFollowed) shortcomings.push(`${phase.name}: an execution could not be followed to its end`);
  for (const phase of phases)
    if (!phase.isShown) shortcomings.push(`${phase.name}: an execution from before could not be shown`);
  if (typeof during.indexBehind !== 'object' || during.indexBehind === null)
    shortcomings.push(`A list did not say that the index is behind, but: ${JSON.stringify(during.indexBehind)}`);
  for (const [server, rss] of Object.entries(during.rssMb))
    if (rss - (before.rssMb[server] ?? rss) > GROWTH_MB_MAX)
      shortcomings.push(`${server} grew from ${before.rssMb[server]} to ${rss} MB`);
  if (caughtUpSeconds > 60) shortcomings.push(`It took ${caughtUpSeconds.toFixed(0)} s to catch up`);
  const rows = phases.map(
    (phase) =>
      `${phase.name.padEnd(8)} ${phase.seconds.toFixed(0).padStart(5)} s  ${phase.executionsPerSecond.toFixed(2)} executions/s  ${phase.datesPerSecond.toFixed(2)} dates/s  answers p50 ${phase.answerP50} ms  followed ${phase.isFollowed}  shown ${phase.isShown}  indexBehind ${JSON.stringify(phase.indexBehind) ?? 'not said'}`,
  );
  const memory = Object.keys(during.rssMb).map(
    (server) => `  ${server.padEnd(14)} ${phases.map(({ rssMb }) => `${rssMb[server] ?? '-'} MB`).join('  ')}`,
  );
  const body = [...rows, 'memory before, during, after:', ...memory, `caught up after ${caughtUpSeconds.toFixed(1)} s`];
  return { phases, caughtUpSeconds, violations, shortcomings, text: `${[...body, ...shortcomings].join('\n')}\n` };
}
