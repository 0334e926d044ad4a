import type { DeadLetterRecord } from './dead-letters.js';
import { ClusterState } from './cluster.js';
import type { ExecutionEvent } from './execution-events.js';
import type { FlowEvent, FlowRecord } from './flow-slots.js';
import type { ExecutionHead, ExecutionRecord, TaskRun } from './execution.js';
import type { IndexGenerationRecord } from './index-generation.js';
import { isPlainObject } from './json.js';
import type { Job, WorkerCommand } from './job.js';
import type { LogEntry, LogRecord, MetricEntry, MetricRecord } from './observability.js';
import { entryOf, isPurge, LEVEL_RANK, selectionConditions } from './purges.js';
import type { Reply, Resource, ResourceCommand } from './resources.js';
import type { ServiceEvent, ServiceInstance } from './services.js';
import type { Topic } from './topic.js';
import { TRIGGER_SEARCH, type TriggerEvent, type TriggerRecord } from './triggers.js';
import type { ObservationPurge } from './purges.js';
import type { RecordCondition } from './record-conditions.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * Records are written by Millrace's own servers through typed code; at the border it is checked that a record is an
 * object, so that a foreign or damaged record becomes a dead letter and not a crash later on.
 */
const decodeAs =
  <Value>(topic: string) =>
  (stored: unknown): Value => {
    if (!isPlainObject(stored)) throw new Error(`A record of '${topic}' must be an object, but is ${typeof stored}`);
    return stored as Value;
  };

/** How much of a partition the index shows. Written when a search finds it, so it never promises too much. */
export interface IndexProgress {
  /** The topic's name. */
  readonly topic: string;
  readonly partition: number;
  /** Records before this offset are found by searches. */
  readonly searchable: number;
  /** When the last of them was written to the log, in milliseconds since the epoch; 0: there was none. */
  readonly writtenAt: number;
  /** When this was said. */
  readonly at: number;
}

/** A deleted execution has no columns: no search finds it. */
const head =
  <Value>(of: (head: ExecutionHead) => Value | undefined) =>
  (record: ExecutionRecord) =>
    record.kind === 'head' && record.deleted !== true ? of(record) : undefined;

/** When an execution or a task run ended; undefined: it has not. */
export const endDate = ({
  state,
  histories,
}: Pick<ExecutionHead | TaskRun, 'state' | 'histories'>): number | undefined =>
  ['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED', 'SKIPPED', 'RETRIED'].includes(state)
    ? histories.at(-1)?.date
    : undefined;

/** Sizes of an installation. */
export interface TopicSizes {
  /** Of the topics keyed by execution: fixed, or as the cluster has agreed. */
  readonly executionPartitions: number | ClusterState;
  /** Fixed at the first start and checked at every later one. */
  readonly resourcePartitions: number;
}

/** A topic that is placed by execution. */
export type PlacedTopic<Value> = Topic<Value> & { readonly cluster: ClusterState };

type Search<Value> = Required<Pick<Topic<Value>, 'columns' | 'indexes'>>;

/** What lists of executions filter and sort by; only heads have it. */
const EXECUTION_SEARCH: Search<ExecutionRecord> = {
  columns: {
    kind: { type: 'text', of: (record) => record.kind },
    // A deleted execution has no tenant here, so no search of any tenant finds it.
    tenant: { type: 'text', of: head(({ tenant, deleted }) => (deleted ? undefined : tenant)) },
    execution_id: { type: 'text', of: head(({ executionId }) => executionId) },
    namespace: { type: 'text', of: head(({ namespace }) => namespace) },
    flow_id: { type: 'text', of: head(({ flowId }) => flowId) },
    state: { type: 'text', of: head((record) => record.state) },
    start_date: { type: 'integer', of: head(({ histories }) => histories[0]?.date) },
    end_date: { type: 'integer', of: head(endDate) },
    trigger_execution_id: { type: 'text', of: head(({ triggerExecutionId }) => triggerExecutionId) },
  },
  indexes: {
    by_start: ['tenant', 'start_date desc'],
    by_flow: ['tenant', 'namespace', 'flow_id', 'start_date desc'],
    by_state: ['tenant', 'state', 'start_date desc'],
  },
};

/** A purge has no columns: no search finds it. */
const entry =
  <Entry extends LogEntry | MetricEntry, Value>(of: (entry: Entry) => Value) =>
  (record: Entry | ObservationPurge): Value | undefined => {
    const found = entryOf(record);
    return found && of(found);
  };

const purges = (record: LogRecord | MetricRecord): readonly RecordCondition[] | undefined =>
  isPurge(record) ? selectionConditions(record) : undefined;

