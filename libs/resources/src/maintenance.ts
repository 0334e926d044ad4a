import { LATEST, MAINTENANCE_KEY, type Maintenance, type Resource } from '@millrace/model';
import type { View } from '@millrace/queue';

/** The maintenance mode as a copy of the resources shows it now; undefined when it was never entered. */
export function maintenanceOf(view: Pick<View<Resource>, 'get'>): Maintenance | undefined {
  const record = view.get(MAINTENANCE_KEY, LATEST);
  return record?.kind === 'maintenance' ? record.maintenance : undefined;
}

/** True while the installation is in maintenance, as a copy of the resources shows it now. */
export const isInMaintenance = (view: Pick<View<Resource>, 'get'>): boolean => maintenanceOf(view)?.active === true;

/** Calls `listener` at once with how it is now, and whenever the mode begins or ends, until the answer is called. */
export function followMaintenance(
  view: Pick<View<Resource>, 'get' | 'onChange'>,
  listener: (active: boolean) => void,
): () => void {
  let known = isInMaintenance(view);
  listener(known);
  return view.onChange(({ key }) => {
    if (key !== MAINTENANCE_KEY) return;
    const active = isInMaintenance(view);
    if (active === known) return;
    known = active;
    listener(active);
  });
}
