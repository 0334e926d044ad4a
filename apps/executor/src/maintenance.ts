import type { Clock, Resource } from '@millrace/model';
import type { View } from '@millrace/queue';
import { isInMaintenance } from '@millrace/resources';
import { patientRefresh } from './patient-refresh.js';

/**
 * Answers whether the installation is in maintenance mode. While the copy says so it is brought up to date before each answer:
 * the end of the mode wakes what waits for it, so nothing may begin to wait by a copy from before that end (decision 0018).
 * An outage of the queue is waited for.
 */
export function maintenanceCheck(resources: View<Resource>, clock: Clock): () => boolean | Promise<boolean> {
  const refresh = patientRefresh(resources, clock);
  return () => isInMaintenance(resources) && refresh().then(() => isInMaintenance(resources));
}
