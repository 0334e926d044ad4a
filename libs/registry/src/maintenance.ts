import { LATEST, type Maintenance, type MaintenanceChange, type Resource } from '@millrace/model';
import type { Changes, ResourceFact, ResourceState } from './changes.js';

/** Decides a command to the owner of the maintenance mode. */
export function changeMaintenance(state: ResourceState, { kind, by }: MaintenanceChange, at: number): Changes {
  const record = state.get(LATEST);
  const known = record?.kind === 'maintenance' ? record.maintenance : undefined;
  const active = kind === 'enter-maintenance';
  const isSo = (known?.active ?? false) === active;
  const maintenance: Maintenance = isSo && known ? known : { active, by, since: at };
  const resource: Resource = { kind: 'maintenance', maintenance };
  const facts: ResourceFact[] = isSo && known ? [] : [{ id: LATEST, resource }];
  return { kind: 'changes', facts, shown: resource, recordId: LATEST };
}

/** The mode is over from now on: executions that stayed CREATED begin. */
export const endsMaintenance = (facts: readonly ResourceFact[]): boolean =>
  facts.some(({ resource }) => resource?.kind === 'maintenance' && !resource.maintenance.active);
