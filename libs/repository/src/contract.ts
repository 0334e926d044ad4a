import type { Scope } from '@millrace/authorization';
import type {
  ExecutionCreated,
  ExecutionHead,
  ExecutionRecord,
  ExecutionVariables,
  LogEntry,
  LogLevel,
  MetricEntry,
  ObservationSelection,
  TaskRun,
  TriggerState,
} from '@millrace/model';
import type { QueryFilter } from './filters.js';

/**
 * The query side: what has been committed, read in pages. Every call takes the scope first; what lies outside it is
 * answered like what does not exist. Answers are records; `presentation` turns them into what the API shows.
 */
export interface Repository {
  /** All records of one execution; `taskRuns` in order of creation. undefined: unknown, or outside the scope. */
  execution(scope: Scope, executionId: string): Promise<ExecutionRecords | undefined>;

  /** Only the head: what tells the state of an execution. undefined: unknown, or outside the scope. */
  executionHead(scope: Scope, executionId: string): Promise<ExecutionHead | undefined>;

  /**
   * Every record of one execution by its id, loop values and the like included: what a copy of it is made of. undefined:
   * unknown, or outside the scope.
   */
  executionRecords(scope: Scope, executionId: string): Promise<ReadonlyMap<string, ExecutionRecord> | undefined>;

  /**
   * A page of executions, without their task runs (`taskRuns` is empty: a page stays small however large the executions
   * are). Newest first unless sorted otherwise.
   * @throws RepositoryError INVALID_QUERY, BUSY
   */
  searchExecutions(scope: Scope, query: SearchQuery): Promise<Page<ExecutionRecords>>;

  /**
   * Log entries of one execution in order (time, sequence of the task run, line), at most `filter.limit`; go on with
   * `filter.after` = the last entry's place.
   * @throws RepositoryError BUSY
   */
  logs(scope: Scope, executionId: string, filter: LogFilter): Promise<readonly PlacedLogEntry[]>;

  /** @throws RepositoryError INVALID_QUERY, BUSY */
  searchLogs(scope: Scope, query: SearchQuery): Promise<Page<LogEntry>>;

  /** @throws RepositoryError INVALID_QUERY, BUSY */
  metrics(scope: Scope, executionId: string, query: MetricQuery): Promise<Page<MetricEntry>>;

  /**
   * How many log entries fit: what a purge of them would remove.
   * @throws RepositoryError BUSY
   */
  countLogs(scope: Scope, selection: Selection): Promise<number>;

  /** As `countLogs`, of metrics. @throws RepositoryError BUSY */
  countMetrics(scope: Scope, selection: Selection): Promise<number>;

  /** Names of the metrics that a flow, or one task of it, has published; sorted. @throws RepositoryError BUSY */
  metricNames(scope: Scope, of: MetricSource): Promise<readonly string[]>;

  /** Ids of the tasks of a flow that have published metrics; sorted. @throws RepositoryError BUSY */
  metricTasks(scope: Scope, of: Pick<MetricSource, 'namespace' | 'flowId'>): Promise<readonly string[]>;

  /**
   * A metric of a flow, or of one task of it, over time: groups in order, those without a value included.
   * @throws RepositoryError INVALID_QUERY, BUSY
   */
  aggregateMetric(scope: Scope, query: MetricAggregationQuery): Promise<MetricAggregations>;

  /**
   * A page of triggers that have a state; by flow and id unless sorted otherwise.
   * @throws RepositoryError INVALID_QUERY, BUSY
   */
  searchTriggers(scope: Scope, query: SearchQuery): Promise<Page<TriggerState>>;

  /** The state of one trigger; undefined: it has none, or is outside the scope. */
  trigger(scope: Scope, name: TriggerName): Promise<TriggerState | undefined>;

  /** How far what searches find is behind what was committed. Costs nothing. */
  freshness(): Freshness;

  /** Ends running searches with BUSY. Idempotent. */
  close(): Promise<void>;
}

/** How much is found of what was committed. */
export interface Freshness {
  /** Absent: nothing is missing. Present from the first moment on, unlike in a page. */
  readonly behind?: IndexBehind;
  /** What is answered from this process, for the index does not show it yet; absent where there is no index. */
  readonly overlay?: OverlayStatistics;
}

