import { randomBytes } from 'node:crypto';
import { snapshotParts } from '@millrace/executor-core';
import { keyOf, newId, outgoing, type ExecutionHead, type ExecutionRecord, type OutgoingRecord } from '@millrace/model';
import { QueueError } from '@millrace/queue';
import type { RouteServices } from '../routes/services.js';
import { HttpError } from '../http/errors.js';

/**
 * Sends the records of an execution to its owner, which takes them only if it has none of that execution: what is asked of
 * it next finds it (protocols.md part 4.5).
 * @throws QueueError; HttpError 413 when one of its records does not fit into an event: then nothing of it was sent
 */
export async function publishSnapshot(
  { starting }: Pick<RouteServices, 'starting'>,
  { tenant, executionId }: Pick<ExecutionHead, 'tenant' | 'executionId'>,
  records: ReadonlyMap<string, ExecutionRecord>,
): Promise<void> {
  const { queue, topics, clock } = starting;
  const key = keyOf(tenant, executionId);
  const parts = snapshotParts(records, { tenant, executionId }, newId(clock.now(), randomBytes(16))).map(
    (value): OutgoingRecord => outgoing({ topic: topics.executionEvents, key, value }),
  );
  try {
    await queue.publish(parts);
  } catch (error) {
    if (!(error instanceof QueueError) || error.code !== 'QUEUE_TOO_LARGE') throw error;
    throw new HttpError(
      413,
      `Execution '${executionId}' cannot be sent to its executor: one of its records is too large`,
      {
        cause: error,
      },
    );
  }
}
