import { snapshotParts } from '@millrace/executor-core';
import { keyOf, outgoing, type ExecutionHead, type ExecutionRecord, type OutgoingRecord } from '@millrace/model';
import type { RouteServices } from '../routes/services.js';

/**
 * Sends the records of an execution to its owner, which takes them only if it has none of that execution: what is asked of
 * it next finds it (protocols.md part 4.5).
 * @throws QueueError
 */
export async function publishSnapshot(
  { starting: { queue, topics } }: Pick<RouteServices, 'starting'>,
  { tenant, executionId }: Pick<ExecutionHead, 'tenant' | 'executionId'>,
  records: ReadonlyMap<string, ExecutionRecord>,
): Promise<void> {
  const key = keyOf(tenant, executionId);
  const parts = snapshotParts(records, { tenant, executionId }).map((value): OutgoingRecord =>
    outgoing({ topic: topics.executionEvents, key, value }),
  );
  await queue.publish(parts);
}
