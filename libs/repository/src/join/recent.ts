import type { Scope } from '@millrace/authorization';
import type { ExecutionRecord, TriggerState } from '@millrace/model';
import type { Freshness, TriggerName } from '../contract.js';
import type { RepositoryPart, WithoutKeys, WithoutPositions } from '../part.js';

/** What is read by searches, and not by key. */
export type Searches = Omit<RepositoryPart, 'executionHead' | 'executionRecords' | 'trigger' | 'close'>;

/** Records of which the other part is asked for nothing. */
export interface Newer {
  /** 'too many': more than anybody can be asked to leave out; the other part answers alone. */
  readonly executions: WithoutKeys | 'too many';
  readonly triggers: WithoutKeys | 'too many';
  readonly logs: WithoutPositions;
  readonly metrics: WithoutPositions;
}

/** The kinds of records that parts have. */
export type Kind = keyof Newer;

/** Records of one execution, whether its head is among them or not. */
export interface RecentRecords {
  readonly records: ReadonlyMap<string, ExecutionRecord>;
  /** Ids of records that were removed. */
  readonly removed: ReadonlySet<string>;
}

/**
 * The part that has what is newer than the index. What leaves it was found by searches of the index before, so whoever reads
 * here first and there second misses nothing.
 */
export interface RecentPart {
  /** What one call of `read` answers, and what is newer here: both of the same moment. */
  search<Of extends Kind, Answer>(
    of: Of,
    read: (searches: Searches) => Promise<Answer>,
  ): Promise<{ readonly answer: Answer; readonly newer: Newer[Of] }>;
  /** Within the tenant of the scope; its namespaces are for who knows the head. */
  records(scope: Scope, executionId: string): Promise<RecentRecords>;
  /** 'removed': its last record says so. */
  trigger(scope: Scope, name: TriggerName): Promise<TriggerState | 'removed' | undefined>;
  /** Costs nothing. */
  freshness(): Freshness;
  close(): Promise<void>;
}
