import type { Scope } from '@millrace/authorization';
import { isTerminal, type ExecutionHead, type ExecutionOperation, type State } from '@millrace/model';
import type { ExecutionRecords } from '@millrace/repository';
import { HttpError } from '../http/errors.js';
import type { Call } from '../http/route.js';
import type { RouteServices } from '../routes/services.js';
import { publishSnapshot } from './snapshot.js';

/** A snapshot is in vain when another webserver's came between its parts: then it is sent again, at most so often in all. */
const SNAPSHOTS_MAX = 3;

/** Who asks, for logs and outputs. */
export const by = ({ principal }: Call): { readonly by?: string } => (principal ? { by: principal.username } : {});

/**
 * Asks the owner of an execution for an operation. An owner that does not know it (its state has left the queue) gets what
 * the repository has of it, and is asked again: executions that are still there cost nothing more.
 * @throws HttpError 404, 409, 422 when it is refused
 */
export async function operate(
  services: RouteServices,
  call: Call,
  { tenant, executionId }: Pick<ExecutionHead, 'tenant' | 'executionId'>,
  operation: ExecutionOperation,
): Promise<void> {
  const ask = (): Promise<void> => services.running().commands.operate({ tenant, executionId, operation, ...by(call) });
  for (let sent = 0; ; sent++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 404 || sent === SNAPSHOTS_MAX) throw error;
      const records = await services.repository.executionRecords(call.scope, executionId);
      const head = records?.get('head');
      if (records === undefined || head?.kind !== 'head' || !isTerminal(head.state)) throw error;
      await publishSnapshot(services, head, records);
    }
  }
}

/** As `operate`; answers the execution as it is then. */
export async function operated(
  services: RouteServices,
  call: Call,
  operation: ExecutionOperation,
): Promise<ExecutionRecords> {
  const executionId = call.parameter('executionId');
  const { head } = await execution(services, call.scope, executionId);
  await operate(services, call, head, operation);
  return execution(services, call.scope, executionId);
}

/** @throws HttpError 404 */
export const execution = (services: RouteServices, scope: Scope, executionId: string): Promise<ExecutionRecords> =>
  services.running().executions.get(scope, executionId);

/** Why something cannot be done with an execution in its state; undefined when it can. */
export type Check = (head: ExecutionHead) => string | undefined;

const sentence =
  (isAllowed: (state: State) => boolean, needed: string): Check =>
  ({ state }) =>
    isAllowed(state) ? undefined : `The execution is ${state}: ${needed}`;

/** What a state allows, as far as it can be told without asking the owner. */
export const CHECKS = {
  kill: ({ state }) => (isTerminal(state) ? `The execution has ended already: it is ${state}` : undefined),
  pause: sentence((state) => state === 'RUNNING', 'only a running one can be paused'),
  resume: sentence((state) => state === 'PAUSED' || state === 'BREAKPOINT', 'only one that is paused can be resumed'),
  restart: sentence(
    (state) => isTerminal(state) || state === 'PAUSED',
    'only one that has ended or is paused can be restarted',
  ),
  replay: () => undefined,
  'force-run': ({ state }) => (isTerminal(state) ? `The execution has ended already: it is ${state}` : undefined),
  unqueue: sentence((state) => state === 'QUEUED', 'only one that is QUEUED can leave the queue'),
  'change-status': sentence(isTerminal, 'its state can be changed only when it has ended'),
  'set-labels': sentence(isTerminal, 'its labels can be changed only when it has ended'),
  delete: sentence(isTerminal, 'only one that has ended is deleted, unless includeNonTerminated=true'),
} as const satisfies Record<string, Check>;
