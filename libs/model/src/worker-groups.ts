import { keyOf } from './ids.js';

/** A named set of workers with a queue of jobs of its own (spec security.md §8). Instance-wide. */
export interface WorkerGroup {
  readonly id: string;
  /** What flows and workers call it; never changes, because it names a topic. */
  readonly key: string;
  readonly description?: string;
  /** Tenants whose jobs it takes. Empty: all. */
  readonly allowedTenants: readonly string[];
}

/** Commands to the owner of all worker groups. */
export type WorkerGroupChange =
  | { readonly kind: 'create-worker-group'; readonly group: WorkerGroup }
  /** The key must be the one that it has. */
  | { readonly kind: 'update-worker-group'; readonly group: WorkerGroup }
  | { readonly kind: 'delete-worker-group'; readonly id: string };

/** What the key of a group looks like; it is part of the name of a topic. */
export const WORKER_GROUP_KEY_PATTERN = '^[a-z0-9][a-z0-9_-]{0,62}$';

/** The one key of all worker groups, each a record by its id: a name is taken once. */
export const WORKER_GROUPS_KEY = keyOf('_instance', 'worker-groups');

/**
 * The group that takes the jobs of everything that names none: it always exists, and nobody changes it.
 */
export const DEFAULT_GROUP = 'default';
const DEFAULT: WorkerGroup = { id: DEFAULT_GROUP, key: DEFAULT_GROUP, allowedTenants: [] };

/** The groups of the records below `WORKER_GROUPS_KEY`, the default one first. */
export const workerGroupsOf = (
  records: ReadonlyMap<string, { readonly kind: string; readonly group?: WorkerGroup }>,
): readonly WorkerGroup[] => [
  DEFAULT,
  ...[...records.values()].flatMap(({ kind, group }) => (kind === 'worker-group' && group ? [group] : [])),
];

/** True when jobs of the tenant may go to the group. */
export const isAllowedFor = ({ allowedTenants }: WorkerGroup, tenant: string): boolean =>
  allowedTenants.length === 0 || allowedTenants.includes(tenant);

/** What a flow, a task, a trigger, a namespace or a tenant says of the worker group. */
export interface WorkerGroupWish {
  readonly key?: string;
  readonly fallback?: 'FAIL' | 'WAIT' | 'CANCEL';
  /** With the fallback WAIT: an ISO-8601 duration, after which the task run fails. Absent: it waits for ever. */
  readonly waitAtMost?: string;
}

/** What is asked for when all have been heard. */
export type ResolvedWorkerGroup = Required<Pick<WorkerGroupWish, 'key' | 'fallback'>> &
  Pick<WorkerGroupWish, 'waitAtMost'>;

/**
 * Which group a task or trigger asks for, from its own wish outwards: the flow's, the nearest namespace's, the tenant's, the
 * default group. Each property is found separately; a blank key names the default group.
 */
export function resolvedWorkerGroup(wishes: readonly (WorkerGroupWish | undefined)[]): ResolvedWorkerGroup {
  const waitAtMost = wishes.find((wish) => wish?.waitAtMost !== undefined)?.waitAtMost;
  const key = wishes.find((wish) => wish?.key !== undefined)?.key?.trim() ?? '';
  return {
    key: key === '' ? DEFAULT_GROUP : key,
    fallback: wishes.find((wish) => wish?.fallback !== undefined)?.fallback ?? 'WAIT',
    ...(waitAtMost === undefined ? {} : { waitAtMost }),
  };
}
