import { workerGroupFault } from '@millrace/flow';
import { parseDuration, type WorkerGroupWish } from '@millrace/model';
import { unprocessable } from '../http/errors.js';
import type { RouteServices } from './services.js';

/** Schema of what a namespace or tenant says of its worker group. */
export const WORKER_GROUP_WISH = {
  type: 'object',
  additionalProperties: false,
  properties: {
    key: { type: 'string', maxLength: 1_000 },
    fallback: { type: 'string', enum: ['FAIL', 'WAIT', 'CANCEL'] },
    waitAtMost: { type: 'string', maxLength: 100 },
  },
};

/** The copy of this server must be up to date. @throws HttpError 422 when the group is not there for the tenant, or the duration is none */
export function checkWish(services: RouteServices, tenant: string, wish: WorkerGroupWish | undefined): void {
  const message = workerGroupFault(wish?.key, services.running().workerGroups.allowedFor(tenant));
  if (message !== undefined) throw unprocessable(message, [{ message, path: 'workerGroup.key' }]);
  const { waitAtMost } = wish ?? {};
  if (waitAtMost === undefined || parseDuration(waitAtMost) !== undefined) return;
  const fault = `'${waitAtMost}' is no duration: write one such as PT10M`;
  throw unprocessable(`workerGroup.waitAtMost: ${fault}`, [{ message: fault, path: 'workerGroup.waitAtMost' }]);
}