/** What was committed lately is not found by a search. */
export interface IndexBehind {
  /** Age of the oldest record that is not found by searches of the index; whole seconds. */
  readonly seconds: number;
  /** One sentence for people. */
  readonly reason: string;
}

export interface OverlayStatistics {
  /** Records that are kept. */
  readonly rows: number;
  /** Executions and triggers of which the newest state is kept. */
  readonly newerHeads: number;
  /** Age of the oldest record that the index does not show; 0: it shows all. */
  readonly oldestSeconds: number;
}

/** A trigger of a flow. */
export interface TriggerName {
  readonly namespace: string;
  readonly flowId: string;
  readonly triggerId: string;
}

/** The records of one execution as they were committed. */
export interface ExecutionRecords {
  readonly head: ExecutionHead;
  /** Absent only between the first commits of an execution on backends that index. */
  readonly created?: ExecutionCreated;
  readonly variables?: ExecutionVariables;
  readonly taskRuns: readonly TaskRun[];
}

export interface Sort {
  /** One of the fields that the search can sort by. */
  readonly field: string;
  readonly direction: 'asc' | 'desc';
}

export interface SearchQuery {
  /** 1 for the first. */
  readonly page: number;
  readonly size: number;
  readonly sort: readonly Sort[];
  readonly filters: readonly QueryFilter[];
  /** What `timeRange` counts back from; milliseconds since the epoch. */
  readonly now: number;
}

export interface LogFilter {
  /** At least this level. */
  readonly minLevel?: LogLevel;
  readonly taskRunId?: string;
  readonly taskId?: string;
  /** 1 for the first. */
  readonly attempt?: number;
  readonly after?: LogPlace;
  readonly limit: number;
}

/** Where an entry stands in the log of its execution. */
export interface LogPlace {
  readonly timestamp: number;
  readonly taskRunSequence: number;
  readonly lineNumber: number;
  /** Order of writing, which tells apart what is otherwise equal. */
  readonly position: number;
}

export interface PlacedLogEntry {
  readonly entry: LogEntry;
  readonly place: LogPlace;
}

export interface MetricQuery {
  readonly page: number;
  readonly size: number;
  readonly sort: readonly Sort[];
  readonly taskRunId?: string;
  readonly taskId?: string;
}

/** What is selected within the tenant of the scope. */
export type Selection = Omit<ObservationSelection, 'tenant'>;

/** Whose metrics are meant. */
export interface MetricSource {
  readonly namespace: string;
  readonly flowId: string;
  readonly taskId?: string;
}

export const AGGREGATIONS = ['sum', 'avg', 'min', 'max'] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

export interface MetricAggregationQuery extends MetricSource {
  readonly name: string;
  readonly aggregation: Aggregation;
  /** Both in milliseconds since the epoch; `before` is later. */
  readonly from: number;
  readonly before: number;
}

export interface MetricAggregations {
  /** By the length of the range. Groups are those of UTC; a week begins on Monday. */
  readonly groupBy: 'minute' | 'hour' | 'day' | 'week' | 'month';
  readonly aggregations: readonly {
    readonly name: string;
    /** Absent where nothing was published, except for sums, which are 0 there. */
    readonly value?: number;
    /** Start of the group, in milliseconds since the epoch. */
    readonly date: number;
  }[];
}

export interface Page<Item> {
  readonly results: readonly Item[];
  /** Of all pages; counts only what the scope covers. */
  readonly total: number;
  /** Some of what fits may be missing; absent while that is only what was committed in the last `BEHIND_SHOWN_SECONDS`. */
  readonly behind?: IndexBehind;
}

/** Searches may always be this late; nobody is told. */
export const BEHIND_SHOWN_SECONDS = 2;

/** Largest page that a search answers. */
export const PAGE_SIZE_MAX = 1_000;

/** A failure of the repository, with a stable code. */
export class RepositoryError extends Error {
  override readonly name = 'RepositoryError';
  constructor(
    readonly code: 'INVALID_QUERY' | 'BUSY' | 'UNAVAILABLE',
    message: string,
    readonly retryable: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
