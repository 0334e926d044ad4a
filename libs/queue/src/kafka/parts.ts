import type { Clock } from '@millrace/model';
import type { EncodedRecord } from '../shell/commit.js';
import type { Admin } from 'kafkajs';
import type { Faults } from '../store/faults.js';
import type { CommitGate } from './commit-gate.js';
import type { Connections, Wire } from './connections.js';
import type { Feeds } from './feeds.js';
import type { KafkaGroupTimes, KafkaLog } from './options.js';
import type { Publisher } from './publisher.js';
import type { LogReader } from './reader.js';
import type { KafkaRecord } from './records.js';
import type { TopicCatalog } from './topics.js';

/** What the parts of one process's queue share. */
export interface KafkaParts {
  readonly clock: Clock;
  readonly instance: string;
  readonly brokers: string;
  readonly connections: Connections;
  /** For look-ups and for what is there already; nothing waits on it for long. */
  readonly wire: Wire;
  readonly reader: LogReader;
  readonly feeds: Feeds;
  readonly topics: TopicCatalog;
  readonly publisher: Publisher;
  readonly gate: CommitGate;
  /** Connected at the first use. */
  admin(): Promise<Admin>;
  readonly group: KafkaGroupTimes;
  readonly log: KafkaLog;
  /** Only the contract suite sets it. */
  readonly faults?: Faults;
  /** Only the cluster tests set it. */
  readonly broken?: 'no-fencing';
  /** Records as they are written: jobs get the partition of a worker with free slots, removed jobs become marks. */
  outgoing(records: readonly EncodedRecord[]): readonly KafkaRecord[] | Promise<readonly KafkaRecord[]>;
}
