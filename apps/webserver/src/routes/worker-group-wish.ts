import { workerGroupFault } from '@millrace/flow';
import type { WorkerGroupWish } from '@millrace/model';
import { unprocessable } from '../http/errors.js';
import type { RouteServices } from './services.js';

/** Schema of what a namespace or tenant says of its worker group. */
export const WORKER_GROUP_WISH = {
  type: 'object',
  additionalProperties: false,
  properties: {
    key: { type: 'string', maxLength: 1_000 },
    fallback: { type: 'string', enum: ['FAIL', 'WAIT', 'CANCEL'] },
  },
};

/** The copy of this server must be up to date. @throws HttpError 422 when the group is not there for the tenant */
export function checkWish(services: RouteServices, tenant: string, wish: WorkerGroupWish | undefined): void {
  const message = workerGroupFault(wish?.key, services.running().workerGroups.allowedFor(tenant));
  if (message !== undefined) throw unprocessable(message, [{ message, path: 'workerGroup.key' }]);
}
