import { MAINTENANCE_KEY, type Maintenance, type MaintenanceChange } from '@millrace/model';
import { resourceOf } from '../flows/commands.js';
import { json } from '../http/answer.js';
import { superAdmin, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

/** Maintenance mode of the whole installation (spec security.md §9.4). Entering or leaving it twice changes nothing. */
export function maintenanceRoutes(services: RouteServices): readonly Route[] {
  const route = (path: string, kind: MaintenanceChange['kind'], summary: string): Route => ({
    method: 'POST',
    area: 'instance',
    path: `/instance/maintenance/${path}`,
    access: superAdmin('stops the work of every tenant'),
    summary,
    handle: async (call) => json(presented(await changed(services, call, kind))),
  });
  return [
    route('enter', 'enter-maintenance', 'Begin no executions and no tasks until maintenance mode is left'),
    route('exit', 'exit-maintenance', 'Leave maintenance mode: what waited begins'),
  ];
}

async function changed(services: RouteServices, call: Call, kind: MaintenanceChange['kind']): Promise<Maintenance> {
  const { commands, flows } = services.running();
  const by = call.principal?.username ?? '';
  const { resource } = resourceOf(await commands.send(MAINTENANCE_KEY, { kind, by }));
  if (resource.kind !== 'maintenance')
    throw new Error(`The owner of the maintenance mode answered with a ${resource.kind}`);
  // So that this server's `/configs` says the same from now on.
  await flows.refresh();
  return resource.maintenance;
}

const presented = ({ active, by, since }: Maintenance) => ({
  inMaintenance: active,
  by,
  since: new Date(since).toISOString(),
});
