import type { Clock } from '@millrace/model';
import type { StoredTopic } from '../shell/commit.js';

/** How to reach the brokers. */
export interface KafkaConnection {
  /** `host:port` of some of the brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** PEM texts, not files. */
export interface KafkaTls {
  readonly certificateAuthority?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** Name that the brokers' certificate must have, when it is not the host's. */
  readonly serverName?: string;
  /** False accepts any certificate: for tries only. */
  readonly rejectUnauthorized: boolean;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  /** Reveals the password; called once, when the connections are set up. */
  readonly password: () => string;
}

/** How topics are made and checked. */
export interface KafkaTopicSettings {
  /** Before every name of a topic, consumer group and transaction: several installations share one cluster. */
  readonly prefix: string;
  readonly replicationFactor: number;
  /** `verify`: a topic that is missing is refused with the command that makes it. */
  readonly create: 'create' | 'verify';
  /** Settings of Kafka by topic name (without the prefix), `*` for all; they win over ours. */
  readonly overrides: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Times of group membership, in milliseconds. */
export interface KafkaGroupTimes {
  /** So long after its last sign of life a member's partitions go to others. */
  readonly sessionTimeoutMs: number;
  /** How long the others wait for a member to take part in a new distribution. */
  readonly rebalanceTimeoutMs: number;
}

/** The log of the server that uses the queue; pino fulfils it. */
export interface KafkaLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What must be known of a topic to make it. */
export interface DeclaredTopic extends Pick<
  StoredTopic,
  'name' | 'kind' | 'partitions' | 'retentionMs' | 'input' | 'cluster'
> {
  /** Settings of Kafka that this topic needs besides those of its kind. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface KafkaQueueOptions {
  readonly clock: Clock;
  /** Tells this process apart from others. */
  readonly instance: string;
  readonly connection: KafkaConnection;
  readonly topicSettings: KafkaTopicSettings;
  readonly group: KafkaGroupTimes;
  /** Made or checked at the start, so that a wrong partition count or a missing right is refused there. */
  readonly topics: readonly DeclaredTopic[];
  readonly log: KafkaLog;
  /** How far the host's clock may be off the brokers'. Default 2 s (protocols.md part 1.6). */
  readonly clockToleranceMs?: number;
}

/** What an installation has unless it says otherwise. */
export const KAFKA_DEFAULTS = {
  clientId: 'millrace',
  prefix: 'millrace-',
  replicationFactor: 1,
  connectionTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  group: { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 10_000 },
} as const;
