import type { Scope } from '@millrace/authorization';
import type { ExecutionCreated, ExecutionRecord, ExecutionVariables, MetricEntry, TriggerState } from '@millrace/model';
import type {
  ExecutionRecords,
  LogFilter,
  MetricAggregationQuery,
  MetricQuery,
  MetricSource,
  Page,
  PlacedLogEntry,
  Repository,
  SearchQuery,
  Selection,
  TriggerName,
} from './contract.js';

/**
 * A store that holds all, or only some, of what a repository answers. A whole repository is one part (`repositoryOf`), or
 * two that are joined: the index, and what is newer than it. Every call says what the other part has (`Without`), so that
 * nothing is answered twice and totals add up. As in `Repository`, the scope comes first.
 *
 * Both parts answer in the same order, or a page of the two would not be one: text by its UTF-8 bytes, what is absent first
 * ascending and last descending, and what is equal by key ascending (executions, triggers), by position descending and then
 * execution id ascending (searched logs), or by position ascending (metrics).
 */
export interface RepositoryPart extends Pick<Repository, 'executionHead' | 'trigger' | 'close'> {
  /**
   * As `Repository.executionRecords`. With `hasHead` the other part has the head, and the scope covers it: then what is here
   * is answered also without one, for the topics of heads and of task runs are not read equally fast.
   */
  executionRecords(
    scope: Scope,
    executionId: string,
    hasHead?: boolean,
  ): Promise<ReadonlyMap<string, ExecutionRecord> | undefined>;

  /** Rows `window` of all that fit, in order; `total` counts all that fit. */
  searchExecutions(scope: Scope, query: Search, window: Window, without?: WithoutKeys): Promise<Page<ExecutionRecords>>;

  /** What a list shows of executions beside their heads, by key (`keyOf(tenant, executionId)`); absent: not here. */
  executionParts(scope: Scope, keys: readonly string[]): Promise<ReadonlyMap<string, ExecutionParts>>;

  executionLogs(
    scope: Scope,
    executionId: string,
    filter: LogFilter,
    without?: WithoutPositions,
  ): Promise<readonly PlacedLogEntry[]>;

  searchLogs(scope: Scope, query: Search, window: Window, without?: WithoutPositions): Promise<Page<PlacedLogEntry>>;

  executionMetrics(
    scope: Scope,
    executionId: string,
    query: Omit<MetricQuery, 'page' | 'size'>,
    window: Window,
    without?: WithoutPositions,
  ): Promise<Page<PlacedMetric>>;

  countLogs(scope: Scope, selection: Selection, without?: WithoutPositions): Promise<number>;
  countMetrics(scope: Scope, selection: Selection, without?: WithoutPositions): Promise<number>;
  metricNames(scope: Scope, of: MetricSource): Promise<readonly string[]>;
  metricTasks(scope: Scope, of: Pick<MetricSource, 'namespace' | 'flowId'>): Promise<readonly string[]>;

  /** Figures of the smallest groups (`baseGroupMs`) of the range that have any value, in order of `start`. */
  metricFigures(
    scope: Scope,
    query: MetricAggregationQuery,
    without?: WithoutPositions,
  ): Promise<readonly MetricFigures[]>;

  searchTriggers(scope: Scope, query: Search, window: Window, without?: WithoutKeys): Promise<Page<TriggerState>>;
}

export type Search = Omit<SearchQuery, 'page' | 'size'>;

/** Rows of the whole answer: from the `from`-th on (0 for the first), at most `size`. */
export interface Window {
  readonly from: number;
  readonly size: number;
}

/** Keys that the other part has in a newer state. Of executions `keyOf(tenant, id)`; of triggers `triggerKeyOf`. */
export interface WithoutKeys {
  readonly keys: ReadonlySet<string>;
}

/** Entries that the other part has: those of a partition from this position on. A partition without one: none. */
export interface WithoutPositions {
  readonly from: ReadonlyMap<number, number>;
}

export interface ExecutionParts {
  readonly created?: ExecutionCreated;
  readonly variables?: ExecutionVariables;
}

export interface PlacedMetric {
  readonly entry: MetricEntry;
  readonly partition: number;
  readonly position: number;
}

export interface MetricFigures {
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** The key of a trigger in `WithoutKeys`. */
export const triggerKeyOf = (tenant: string, { namespace, flowId, triggerId }: TriggerName): string =>
  [tenant, namespace, flowId, triggerId].map(encodeURIComponent).join('/');
