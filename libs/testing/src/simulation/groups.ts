import {
  DEFAULT_GROUP,
  isPlainObject,
  outgoing,
  WORKER_GROUPS_KEY,
  type PlainObject,
  type Topics,
} from '@millrace/model';
import type { Committed, View } from '@millrace/queue';
import type { RandomFlow } from '../random-flow.js';
import type { Cluster } from './cluster.js';
import type { SimulatedNode } from './node.js';
import { seededRandom, type SeededRandom } from './random.js';

/*
 * Worker groups beside the default one: flows name them, their workers come late, go, are killed and stand still, and one of
 * them is registered while flows run.
 */

/** Registered before all others, and on the way. */
export const GROUPS = ['group-a', 'group-b'] as const;
export type Group = (typeof GROUPS)[number];

/** How a flow may write the key of a group. */
const WRITTEN: readonly (readonly [string, string])[] = [
  ['group-a', 'group-a'],
  ["{{ 'group-' ~ 'a' }}", 'group-a'],
  ['group-b', 'group-b'],
  ["{{ flow.namespace == 'simulation' ? 'group-b' : 'nowhere' }}", 'group-b'],
  [' ', DEFAULT_GROUP],
];
const GROUP_OF = new Map(WRITTEN);

export interface PlannedWorker {
  readonly name: string;
  readonly group: Group;
  readonly startAfter: number;
  /** Milliseconds after the start of the simulation; also in calm times. */
  readonly absences: readonly { readonly at: number; readonly forMs: number; readonly isKilled: boolean }[];
}

/** What a seed decides about groups. */
export interface PlannedGroups {
  /** Milliseconds after the start of the simulation. */
  readonly registerAfter: Readonly<Record<Group, number>>;
  readonly workers: readonly PlannedWorker[];
}

/** Every second seed has groups. */
export function drawGroups(seed: number, disturbedMs: number): PlannedGroups | undefined {
  const random = seededRandom(seed, 'groups');
  if (random.chance(0.5)) return undefined;
  const worker = (group: Group, index: number): PlannedWorker => ({
    name: `worker-${group}-${index + 1}`,
    group,
    startAfter: random.chance(0.4) ? random.between(0, 1_000) : random.between(0, disturbedMs + 40_000),
    absences: Array.from({ length: random.between(0, 3) }, () => ({
      at: random.between(1_000, disturbedMs + 60_000),
      forMs: random.between(2_000, 60_000),
      isKilled: random.chance(0.5),
    })),
  });
  return {
    registerAfter: { 'group-a': 0, 'group-b': random.between(0, disturbedMs) },
    workers: GROUPS.flatMap((group) =>
      Array.from({ length: random.between(1, 2) }, (_, index) => worker(group, index)),
    ),
  };
}

interface Wish {
  readonly key?: string;
  readonly fallback?: string;
}

const wishOf = (value: unknown): Wish | undefined => (isPlainObject(value) ? (value as Wish) : undefined);

/** Lets some tasks of a flow, and some flows, name a group. */
export function withGroups(seed: number, id: string, flow: RandomFlow): RandomFlow {
  const random = seededRandom(seed, `groups of ${id}`);
  const wish = (): Wish => {
    const [key] = random.pick(WRITTEN as [readonly [string, string], ...(readonly [string, string])[]]);
    return {
      ...(random.chance(0.9) ? { key } : {}),
      ...(random.chance(0.8) ? { fallback: random.pick(['WAIT', 'WAIT', 'FAIL', 'CANCEL']) } : {}),
    };
  };
  const changed = Object.entries(flow).map(([name, tasks]) => [name, tasksWithGroups(tasks, random, wish)]);
  return { ...Object.fromEntries(changed), ...(random.chance(0.3) ? { workerGroup: wish() } : {}) } as RandomFlow;
}

