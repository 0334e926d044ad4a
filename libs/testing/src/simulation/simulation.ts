import { ClusterState, createTopics, EXECUTION_FORMAT, FIRST_FORMAT, type TopicSizes } from '@millrace/model';
import { createMemoryStore } from '@millrace/queue/memory';
import { createVirtualClock } from '../virtual-clock.js';
import { watchLimits } from './check-family.js';
import { watchGroups } from './check-groups.js';
import { checkRetention, LEAVES_WITHIN_MS, watchRetention } from './check-retention.js';
import { checkCluster } from './checker.js';
import { startClient } from './client.js';
import { isFragile, type Cluster, type Disturbances } from './cluster.js';
import { createExecutorNode, type BrokenRule, type ShippedProcessors } from './executor-node.js';
import { planAbsences } from './groups.js';
import { startIndex } from './index-node.js';
import { startLater } from './later.js';
import { planUpgrade, watchLevel } from './levels.js';
import type { SimulatedNode } from './node.js';
import { startObserver } from './observer.js';
import { seededRandom } from './random.js';
import { drawScenario, type Scenario } from './scenario.js';
import { createTrace } from './trace.js';
import { createWorkerNode } from './worker-node.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly processors: ShippedProcessors;
  /** Leaves out one rule of the protocols; the report must then tell of violations for some seeds. */
  readonly broken?: BrokenRule;
  /** Keeps the lines of the trace. */
  readonly verbose?: boolean;
}

export interface SimulationReport {
  readonly seed: number;
  readonly executions: number;
  /** Sentences; empty when the cluster kept its promises. */
  readonly violations: readonly string[];
  readonly disturbances: Readonly<Disturbances>;
  /** Time that passed in the simulation. */
  readonly virtualMs: number;
  /** Of everything that happened, in order: the same for the same seed. */
  readonly traceHash: string;
  /** Empty unless asked for. */
  readonly trace: readonly string[];
}

/** A cluster that has not come to rest by then never will. */
const LIMIT_MS = 2 * 3_600_000;
/** Without any event for so long in calm times, nothing more will happen: longer than any lease, retry or back-off. */
const SILENCE_MS = 180_000;
const LEASE_MS = 3_000;
/** In a cluster of two versions: by then all servers have been seen, and the first newer ones come. */
const FIRST_UPGRADE_MS = 7_000;
/** How long both versions work side by side at least: a node comes back within five seconds. */
const MIXED_LEAST_MS = 6_000;

/**
 * Runs a whole cluster in this process: shipped processors on the memory queue, simulated workers, clients that repeat
 * themselves, crashes, stalls, lost answers; then lets it come to rest and judges what the topics hold. All of it follows
 * from the seed.
 */
export async function runSimulation({
  seed,
  processors,
  broken,
  verbose = false,
}: SimulationOptions): Promise<SimulationReport> {
  const scenario = drawScenario(seed);
  const ties = seededRandom(seed, 'ties');
  const start = 1_000_000;
  const clock = createVirtualClock({ start, tieBreak: () => ties.next() });
  const violations: string[] = [];
  let isOver = false;
  const { disturbedMs } = scenario;
  let level = (): number => FIRST_FORMAT;
  const cluster: Cluster = {
    scenario,
    clock,
    store: createMemoryStore({ isLog: scenario.retention !== undefined }),
    topics: createTopics(sizesOf(scenario)),
    trace: createTrace(() => clock.now() - start, verbose),
    disturbances: undisturbed(),
    calmFrom: start + disturbedMs,
    ...upgradesOf(start, disturbedMs),
    level: () => level(),
    leaseMs: LEASE_MS,
    fruitless: new Map(),
    random: (name) => seededRandom(seed, name),
    violation: (text) => void violations.push(text),
    isOver: () => isOver,
  };
  const observer = await startObserver(cluster);
  ({ level } = watchLevel(cluster, observer.services, observer.resources));
  watchLimits(scenario, observer.executions, cluster.violation);
  const { givenUp } = watchGroups(cluster, observer);
  const nodes = startNodes(cluster, processors, broken);
  const client = startClient(cluster);
  const index = await startIndex(cluster);
  const later = await startLater(cluster, observer, index, broken);
  watchRetention(cluster, observer, index, later);
  planAccidents(cluster, nodes);
  if (scenario.mixed) planUpgrade(cluster, nodes);

  const isSilent = (): boolean => clock.now() > Math.max(cluster.calmFrom, observer.lastEventAt()) + SILENCE_MS;
  const hasEnded = (): boolean =>
    clock.now() >= cluster.calmFrom &&
    client.isDone() &&
    later.isDone() &&
    observer.ended() >= Math.max(scenario.executions.length, observer.known());
  await clock.runUntil(() => hasEnded() || isSilent(), start + LIMIT_MS);
  if (!hasEnded())
    violations.push(`It did not end: ${observer.ended()} of ${scenario.executions.length} executions did`);
  // Late answers and repeats are still on their way, and must change nothing.
  await clock.runUntil(() => false, clock.now() + 15_000);
  const { retention } = scenario;
  if (retention) await clock.runUntil(observer.allHaveLeft, clock.now() + retention.afterMs + LEAVES_WITHIN_MS);
  if (level() !== EXECUTION_FORMAT)
    violations.push(`Every server reads ${EXECUTION_FORMAT}, and the level is ${level()}`);
  violations.push(...checkCluster(scenario, client, observer, { givenUp, touched: later.touched }));
  violations.push(...checkRetention(cluster, observer, index, later));
  isOver = true;
  for (const { life } of nodes) life?.queue.kill();
  return {
    seed,
    executions: scenario.executions.length,
    violations,
    disturbances: cluster.disturbances,
    virtualMs: clock.now() - start,
    traceHash: cluster.trace.hash(),
    trace: cluster.trace.lines,
  };
}

