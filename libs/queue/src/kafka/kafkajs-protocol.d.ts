/**
 * The protocol layer of kafkajs 2.2.4, as far as it is used here: connections, authentication, metadata, encoding. It is
 * not part of kafkajs's documented interface, so the version is pinned exactly, and the contract suite runs against a real
 * broker. Why it is used: docs/decisions/0005-kafka-protocol-layer.md.
 */
declare module 'kafkajs/src/cluster/index.js' {
  import type { Socket } from 'node:net';
  import type { ISocketFactory } from 'kafkajs';
  import type { BrokerOptions } from 'kafkajs/src/broker/index.js';
  import type { ProtocolLogger } from 'kafkajs/src/loggers/index.js';

  export interface MetadataAnswer {
    readonly topicMetadata: readonly {
      readonly topic: string;
      readonly partitionMetadata: readonly {
        readonly partitionErrorCode: number;
        readonly partitionId: number;
        readonly leader: number;
      }[];
    }[];
  }

  /** A request, and how its answer is read. */
  export interface ProtocolExchange {
    readonly request: { readonly apiKey: number };
    readonly response: object;
  }

  export interface MetadataExchange extends ProtocolExchange {
    readonly response: { parse(answer: MetadataAnswer): Promise<MetadataAnswer> };
  }

  export interface ProtocolConnection {
    /** The one of the last `connect`. */
    readonly socket?: Socket;
    connect(): Promise<unknown>;
  }

  /** The connections to one broker: one for fetching, one for everything else. */
  export interface ProtocolConnectionPool {
    readonly host: string;
    readonly port: number;
    readonly connectionTimeout: number;
    readonly pool: readonly ProtocolConnection[];
    send(exchange: ProtocolExchange): Promise<unknown>;
  }

  export interface RawMessage {
    readonly offset: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly timestamp: string;
    readonly headers: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>>;
    readonly isControlRecord: boolean;
    readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  }

  export interface FetchedPartition {
    readonly partition: number;
    readonly highWatermark: string;
    readonly lastStableOffset: string;
    readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
    readonly messages: readonly RawMessage[];
  }

  export interface ProducedMessage {
    readonly key: string | Buffer | null;
    readonly value: string | Buffer | null;
    readonly timestamp: number;
    readonly headers?: Readonly<Record<string, string>>;
  }

