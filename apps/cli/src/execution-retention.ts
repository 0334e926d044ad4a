import type { ExecutorOptions } from '@millrace/executor';
import type { Configuration } from '@millrace/service';

const WEEK_MS = 7 * 86_400_000;

/**
 * What `queue.retention` says. Without an index the topics are the only history, so there nothing leaves them unless
 * somebody says when; the embedded database keeps its history anyhow.
 */
export function executionRetention({ queue, repository }: Configuration): ExecutorOptions['retention'] {
  const onlySearchable = repository.type === 'elasticsearch';
  const afterMs = queue.retention ?? (onlySearchable ? WEEK_MS : undefined);
  return queue.type === 'kafka' && afterMs !== undefined ? { afterMs, onlySearchable } : undefined;
}