const undisturbed = (): Disturbances => ({
  kills: 0,
  stops: 0,
  stalls: 0,
  fenced: 0,
  lostAnswers: 0,
  lostWrites: 0,
  duplicates: 0,
  doubledJobs: 0,
  left: 0,
  returned: 0,
  givenUp: 0,
});

const upgradesOf = (start: number, disturbedMs: number): Pick<Cluster, 'firstUpgradeAt' | 'upgradeFrom'> => ({
  firstUpgradeAt: start + FIRST_UPGRADE_MS,
  upgradeFrom: start + Math.max(FIRST_UPGRADE_MS, disturbedMs / 2) + MIXED_LEAST_MS,
});

function sizesOf({ executionPartitions, resourcePartitions, grownTo }: Scenario): TopicSizes {
  if (grownTo === undefined) return { executionPartitions, resourcePartitions };
  const cluster = new ClusterState(executionPartitions);
  const placements = [executionPartitions, grownTo].map((partitions) => ({ partitions }));
  cluster.tell({ format: EXECUTION_FORMAT, placements, current: 1 });
  return { executionPartitions: cluster, resourcePartitions };
}

function startNodes(
  cluster: Cluster,
  processors: ShippedProcessors,
  broken: BrokenRule | undefined,
): readonly SimulatedNode[] {
  const { executors, workers } = cluster.scenario;
  const random = cluster.random('starts');
  const nodes = [
    ...Array.from({ length: executors }, (_, index) =>
      createExecutorNode(cluster, `executor-${index + 1}`, processors, broken),
    ),
    ...Array.from({ length: workers }, (_, index) => createWorkerNode(cluster, `worker-${index + 1}`)),
  ];
  for (const node of nodes) cluster.clock.after(random.between(0, 500), () => node.start());
  for (const planned of cluster.scenario.groups?.workers ?? []) {
    const node = createWorkerNode(cluster, planned.name, planned.group);
    cluster.clock.after(planned.startAfter, () => node.start());
    planAbsences(cluster, node, planned);
    nodes.push(node);
  }
  return nodes;
}

/** What happens to servers whatever they are doing. */
function planAccidents(cluster: Cluster, nodes: readonly SimulatedNode[]): void {
  const random = cluster.random('accidents');
  const count = random.between(1, 6);
  for (let accident = 0; accident < count; accident++) {
    const node = nodes[random.between(0, nodes.length - 1)];
    const kind = random.pick(['kill', 'kill', 'stop', 'freeze'] as const);
    const stillMs = random.between(3_500, 20_000);
    cluster.clock.after(random.between(500, cluster.scenario.disturbedMs - 1), () => {
      if (isFragile(cluster)) return;
      if (kind === 'kill') node?.kill(node.life, 'an accident');
      else if (kind === 'stop') void node?.stop('told to');
      else node?.freeze(stillMs);
    });
  }
  for (const { executor, after, isKilled } of cluster.scenario.retention?.restarts ?? []) {
    const node = nodes[executor % cluster.scenario.executors];
    cluster.clock.after(cluster.scenario.disturbedMs + after, () => {
      if (isFragile(cluster)) return;
      if (isKilled) node?.kill(node.life, 'an accident in calm times');
      else void node?.stop('told to in calm times');
    });
  }
}
