import {
  CLUSTER_ID,
  CLUSTER_KEY,
  EXECUTION_FORMAT,
  FIRST_FORMAT,
  LIVENESS,
  outgoing,
  type ClusterChange,
  type ClusterRecord,
  type ServiceInstance,
  type Topics,
} from '@millrace/model';
import type { View } from '@millrace/queue';
import type { Cluster } from './cluster.js';
import type { Life, SimulatedNode } from './node.js';

/*
 * Two versions mixed: the nodes begin as servers that read format 1 only, and are replaced one after the other by servers that
 * read 2 (protocols.md part 8). The first newer ones come when the others have been seen for a while, and work beside them.
 */

/** The next command that a cluster is ready for: what apps/executor ships. */
export type NextClusterChange = (
  record: ClusterRecord | undefined,
  services: Iterable<ServiceInstance>,
  wish: { readonly format: number; readonly partitions: number; readonly wantedPartitions: number },
) => ClusterChange | undefined;

/** So long before the level rises a server must have been seen, to count: views lag behind what others write. */
const SEEN_MS = 5_000;

/** What an instance tells of the versions that it knows. */
export const announced = (life: Life): Pick<ServiceInstance, 'format' | 'placements'> => ({
  format: life.format,
  placements: 1,
});

const isFirst = (name: string): boolean => name.endsWith('-2');
/** When processes of a node are of the newer version. */
const newerFrom = ({ firstUpgradeAt, upgradeFrom }: Cluster, name: string): number =>
  isFirst(name) ? firstUpgradeAt : upgradeFrom;

/** What the next process of a node reads: an older version does not start where the level is beyond it. */
export const formatAtStart = (cluster: Cluster, name: string): number =>
  cluster.scenario.mixed && cluster.clock.now() < newerFrom(cluster, name) && cluster.level() === FIRST_FORMAT
    ? FIRST_FORMAT
    : EXECUTION_FORMAT;

/** Replaces the older servers, one after the other. */
export function planUpgrade(cluster: Cluster, nodes: readonly SimulatedNode[]): void {
  const random = cluster.random('upgrade');
  for (const node of nodes) {
    const replace = (): void => {
      if (cluster.isOver() || node.life?.format !== FIRST_FORMAT) return;
      void node.stop('replaced by a newer version').then(() => replaceLater());
    };
    const replaceLater = (): void => void cluster.clock.after(random.between(500, 8_000), replace);
    const spread = isFirst(node.name) ? 0 : random.between(0, 5_000);
    cluster.clock.after(newerFrom(cluster, node.name) - cluster.clock.now() + spread, replace);
  }
}

/** An executor's heartbeat, and its part in raising the level. */
export async function startExecutorLevel(
  cluster: Cluster,
  life: Life,
  host: string,
  next: NextClusterChange,
  isBroken: boolean,
): Promise<void> {
  const { clock, topics } = cluster;
  const services = await life.queue.view(topics.services);
  const resources = await life.queue.view(topics.resources);
  let asked = '';
  const look = (): void => {
    if (life.isOver || life.format === FIRST_FORMAT || life.frozenUntil > clock.now()) return;
    const stored = resources.get(CLUSTER_KEY, CLUSTER_ID);
    const all = [...services.keys()].flatMap((key) => [...services.records(key).values()]);
    if (!all.some(({ instance }) => instance === life.instance)) return;
    const { partitions } = topics.executions.cluster;
    const counted = isBroken ? all.filter(({ format }) => format === life.format) : all;
    const change = next(stored?.kind === 'cluster' ? stored : undefined, counted, {
      format: life.format,
      partitions,
      wantedPartitions: partitions,
    });
    const name = JSON.stringify([change, stored]);
    if (change === undefined || name === asked) return;
    asked = name;
    const value = { commandId: `${life.instance} ${name}`, replyTo: life.instance, at: clock.now(), change };
    life.queue
      .publish([outgoing({ topic: topics.resourceCommands, key: CLUSTER_KEY, value })])
      .catch(() => (asked = ''));
  };
  services.onChange(look);
  resources.onChange(look);
  const beat = (): void => {
    if (life.isOver) return;
    const frozenFor = life.frozenUntil - clock.now();
    if (frozenFor > 0) return void clock.after(frozenFor, beat);
    life.queue.publish([heartbeat(topics, life, host, 'RUNNING', clock.now())]).catch(() => undefined);
    clock.after(LIVENESS.heartbeatMs, beat);
  };
  life.beforeStop = () => life.queue.publish([heartbeat(topics, life, host, 'TERMINATED_GRACEFULLY', clock.now())]);
  beat();
}

function heartbeat(topics: Topics, life: Life, host: string, state: ServiceInstance['state'], at: number) {
  const service: ServiceInstance = {
    instance: life.instance,
    role: 'executor',
    host,
    state,
    startedAt: at,
    heartbeatAt: at,
    ...announced(life),
  };
  return outgoing({ topic: topics.serviceEvents, key: life.instance, value: { kind: 'heartbeat', service } });
}

/** Looks at each rise of the level: no server that was known to read less may have been alive. */
export function watchLevel(
  { clock, trace, violation }: Cluster,
  services: View<ServiceInstance>,
  resources: { onChange: View<unknown>['onChange'] },
): { readonly level: () => number } {
  const seenAt = new Map<string, number>();
  let level = FIRST_FORMAT;
  services.onChange(({ key }) => {
    if (!seenAt.has(key)) seenAt.set(key, clock.now());
  });
  resources.onChange(({ key, value }) => {
    if (key !== CLUSTER_KEY || !isCluster(value) || value.format === level) return;
    trace.line(`the level is ${value.format}`);
    if (value.format < level) violation(`The level fell from ${level} to ${value.format}`);
    level = value.format;
    for (const service of [...services.keys()].flatMap((instance) => [...services.records(instance).values()])) {
      const isAlive = ['RUNNING', 'MAINTENANCE', 'TERMINATING'].includes(service.state);
      const isKnown = clock.now() - (seenAt.get(service.instance) ?? Infinity) > SEEN_MS;
      if (isAlive && isKnown && service.format < level)
        violation(`The level rose to ${level} while ${service.instance} reads ${service.format}`);
    }
  });
  return { level: () => level };
}

const isCluster = (value: unknown): value is ClusterRecord =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'cluster';
