import { isTerminal } from '@millrace/model';
import { createSqlCopy } from '@millrace/queue/sql';
import type { ExecutionRecords, Repository } from '../contract.js';
import { createSqlRepository } from '../sql/index.js';
import { Copying, type CopyingOptions } from './copying.js';

export interface OverlayOptions extends Omit<CopyingOptions, 'copy'> {
  /** The copy lies in a folder of its own below it, which goes with the process. Must exist. */
  readonly folder: string;
  readonly log?: { error(fields: object, message: string): void };
}

/**
 * The query side of a queue whose tables nobody can search (Kafka): a copy of the topics in tables of this process, searched
 * like those of the embedded queue (protocols.md part 7.3). Every answer shows what a tail of this process was told before;
 * look-ups of one execution also what was committed before they were asked, by whichever server.
 */
export async function openOverlay({ folder, log, ...options }: OverlayOptions): Promise<Repository> {
  const { topics, clock } = options;
  const copy = createSqlCopy({
    folder,
    topics: [topics.executions, topics.taskRuns, topics.logs, topics.metrics, topics.triggers],
    now: () => clock.now(),
    onRefused: ({ topic, key, partition, position }, reason) =>
      log?.error(
        { topic: topic.name, key, partition, position, reason },
        'A record cannot be shown, for it is not as this version writes it; it is passed',
      ),
  });
  const copying = new Copying({ ...options, copy });
  let sql: Repository | undefined;
  const close = async (): Promise<void> => {
    copying.close();
    await sql?.close();
    copy.close();
  };
  try {
    sql = createSqlRepository({ file: copy.file });
    await copying.open();
    return repositoryOf(sql, copying, close);
  } catch (error) {
    await close();
    throw error;
  }
}

function repositoryOf(sql: Repository, copying: Copying, close: () => Promise<void>): Repository {
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
    freshness: () => ({}),
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
