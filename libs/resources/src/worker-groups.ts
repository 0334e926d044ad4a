import {
  DEFAULT_GROUP,
  WORKER_GROUPS_KEY,
  workerGroupsOf,
  type Resource,
  type ServiceInstance,
  type WorkerGroup,
} from '@millrace/model';
import type { View } from '@millrace/queue';

/** The worker groups as a copy of the resources shows them now, the default one first. */
export const workerGroups = (view: Pick<View<Resource>, 'records'>): readonly WorkerGroup[] =>
  workerGroupsOf(view.records(WORKER_GROUPS_KEY));

/** A worker that takes jobs of the group, or will when maintenance mode is left. */
export const isLiveWorkerOf = ({ role, state, group = DEFAULT_GROUP }: ServiceInstance, key: string): boolean =>
  role === 'worker' && (state === 'RUNNING' || state === 'MAINTENANCE') && group === key;

/** Keys of the groups of which a worker lives, as a copy of the servers shows them now. */
export function liveWorkerGroups(view: Pick<View<ServiceInstance>, 'keys' | 'records'>): ReadonlySet<string> {
  const members = [...view.keys()].flatMap((key) => [...view.records(key).values()]);
  return new Set(
    members.flatMap((member) => {
      const { group = DEFAULT_GROUP } = member;
      return isLiveWorkerOf(member, group) ? [group] : [];
    }),
  );
}
