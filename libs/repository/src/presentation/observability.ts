import { isoDate, type LogEntry, type LogLevel, type MetricEntry } from '@millrace/model';

/** A log entry as the API shows it (spec executions.md §1). */
export interface LogEntryView {
  readonly tenantId: string;
  readonly namespace: string;
  readonly flowId: string;
  /** Absent: of a trigger that could not be evaluated. */
  readonly executionId?: string;
  readonly taskId?: string;
  readonly taskRunId?: string;
  readonly attemptNumber?: number;
  readonly triggerId?: string;
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly thread?: string;
  readonly message: string;
}

export const presentLogEntry = (entry: LogEntry): LogEntryView => ({
  tenantId: entry.tenant,
  namespace: entry.namespace,
  flowId: entry.flowId,
  ...(entry.executionId === '' ? {} : { executionId: entry.executionId }),
  ...(entry.taskId === undefined ? {} : { taskId: entry.taskId }),
  ...(entry.taskRunId === undefined ? {} : { taskRunId: entry.taskRunId }),
  ...(entry.attempt === undefined ? {} : { attemptNumber: entry.attempt }),
  ...(entry.triggerId === undefined ? {} : { triggerId: entry.triggerId }),
  timestamp: isoDate(entry.timestamp),
  level: entry.level,
  ...(entry.thread === undefined ? {} : { thread: entry.thread }),
  message: entry.message,
});

/** A metric as the API shows it; timers in milliseconds. */
export interface MetricEntryView {
  readonly tenantId: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly executionId: string;
  readonly taskId: string;
  readonly taskRunId: string;
  readonly type: MetricEntry['type'];
  readonly name: string;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly timestamp: string;
}

export const presentMetricEntry = ({ tenant, timestamp, ...entry }: MetricEntry): MetricEntryView => ({
  tenantId: tenant,
  ...entry,
  timestamp: isoDate(timestamp),
});
