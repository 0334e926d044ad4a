import { LEVEL_RANK, type LogEntry, type MetricEntry } from '@millrace/model';
import type { LoggedRecord } from '@millrace/queue';
import { wordsOf } from '../../filtering/words.js';
import { positionOf, textOf, type Operation } from './document.js';

type Placed = Pick<LoggedRecord<unknown>, 'partition' | 'offset'>;

/** A log entry; written once, and found again by its place in the log. */
export function logOperation(entry: LogEntry, record: Placed): Operation {
  const { partition } = record;
  const position = positionOf(record);
  return {
    kind: 'logs',
    id: `${partition}-${position}`,
    at: entry.timestamp,
    document: {
      tenant: entry.tenant,
      namespace: entry.namespace,
      flowId: entry.flowId,
      executionId: entry.executionId,
      taskRunId: entry.taskRunId,
      taskId: entry.taskId,
      triggerId: entry.triggerId,
      attempt: entry.attempt,
      level: LEVEL_RANK[entry.level],
      timestamp: entry.timestamp,
      taskRunSequence: entry.taskRunSequence,
      lineNumber: entry.lineNumber,
      partition,
      position,
      words: wordsOf(entry.message),
      record: textOf(entry),
    },
  };
}

/** A metric; written once, as a log entry. */
export function metricOperation(entry: MetricEntry, record: Placed): Operation {
  const { partition } = record;
  const position = positionOf(record);
  return {
    kind: 'metrics',
    id: `${partition}-${position}`,
    at: entry.timestamp,
    document: {
      tenant: entry.tenant,
      namespace: entry.namespace,
      flowId: entry.flowId,
      executionId: entry.executionId,
      taskRunId: entry.taskRunId,
      taskId: entry.taskId,
      name: entry.name,
      value: entry.value,
      timestamp: entry.timestamp,
      partition,
      position,
      record: textOf(entry),
    },
  };
}