  export interface ProduceTopic {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence: number;
      readonly messages: readonly ProducedMessage[];
    }[];
  }

  export interface ProtocolBroker {
    readonly nodeId: number;
    readonly connectionPool: ProtocolConnectionPool;
    isConnected(): boolean;
    fetch(request: {
      maxWaitTime: number;
      minBytes: number;
      maxBytes: number;
      isolationLevel: 0 | 1;
      topics: readonly {
        topic: string;
        partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
      }[];
    }): Promise<{ responses: readonly { topicName: string; partitions: readonly FetchedPartition[] }[] }>;
    listOffsets(request: {
      isolationLevel: 0 | 1;
      topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: string }[] }[];
    }): Promise<{
      responses: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[];
    }>;
    initProducerId(request: {
      transactionalId?: string;
      transactionTimeout?: number;
    }): Promise<{ producerId: string; producerEpoch: number }>;
    addPartitionsToTxn(request: {
      transactionalId: string;
      producerId: string;
      producerEpoch: number;
      topics: readonly { topic: string; partitions: readonly number[] }[];
    }): Promise<unknown>;
    endTxn(request: {
      transactionalId: string;
      producerId: string;
      producerEpoch: number;
      transactionResult: boolean;
    }): Promise<unknown>;
    produce(request: {
      transactionalId?: string;
      producerId: string;
      producerEpoch: number;
      acks: -1;
      timeout: number;
      topicData: readonly ProduceTopic[];
    }): Promise<{
      topics: readonly {
        topicName: string;
        partitions: readonly { partition: number; baseOffset: string; logAppendTime: string }[];
      }[];
    }>;
    findGroupCoordinator(request: { groupId: string; coordinatorType: 0 | 1 }): Promise<unknown>;
    joinGroup(request: {
      groupId: string;
      sessionTimeout: number;
      rebalanceTimeout: number;
      memberId: string;
      groupProtocols: readonly { name: string; metadata: Buffer }[];
    }): Promise<{
      generationId: number;
      leaderId: string;
      memberId: string;
      members: readonly { memberId: string; memberMetadata: Buffer }[];
    }>;
    syncGroup(request: {
      groupId: string;
      generationId: number;
      memberId: string;
      groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
    }): Promise<{ memberAssignment: Buffer }>;
    heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
    leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
    offsetFetch(request: {
      groupId: string;
      topics: readonly { topic: string; partitions: readonly { partition: number }[] }[];
    }): Promise<{
      responses: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[];
    }>;
    offsetCommit(request: {
      groupId: string;
      groupGenerationId: number;
      memberId: string;
      topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[];
    }): Promise<unknown>;
  }

  export interface ClusterOptions {
    readonly logger: ProtocolLogger;
    readonly socketFactory: ISocketFactory;
    /** Asked whenever it must begin anew. */
    readonly brokers: () => readonly string[];
    readonly ssl: object | undefined;
    readonly sasl: object | undefined;
    readonly clientId: string;
    readonly connectionTimeout: number;
    readonly authenticationTimeout: number;
    readonly reauthenticationThreshold: number;
    readonly requestTimeout: number;
    readonly enforceRequestTimeout: boolean;
    readonly metadataMaxAge: number;
    readonly allowAutoTopicCreation: boolean;
    readonly maxInFlightRequests: number | null;
    readonly retry: object;
  }

  export default class Cluster {
    constructor(options: ClusterOptions);
    readonly connectionPoolBuilder: {
      build(destination?: { host?: string; port?: number; rack?: string }): Promise<ProtocolConnectionPool>;
    };
    readonly brokerPool: {
      readonly brokers: Readonly<Record<string, ProtocolBroker>>;
      createBroker(options: BrokerOptions): ProtocolBroker;
    };
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
    refreshMetadata(): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    findBroker(node: { nodeId: string }): Promise<ProtocolBroker>;
    findControllerBroker(): Promise<ProtocolBroker>;
    findGroupCoordinator(request: { groupId: string; coordinatorType: 0 | 1 }): Promise<ProtocolBroker>;
    findTopicPartitionMetadata(topic: string): readonly { partitionId: number; leader: number }[];
    findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  }
}

declare module 'kafkajs/src/broker/index.js' {
  import type { ProtocolBroker, ProtocolConnectionPool } from 'kafkajs/src/cluster/index.js';

  export interface BrokerOptions {
    readonly connectionPool: ProtocolConnectionPool;
    readonly authenticationTimeout?: number;
    readonly allowAutoTopicCreation?: boolean;
  }

  /** Its requests are those of `ProtocolBroker`. */
  class Broker {
    constructor(options: BrokerOptions);
    /** Asked for when connecting, unless they are known. */
    versions: object | null;
    isConnected(): boolean;
    connect(): Promise<void>;
    disconnect(): Promise<void>;
  }
  interface Broker extends ProtocolBroker {}
  export default Broker;
}

declare module 'kafkajs/src/admin/index.js' {
  import type { Admin } from 'kafkajs';
  import type Cluster from 'kafkajs/src/cluster/index.js';
  import type { ProtocolLogger } from 'kafkajs/src/loggers/index.js';

  export default function createAdmin(parts: { logger: ProtocolLogger; retry: object; cluster: Cluster }): Admin;
}

declare module 'kafkajs/src/loggers/index.js' {
  import type { logCreator } from 'kafkajs';

  export interface ProtocolLogger {
    namespace(name: string): ProtocolLogger;
  }
  interface Loggers {
    createLogger(options: { level: number; logCreator: logCreator }): ProtocolLogger;
  }
  const loggers: Loggers;
  export default loggers;
}
