import { LEVEL_RANK, type LogEntry } from '@millrace/model';
import type { LogFilter, LogPlace } from '../contract.js';
import { term, type Clause } from './queries.js';
import { sortOf } from './searching.js';

const ORDER = ['timestamp', 'taskRunSequence', 'lineNumber', 'position'].map(
  (field) => ({ field, direction: 'asc' }) as const,
);

/** The log of an execution: what is searched, in which order, and from where on. */
export function executionLogQuery(
  executionId: string,
  { minLevel, taskRunId, taskId, attempt, after }: LogFilter,
): {
  readonly clauses: readonly Clause[];
  readonly sort: readonly object[];
  readonly after: readonly number[] | undefined;
} {
  return {
    clauses: [
      term('executionId', executionId),
      ...(minLevel === undefined ? [] : [{ range: { level: { gte: LEVEL_RANK[minLevel] } } }]),
      ...(taskRunId === undefined ? [] : [term('taskRunId', taskRunId)]),
      ...(taskId === undefined ? [] : [term('taskId', taskId)]),
      ...(attempt === undefined ? [] : [term('attempt', attempt)]),
    ],
    sort: sortOf('logs', ORDER),
    after: after && [after.timestamp, after.taskRunSequence, after.lineNumber, after.position],
  };
}

export const logPlaceOf = ({ timestamp, taskRunSequence, lineNumber }: LogEntry, position: number): LogPlace => ({
  timestamp,
  taskRunSequence,
  lineNumber,
  position,
});
