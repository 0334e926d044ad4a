/** The servers that a cluster is made of. */
export const ROLES = ['executor', 'worker', 'scheduler', 'indexer', 'webserver'] as const;
export type Role = (typeof ROLES)[number];

/** The record of a running server instance on `services`, written with each heartbeat. Never reused once lost. */
export interface ServiceInstance {
  readonly instance: string;
  readonly role: Role;
  readonly host: string;
  readonly state: 'RUNNING' | 'MAINTENANCE' | 'TERMINATING' | 'TERMINATED_GRACEFULLY' | 'DISCONNECTED';
  /** Milliseconds since the epoch, by the instance's clock; for people, never for deciding who is alive. */
  readonly startedAt: number;
  readonly heartbeatAt: number;
  /** When the liveness processor saw the last heartbeat, by its own clock; set by it alone. */
  readonly seenAt?: number;
  /** Workers: the group, its slots and how many are free. */
  readonly group?: string;
  readonly slots?: number;
  readonly freeSlots?: number;
  /** Highest record format that the server reads. */
  readonly format: number;
  /** Number of placement generations that the server knows (protocols.md part 2.4). Absent: 1, the first. */
  readonly placements?: number;
  /** Of the product. */
  readonly version?: string;
  /** Partitions that it owns or reads, by processor or consumer group. */
  readonly partitions?: Readonly<Record<string, readonly number[]>>;
}

/**
 * Heartbeat every 2 s. 8 s without one and the lease is over: the instance takes no new work. After 2 s more it has
 * stopped its tasks by itself, and only then is it declared lost and its jobs given to others (protocols.md part 3.6).
 */
export const LIVENESS = { heartbeatMs: 2_000, leaseMs: 8_000, graceMs: 2_000 } as const;

/** What the liveness processor reads; key: the instance. */
export type ServiceEvent =
  | { readonly kind: 'heartbeat'; readonly service: ServiceInstance }
  /**
   * The embedded product starts: every instance but `keep` is gone, because the data folder is locked by this process.
   * Broadcast; becomes one `declared-lost` for each instance.
   */
  | { readonly kind: 'all-earlier-lost'; readonly keep: readonly string[] }
  | { readonly kind: 'declared-lost'; readonly instance: string }
  /**
   * The processor's own question, whether an instance is lost that was seen last at `seenAt`: answered when it is read back,
   * after every heartbeat that was written before it.
   */
  | { readonly kind: 'lease-over'; readonly instance: string; readonly seenAt: number };
