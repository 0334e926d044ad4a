import { isTerminal } from '@millrace/model';
import type { ExecutionRecords, Repository } from '../contract.js';
import type { Copying } from './copying.js';

/** Every answer waits for what the copy must have to show it (`openOverlay`). */
export function caughtUpRepository(
  sql: Repository,
  copying: Pick<Copying, 'caughtUp' | 'received'>,
  close: () => Promise<void>,
): Repository {
  return {
    async execution(scope, executionId) {
      await copying.caughtUp('executions', 'taskRuns');
      const found = await sql.execution(scope, executionId);
      if (!found || isWhole(found)) return found;
      // Head and task runs were committed together and are read apart: the head may have come by first.
      await copying.caughtUp('taskRuns');
      return sql.execution(scope, executionId);
    },
    async executionHead(scope, executionId) {
      await copying.caughtUp('executions');
      return sql.executionHead(scope, executionId);
    },
    async executionRecords(scope, executionId) {
      await copying.caughtUp('executions', 'taskRuns');
      return sql.executionRecords(scope, executionId);
    },
    async logs(scope, executionId, filter) {
      await copying.caughtUp('logs');
      return sql.logs(scope, executionId, filter);
    },
    async metrics(scope, executionId, query) {
      await copying.caughtUp('metrics');
      return sql.metrics(scope, executionId, query);
    },
    async searchExecutions(scope, query) {
      await copying.received();
      return sql.searchExecutions(scope, query);
    },
    async searchLogs(scope, query) {
      await copying.received();
      return sql.searchLogs(scope, query);
    },
    async countLogs(scope, selection) {
      await copying.caughtUp('logs');
      return sql.countLogs(scope, selection);
    },
    async countMetrics(scope, selection) {
      await copying.caughtUp('metrics');
      return sql.countMetrics(scope, selection);
    },
    async metricNames(scope, source) {
      await copying.received();
      return sql.metricNames(scope, source);
    },
    async metricTasks(scope, source) {
      await copying.received();
      return sql.metricTasks(scope, source);
    },
    async aggregateMetric(scope, query) {
      await copying.received();
      return sql.aggregateMetric(scope, query);
    },
    async searchTriggers(scope, query) {
      // Changed by commands whose answer came before: what was answered is shown.
      await copying.caughtUp('triggers');
      return sql.searchTriggers(scope, query);
    },
    async trigger(scope, name) {
      await copying.caughtUp('triggers');
      return sql.trigger(scope, name);
    },
    freshness: () => sql.freshness(),
    close,
  };
}

/**
 * False when an execution has ended and fewer task runs are there than its head counts, or some that have not ended: their
 * last records may be on their way. (What runs after the execution makes it false too, which costs a request and no more.)
 */
const isWhole = ({ head, taskRuns }: ExecutionRecords): boolean =>
  !isTerminal(head.state) ||
  (taskRuns.length >= head.sequence - (head.removed ?? 0) && taskRuns.every(({ state }) => isTerminal(state)));
