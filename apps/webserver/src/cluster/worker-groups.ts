import {
  isAllowedFor,
  isPlainObject,
  LATEST,
  WORKER_GROUPS_KEY,
  type Flow,
  type Resource,
  type WorkerGroup,
} from '@millrace/model';
import type { View } from '@millrace/queue';
import { workerGroups } from '@millrace/resources';

/** The worker groups of the installation, read from the copy of the resources. */
export interface WorkerGroups {
  /** The default one first. */
  all(): readonly WorkerGroup[];
  /** Those that somebody has registered. */
  registered(): readonly WorkerGroup[];
  /** Keys of the groups to which jobs of the tenant may go. */
  allowedFor(tenant: string): readonly string[];
  /** Flows of every tenant whose latest revision names the group literally, as `namespace.id`. */
  flowsNaming(key: string): readonly string[];
  /** For lists that must not miss what another server has just written. */
  refresh(): Promise<void>;
  /** Resolves with true when this server sees the group as it is, or that it is gone. */
  seen(id: string, group: WorkerGroup | undefined): Promise<boolean>;
}

const SEEN_TIMEOUT_MS = 10_000;

export function createWorkerGroups(resources: View<Resource>): WorkerGroups {
  const all = (): readonly WorkerGroup[] => workerGroups(resources);
  const stored = (id: string): WorkerGroup | undefined => {
    const record = resources.get(WORKER_GROUPS_KEY, id);
    return record?.kind === 'worker-group' ? record.group : undefined;
  };
  return {
    all,
    registered: () => all().filter(({ id }) => stored(id) !== undefined),
    allowedFor: (tenant) => all().flatMap((group) => (isAllowedFor(group, tenant) ? [group.key] : [])),
    flowsNaming: (key) =>
      [...resources.keys()].flatMap((resource) => {
        const record = resources.get(resource, LATEST);
        if (record?.kind !== 'flow' || record.flow.deleted) return [];
        return names(record.flow, key) ? [`${record.flow.namespace}.${record.flow.id}`] : [];
      }),
    refresh: () => resources.refresh(),
    seen: (id, group) => resources.waitFor(() => JSON.stringify(stored(id)) === JSON.stringify(group), SEEN_TIMEOUT_MS),
  };
}

/** Anywhere in the flow: in its tasks, their children, its triggers. */
const names = ({ definition }: Flow, key: string): boolean => namesIn(definition, key);

function namesIn(value: unknown, key: string): boolean {
  if (Array.isArray(value)) return value.some((member) => namesIn(member, key));
  if (!isPlainObject(value)) return false;
  const { workerGroup } = value;
  if (isPlainObject(workerGroup) && typeof workerGroup['key'] === 'string' && workerGroup['key'].trim() === key)
    return true;
  return Object.values(value).some((member) => namesIn(member, key));
}
