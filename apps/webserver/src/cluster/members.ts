import { LIVENESS, type Clock, type ServiceInstance } from '@millrace/model';
import type { View } from '@millrace/queue';

/** The servers of the installation, as their heartbeats tell of them. */
export interface Members {
  /** Every one on record, those that ended too. */
  all(): readonly ServiceInstance[];
  /** Those that do their work, or are about to stop. */
  active(): readonly ServiceInstance[];
  find(instance: string): ServiceInstance | undefined;
  /** For lists that must not miss what another server has just written. */
  refresh(): Promise<void>;
  /** It has been silent for longer than a server that lives can be. */
  isSilent(member: ServiceInstance): boolean;
  close(): void;
}

/** A server that works, or has been told to stop and has not ended yet. */
export const isActive = ({ state }: ServiceInstance): boolean =>
  state === 'RUNNING' || state === 'MAINTENANCE' || state === 'TERMINATING';

/** Clocks of servers may differ by this. */
const CLOCKS_MS = 2_000;
const SILENT_MS = LIVENESS.leaseMs + LIVENESS.graceMs + CLOCKS_MS;

export function createMembers(view: View<ServiceInstance>, clock: Clock): Members {
  const all = (): readonly ServiceInstance[] =>
    [...view.keys()]
      .flatMap((key) => [...view.records(key).values()])
      .sort(
        (one, other) =>
          one.role.localeCompare(other.role) ||
          one.startedAt - other.startedAt ||
          one.instance.localeCompare(other.instance),
      );
  return {
    all,
    active: () => all().filter(isActive),
    find: (instance) => [...view.records(instance).values()][0],
    refresh: () => view.refresh(),
    isSilent: ({ heartbeatAt }) => clock.now() - heartbeatAt > SILENT_MS,
    close: () => view.close(),
  };
}

/** A member as lists of the API show it. */
export const presentMember = (member: ServiceInstance) => ({
  id: member.instance,
  type: member.role.toUpperCase(),
  state: member.state,
  server: {
    id: member.instance,
    type: member.role.toUpperCase(),
    hostname: member.host,
    ...(member.version === undefined ? {} : { version: member.version }),
  },
  createdAt: new Date(member.startedAt).toISOString(),
  updatedAt: new Date(member.heartbeatAt).toISOString(),
});

/** A member with everything that its heartbeat tells. */
export const presentMemberDetails = (member: ServiceInstance) => ({
  ...presentMember(member),
  props: {
    format: member.format,
    ...(member.group === undefined ? {} : { 'worker.group': member.group }),
    ...(member.partitions === undefined ? {} : { partitions: member.partitions }),
  },
  metrics: [
    ...(member.slots === undefined ? [] : [{ name: 'worker.slots', value: member.slots }]),
    ...(member.freeSlots === undefined ? [] : [{ name: 'worker.slots.free', value: member.freeSlots }]),
  ],
});
