import { LEVEL_RANK, type LogEntry, type MetricEntry } from '@millrace/model';
import type { LoggedRecord } from '@millrace/queue';
import { wordsOf } from '../../filtering/words.js';
import { positionOf, textOf, type Operation } from './document.js';

type Placed = Pick<LoggedRecord<unknown>, 'partition' | 'offset'>;

/** A log entry; written once, and found again by its place in the log. */
export const logOperation = (entry: LogEntry, record: Placed): Operation =>
  placed('logs', entry, record, {
    triggerId: entry.triggerId,
    attempt: entry.attempt,
    level: LEVEL_RANK[entry.level],
    taskRunSequence: entry.taskRunSequence,
    lineNumber: entry.lineNumber,
    words: wordsOf(entry.message),
  });

/** A metric; written once, as a log entry. */
export const metricOperation = (entry: MetricEntry, record: Placed): Operation =>
  placed('metrics', entry, record, { name: entry.name, value: entry.value });

function placed(kind: 'logs' | 'metrics', entry: LogEntry | MetricEntry, record: Placed, own: object): Operation {
  const { partition } = record;
  const position = positionOf(record);
  const { tenant, namespace, flowId, executionId, taskRunId, taskId, timestamp } = entry;
  return {
    kind,
    id: `${partition}-${position}`,
    at: timestamp,
    document: {
      ...own,
      tenant,
      namespace,
      flowId,
      executionId,
      taskRunId,
      taskId,
      timestamp,
      partition,
      position,
      record: textOf(entry),
    },
  };
}
