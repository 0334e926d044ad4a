import type { LogLevel } from './flow.js';
import { keyOf } from './ids.js';
import type { LogEntry, LogRecord, MetricEntry, MetricRecord } from './observability.js';
import type { RecordCondition } from './record-conditions.js';
import { outgoing, type OutgoingRecord, type Topic } from './topic.js';

/** Which entries of a log, or which metrics; those that fit all that is given. */
export interface ObservationSelection {
  readonly tenant: string;
  readonly executionId?: string;
  /** With `flowId` this namespace, else its children too. */
  readonly namespace?: string;
  readonly flowId?: string;
  readonly taskRunId?: string;
  readonly taskId?: string;
  /** Of log entries. */
  readonly triggerId?: string;
  /** Of log entries: 1 for the first. */
  readonly attempt?: number;
  /** Of log entries. */
  readonly levels?: readonly LogLevel[];
  /** Not before, in milliseconds since the epoch. */
  readonly from?: number;
  /** Before, in milliseconds since the epoch. */
  readonly before?: number;
}

/**
 * A record of `logs` or `metrics` beside the entries: those that fit and were written before it are gone. Whoever keeps
 * entries applies it to them, in the order of the log; whoever only follows passes it.
 */
export interface ObservationPurge extends ObservationSelection {
  readonly kind: 'purge';
}

/** True for a purge among the records of `logs` or `metrics`. */
export const isPurge = (record: LogRecord | MetricRecord): record is ObservationPurge =>
  'kind' in record && record.kind === 'purge';

/** The entry of a record; undefined for a purge. */
export const entryOf = <Entry extends LogEntry | MetricEntry>(record: Entry | ObservationPurge): Entry | undefined =>
  'kind' in record && record.kind === 'purge' ? undefined : (record as Entry);

const LEVEL_ORDER = { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4 } as const satisfies Record<LogLevel, number>;

/** Order of the levels of log entries, for "at least this level". */
export const LEVEL_RANK: Readonly<Record<LogLevel, number>> = LEVEL_ORDER;

/** The conditions of a selection, over the columns of the topics `logs` and `metrics`. */
export function selectionConditions(selection: ObservationSelection): readonly RecordCondition[] {
  const { tenant, executionId, namespace, flowId, taskRunId, taskId, triggerId, attempt, levels, from, before } =
    selection;
  const conditions: (RecordCondition | undefined)[] = [
    { on: { column: 'tenant' }, equals: tenant },
    executionId === undefined ? undefined : { on: { column: 'execution_id' }, equals: executionId },
    namespace === undefined
      ? undefined
      : flowId === undefined
        ? { on: { column: 'namespace' }, within: namespace }
        : { on: { column: 'namespace' }, equals: namespace },
    flowId === undefined ? undefined : { on: { column: 'flow_id' }, equals: flowId },
    taskRunId === undefined ? undefined : { on: { member: 'taskRunId' }, equals: taskRunId },
    taskId === undefined ? undefined : { on: { member: 'taskId' }, equals: taskId },
    triggerId === undefined ? undefined : { on: { member: 'triggerId' }, equals: triggerId },
    attempt === undefined ? undefined : { on: { member: 'attempt' }, equals: attempt },
    levels === undefined ? undefined : { on: { column: 'level' }, oneOf: levels.map((level) => LEVEL_ORDER[level]) },
    from === undefined ? undefined : { on: { column: 'timestamp' }, from },
    before === undefined ? undefined : { on: { column: 'timestamp' }, before },
  ];
  return conditions.filter((condition) => condition !== undefined);
}

/** The record that removes what is selected from a topic: to the execution's partition, or to all of them. */
function purgeRecord<Entry>(topic: Topic<Entry | ObservationPurge>, selection: ObservationSelection): OutgoingRecord {
  const { tenant, executionId } = selection;
  const value: ObservationPurge = { kind: 'purge', ...selection };
  return executionId === undefined
    ? outgoing({ topic, key: keyOf(tenant), value, broadcast: true })
    : outgoing({ topic, key: keyOf(tenant, executionId), value });
}

interface ObservationTopics {
  readonly logs: Topic<LogRecord>;
  readonly metrics: Topic<MetricRecord>;
}

/** The record that removes log entries. */
export const logPurge = ({ logs }: Pick<ObservationTopics, 'logs'>, selection: ObservationSelection): OutgoingRecord =>
  purgeRecord(logs, selection);

/** The record that removes metrics. */
export const metricPurge = (
  { metrics }: Pick<ObservationTopics, 'metrics'>,
  selection: Omit<ObservationSelection, 'levels' | 'attempt' | 'triggerId'>,
): OutgoingRecord => purgeRecord(metrics, selection);