const LOG_SEARCH: Search<LogRecord> & Pick<Topic<LogRecord>, 'purges'> = {
  columns: {
    tenant: { type: 'text', of: entry(({ tenant }: LogEntry) => tenant) },
    namespace: { type: 'text', of: entry(({ namespace }: LogEntry) => namespace) },
    flow_id: { type: 'text', of: entry(({ flowId }: LogEntry) => flowId) },
    execution_id: { type: 'text', of: entry(({ executionId }: LogEntry) => executionId) },
    task_run_id: { type: 'text', of: entry(({ taskRunId }: LogEntry) => taskRunId) },
    level: { type: 'integer', of: entry(({ level }: LogEntry) => LEVEL_RANK[level]) },
    timestamp: { type: 'integer', of: entry(({ timestamp }: LogEntry) => timestamp) },
  },
  indexes: { by_execution: ['tenant', 'execution_id', 'timestamp'], by_time: ['tenant', 'timestamp desc'] },
  purges,
};

const METRIC_SEARCH: Search<MetricRecord> & Pick<Topic<MetricRecord>, 'purges'> = {
  columns: {
    tenant: { type: 'text', of: entry(({ tenant }: MetricEntry) => tenant) },
    namespace: { type: 'text', of: entry(({ namespace }: MetricEntry) => namespace) },
    flow_id: { type: 'text', of: entry(({ flowId }: MetricEntry) => flowId) },
    execution_id: { type: 'text', of: entry(({ executionId }: MetricEntry) => executionId) },
    timestamp: { type: 'integer', of: entry(({ timestamp }: MetricEntry) => timestamp) },
  },
  indexes: { by_execution: ['tenant', 'execution_id', 'timestamp'], by_flow: ['tenant', 'namespace', 'flow_id'] },
  purges,
};

/** Every topic of Millrace (architecture.md part 2). */
export function createTopics({ executionPartitions, resourcePartitions }: TopicSizes) {
  const cluster = typeof executionPartitions === 'number' ? new ClusterState(executionPartitions) : executionPartitions;
  const events = <Value>(name: string, partitions: number, retentionMs: number): Topic<Value> => ({
    name,
    kind: 'events',
    partitions,
    retentionMs,
    decode: decodeAs<Value>(name),
  });
  const input = <Value>(name: string, partitions: number, retentionMs: number): Topic<Value> => ({
    ...events<Value>(name, partitions, retentionMs),
    input: true,
  });
  const state = <Value>(name: string, partitions: number, rest: Partial<Topic<Value>> = {}): Topic<Value> => ({
    name,
    kind: 'state',
    partitions,
    decode: decodeAs<Value>(name),
    ...rest,
  });
  /** Its keys end with an execution's id. */
  const placed = <Value>(topic: Topic<Value>): PlacedTopic<Value> => ({
    ...topic,
    cluster,
    get partitions() {
      return cluster.partitions;
    },
  });
  return {
    executionEvents: placed(input<ExecutionEvent>('execution-events', cluster.partitions, 2 * DAY)),
    executions: placed(state<ExecutionRecord>('executions', cluster.partitions, EXECUTION_SEARCH)),
    taskRuns: placed(state<TaskRun>('task-runs', cluster.partitions)),
    jobs: (group: string): Topic<Job> => ({
      name: `jobs.${group}`,
      kind: 'jobs',
      partitions: 32,
      decode: decodeAs<Job>(`jobs.${group}`),
    }),
    workerCommands: events<WorkerCommand>('worker-commands', 1, DAY),
    resourceCommands: input<ResourceCommand>('resource-commands', resourcePartitions, DAY),
    resources: state<Resource>('resources', resourcePartitions),
    flowEvents: input<FlowEvent>('flow-events', resourcePartitions, 2 * DAY),
    flowState: state<FlowRecord>('flow-state', resourcePartitions),
    triggerEvents: input<TriggerEvent>('trigger-events', resourcePartitions, 2 * DAY),
    triggers: state<TriggerRecord>('triggers', resourcePartitions, TRIGGER_SEARCH),
    serviceEvents: input<ServiceEvent>('service-events', 1, HOUR),
    services: state<ServiceInstance>('services', 1),
    replies: events<Reply>('replies', 1, HOUR),
    logs: placed<LogRecord>({ ...events<LogRecord>('logs', cluster.partitions, 30 * DAY), ...LOG_SEARCH }),
    metrics: placed<MetricRecord>({
      ...events<MetricRecord>('metrics', cluster.partitions, 30 * DAY),
      ...METRIC_SEARCH,
    }),
    deadLetters: events<DeadLetterRecord>('dead-letters', 1, 30 * DAY),
    /** Written by the indexer; key: topic and partition. */
    indexProgress: state<IndexProgress>('index-progress', 1),
    /** Written while an index is rebuilt, by the command and the indexers; keys: `indexGenerationKey`. */
    indexGeneration: state<IndexGenerationRecord>('index-generation', 1),
  } as const;
}

export type Topics = ReturnType<typeof createTopics>;
