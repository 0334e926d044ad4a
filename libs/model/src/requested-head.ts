import type { Label } from './flow.js';
import { FIRST_FORMAT, NO_PROGRESS, type ExecutionCreated, type ExecutionHead } from './execution.js';

/**
 * The head of an execution that was asked for and has not begun: what its caller is answered, and what its owner starts
 * from. `revision` is 0; the owner's first record has 1.
 */
export function requestedHead(
  created: ExecutionCreated,
  labels: readonly Label[],
  at: number,
  format: number = FIRST_FORMAT,
): ExecutionHead {
  const { tenant, executionId, namespace, flowId, flowRevision, originalId, parentId, trigger, executionKind } =
    created;
  const triggerExecutionId = trigger?.variables['executionId'];
  return {
    kind: 'head',
    format,
    tenant,
    executionId,
    namespace,
    flowId,
    flowRevision,
    state: 'CREATED',
    histories: [{ state: 'CREATED', date: at }],
    labels,
    originalId,
    ...(parentId === undefined ? {} : { parentId }),
    ...(typeof triggerExecutionId === 'string' ? { triggerExecutionId } : {}),
    ...(executionKind === undefined ? {} : { executionKind }),
    attemptNumber: created.attemptNumber ?? 1,
    generation: 0,
    sequence: 0,
    progress: NO_PROGRESS,
    claims: {},
    retrying: 0,
    revision: 0,
  };
}