const tasksWithGroups = (tasks: readonly PlainObject[], random: SeededRandom, wish: () => Wish): PlainObject[] =>
  tasks.map((task) => {
    const isDirectory = task['type'] === 'core.flow.WorkingDirectory';
    const inner = Object.entries(task).map(([name, written]) => {
      const isList = Array.isArray(written) && written.every(isPlainObject);
      // Children of a WorkingDirectory run where it does.
      const isGiven = isList && !(isDirectory && name === 'tasks');
      return [name, isGiven ? tasksWithGroups(written as PlainObject[], random, wish) : written];
    });
    const own = task['id'] !== undefined && random.chance(0.4) ? { workerGroup: wish() } : {};
    return { ...Object.fromEntries(inner), ...own } as PlainObject;
  });

/** Where a task's jobs must run and what holds without a worker there; counted anew by its written definition. */
export interface Placement {
  readonly group: string;
  readonly fallback: string;
}

/** By the id of each task of the flow. */
export function placementsOf(definition: unknown): ReadonlyMap<string, Placement> {
  const found = new Map<string, Placement>();
  const ofFlow = isPlainObject(definition) ? wishOf(definition['workerGroup']) : undefined;
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (!isPlainObject(value)) return;
    if (typeof value['id'] === 'string' && typeof value['type'] === 'string') {
      const wish = wishOf(value['workerGroup']);
      const key = wish?.key ?? ofFlow?.key;
      found.set(value['id'], {
        group: key === undefined ? DEFAULT_GROUP : (GROUP_OF.get(key) ?? `unknown ${key}`),
        fallback: wish?.fallback ?? ofFlow?.fallback ?? 'WAIT',
      });
    }
    Object.values(value).forEach(visit);
  };
  visit(definition);
  return found;
}

/** The command that registers a group; repeats are refused. */
export const registration = (topics: Topics, group: Group, at: number) =>
  outgoing({
    topic: topics.resourceCommands,
    key: WORKER_GROUPS_KEY,
    value: {
      commandId: `register ${group}`,
      replyTo: 'client',
      at,
      change: { kind: 'create-worker-group', group: { id: group, key: group, allowedTenants: [] } },
    },
  });

/** Workers of groups go and come back, whatever else happens. */
export function planAbsences({ clock }: Cluster, node: SimulatedNode, { absences }: PlannedWorker): void {
  for (const { at, forMs, isKilled } of absences) {
    clock.after(at, () => {
      node.stayAway(forMs);
      if (isKilled) node.kill(node.life, 'goes for a while');
      else void node.stop('goes for a while');
    });
  }
}

/** So much later than others an executor may see what the topics of resources and services say. */
const LAG_MS = 500;

/** A copy that lags: what changed is seen later, in its order. */
export function laggingView<Value>(
  view: View<Value>,
  clock: Cluster['clock'],
  random: SeededRandom,
): Pick<View<Value>, 'get' | 'keys' | 'records' | 'onChange' | 'refresh'> {
  const seen = new Map<string, Map<string, Value>>();
  for (const key of view.keys()) seen.set(key, new Map(view.records(key)));
  const listeners = new Set<(record: Committed<Value>) => void>();
  /** Came, and is not shown yet; in its order. */
  const held: Committed<Value>[] = [];
  let shownAt = 0;
  const show = (record: Committed<Value>): void => {
    const records = seen.get(record.key) ?? new Map<string, Value>();
    seen.set(record.key, records);
    if (record.value === null) records.delete(record.id);
    else records.set(record.id, record.value);
    for (const listener of listeners) listener(record);
  };
  const showUntil = (last: Committed<Value>): void => {
    // What a refresh has shown is not held any more.
    for (const record of held.splice(0, held.indexOf(last) + 1)) show(record);
  };
  view.onChange((record) => {
    const delay = random.chance(0.7) ? 0 : random.between(1, LAG_MS);
    shownAt = Math.max(shownAt, clock.now() + delay);
    held.push(record);
    if (shownAt === clock.now()) showUntil(record);
    else clock.after(shownAt - clock.now(), () => showUntil(record));
  });
  return {
    get: (key, id = '') => seen.get(key)?.get(id),
    keys: () => seen.keys(),
    records: (key) => seen.get(key) ?? new Map<string, Value>(),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async refresh() {
      await view.refresh();
      for (const record of held.splice(0)) show(record);
    },
  };
}
