import type { ClusterState } from './cluster.js';
import type { RecordCondition } from './record-conditions.js';

/**
 * What a topic is, in Kafka's words. `events` are an append-only log; `state` is compacted: the newest value of a record
 * counts and null removes it; `jobs` are handed to one of many competing workers.
 */
export type TopicKind = 'events' | 'state' | 'jobs';

/** A column that the SQL adapter keeps beside the record, so that searches are served by an index. */
export interface Column<Value> {
  readonly type: 'text' | 'integer';
  /** undefined for a record that has no such column (the row holds NULL). */
  of(value: Value, record: { readonly key: string; readonly id: string }): string | number | undefined;
}

export interface Topic<Value> {
  /** Also the table's name on SQL, with `-` and `.` as `_`. */
  readonly name: string;
  readonly kind: TopicKind;
  readonly partitions: number;
  /**
   * Of topics whose keys end with an execution's id: the id's placement says over how many of the partitions the key is
   * spread, and `partitions` grows (protocols.md part 2.4).
   */
  readonly cluster?: ClusterState;
  /** How long an event is kept after it was written, in milliseconds; state is kept until it is removed. */
  readonly retentionMs?: number;
  /** Events that a processor reads: none is removed before it was applied, however old it is. */
  readonly input?: true;
  /** Searchable columns; they cost space, so only what lists filter or sort by. */
  readonly columns?: Readonly<Record<string, Column<Value>>>;
  /** Index definitions over `columns`, each a list of column names, optionally with ` desc`. */
  readonly indexes?: Readonly<Record<string, readonly string[]>>;
  /**
   * Of `events`: conditions on the earlier records of the same partition that this record removes. Stores in which people
   * search remove them when it is written; elsewhere it is a record like any other, for those who keep copies.
   */
  purges?(value: Value): readonly RecordCondition[] | undefined;
  /** Parses a value read from the log or a table: the border at which its shape is checked, once. */
  readonly decode: (stored: unknown) => Value;
}

/** A record to be written. `key` decides the partition; records of one key keep their order. */
export interface OutgoingRecord<Value = unknown> {
  readonly topic: Topic<Value>;
  readonly key: string;
  /** Tells the records of one key apart in a `state` topic (an execution's head and task runs); '' elsewhere. */
  readonly id?: string;
  /** null removes the record (`state`) or the job (`jobs`). */
  readonly value: Value | null;
  /** Goes to every partition of the topic instead of the key's (`events` only). */
  readonly broadcast?: boolean;
}

/** An outgoing record whose value is checked against its topic, in the form that takes records of any topic. */
export const outgoing = <Value>(record: OutgoingRecord<Value>): OutgoingRecord => record;
