import type { Scope } from '@millrace/authorization';
import { logPurge, metricPurge, type OutgoingRecord, type Topics } from '@millrace/model';
import type { Queue } from '@millrace/queue';
import { executionFolderUri, type ExecutionAddress, type Storage } from '@millrace/storage';

/** What an execution left behind that goes. */
export interface RemovedData {
  readonly logs: boolean;
  readonly metrics: boolean;
  readonly storage: boolean;
}

export interface ExecutionDataOptions {
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Pick<Topics, 'logs' | 'metrics'>;
  readonly storage: Storage;
}

/**
 * Removes what an execution left behind besides its own records: log entries, metrics, files. A repeat changes nothing.
 * Answers how many files went.
 * @throws QueueError, StorageError
 */
export async function removeExecutionData(
  { queue, topics, storage }: ExecutionDataOptions,
  scope: Scope,
  execution: ExecutionAddress,
  what: RemovedData,
): Promise<number> {
  const { executionId } = execution;
  const { tenant } = scope;
  const purges: OutgoingRecord[] = [];
  if (what.logs) purges.push(logPurge(topics, { tenant, executionId }));
  if (what.metrics) purges.push(metricPurge(topics, { tenant, executionId }));
  if (purges.length > 0) await queue.publish(purges);
  return what.storage ? storage.remove(scope, executionFolderUri(execution)) : 0;
}
