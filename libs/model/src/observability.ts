import type { LogLevel } from './flow.js';
import type { ObservationPurge } from './purges.js';

/** One line of an execution's log: a record of the topic `logs`, keyed by execution. */
export interface LogEntry {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly executionId: string;
  readonly taskId?: string;
  readonly taskRunId?: string;
  /** 1 for the first. */
  readonly attempt?: number;
  readonly triggerId?: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly level: LogLevel;
  readonly message: string;
  /** Who wrote it: the instance's role, or the task's stream. */
  readonly thread?: string;
  /** Sort key: time, then the task run's sequence in the execution, then the line's number in the attempt. */
  readonly taskRunSequence: number;
  readonly lineNumber: number;
}

/** A figure that a task published: a record of the topic `metrics`. */
export interface MetricEntry {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly executionId: string;
  readonly taskId: string;
  readonly taskRunId: string;
  readonly type: 'counter' | 'timer' | 'gauge';
  readonly name: string;
  /** Timers in milliseconds. */
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly timestamp: number;
}

/** What the topics hold: entries, and purges of earlier ones. */
export type LogRecord = LogEntry | ObservationPurge;
export type MetricRecord = MetricEntry | ObservationPurge;
