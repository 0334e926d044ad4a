/// <reference path="./kafkajs-protocol.d.ts" />
import net from 'node:net';
import tls from 'node:tls';
import { Kafka, logLevel, type Admin, type ISocketFactory, type logCreator, type SASLOptions } from 'kafkajs';
import Cluster, { type ProtocolBroker } from 'kafkajs/src/cluster/index.js';
import loggers from 'kafkajs/src/loggers/index.js';
import { isConnectionFailure } from './failure.js';
import type { KafkaConnection, KafkaLog, KafkaSasl, KafkaTls } from './options.js';

/** Answers come within it or the connection counts as broken. */
const METADATA_AGE_MS = 300_000;
/** Of the client's own retries; what lasts longer is retried, and logged, by us. */
const RETRY = { initialRetryTime: 20, maxRetryTime: 500, factor: 0.2, multiplier: 1.5, retries: 8 };
const KEEP_ALIVE_MS = 60_000;

/** Makes connections to the brokers, and can break them all at once, as the end of the process would. */
export interface Connections {
  readonly brokers: string;
  /** Sockets of its own: a request that the broker keeps waiting holds up every later one on the same socket. */
  open(): Promise<Wire>;
  admin(): Admin;
  /** Breaks every connection without a word, and lets none be made again. */
  sever(): void;
}

/** Sends requests to whichever broker is in charge, over sockets of its own. */
export interface Wire {
  /** Learns where the topics are. */
  know(topics: readonly string[]): Promise<void>;
  /** Partitions by the id of the broker that leads them. @throws when a leader is not known at the moment */
  leaders(topic: string, partitions: readonly number[]): ReadonlyMap<string, readonly number[]>;
  partitionCount(topic: string): number;
  broker(nodeId: string): Promise<ProtocolBroker>;
  anyBroker(): Promise<ProtocolBroker>;
  coordinator(kind: 'group' | 'transaction', id: string): Promise<ProtocolBroker>;
  /** After a failure: what was known of the brokers is looked up anew. Never rejects. */
  recover(thrown: unknown): Promise<void>;
  close(): Promise<void>;
}

export function createConnections(connection: KafkaConnection, log: KafkaLog): Connections {
  const sockets = new Set<net.Socket>();
  let severed = false;
  const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const socket = ssl
      ? tls.connect({ host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
      : net.connect({ host, port }, onConnect);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (severed) socket.destroy(new Error('The connections of this process were severed'));
    return socket;
  };
  const creator: logCreator =
    () =>
    ({ namespace, label, log: { message, ...details } }) =>
      log.debug({ client: namespace, level: label, ...withoutSecrets(details) }, message);
  const settings = {
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    ssl: connection.tls && tlsOptions(connection.tls),
    sasl: connection.sasl && saslOptions(connection.sasl),
    connectionTimeout: connection.connectionTimeoutMs,
    authenticationTimeout: connection.connectionTimeoutMs,
    reauthenticationThreshold: 10_000,
    requestTimeout: connection.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: RETRY,
    socketFactory,
  };
  const logger = loggers.createLogger({ level: logLevel.WARN, logCreator: creator });
  return {
    brokers: connection.brokers.join(', '),
    async open() {
      const cluster = new Cluster({
        ...settings,
        logger,
        metadataMaxAge: METADATA_AGE_MS,
        allowAutoTopicCreation: false,
        maxInFlightRequests: null,
      });
      await cluster.connect();
      return new ClusterWire(cluster);
    },
    admin() {
      const { ssl, sasl, ...rest } = settings;
      return new Kafka({
        ...rest,
        ...(ssl ? { ssl } : {}),
        ...(sasl ? { sasl } : {}),
        logLevel: logLevel.WARN,
        logCreator: creator,
      }).admin();
    },
    sever() {
      severed = true;
      // With an error, or requests under way would not be told.
      for (const socket of sockets) socket.destroy(new Error('The connections of this process were severed'));
    },
  };
}

class ClusterWire implements Wire {
  readonly #cluster: Cluster;
  readonly #topics = new Set<string>();
  #nodes: readonly string[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async know(topics: readonly string[]): Promise<void> {
    if (topics.every((topic) => this.#topics.has(topic))) return this.#cluster.refreshMetadataIfNecessary();
    await this.#cluster.addMultipleTargetTopics(topics);
    for (const topic of topics) this.#topics.add(topic);
  }

  leaders(topic: string, partitions: readonly number[]): ReadonlyMap<string, readonly number[]> {
    const found = new Map(Object.entries(this.#cluster.findLeaderForPartitions(topic, partitions)));
    const known = [...found.values()].reduce((sum, list) => sum + list.length, 0);
    if (known < partitions.length || found.has('-1'))
      throw new Error(`No broker leads every partition of '${topic}' at the moment`);
    this.#nodes = [...found.keys()];
    return found;
  }

  partitionCount(topic: string): number {
    return this.#cluster.findTopicPartitionMetadata(topic).length;
  }

  broker(nodeId: string): Promise<ProtocolBroker> {
    return this.#cluster.findBroker({ nodeId });
  }

  async anyBroker(): Promise<ProtocolBroker> {
    const [first] = this.#nodes;
    return first === undefined ? this.#cluster.findControllerBroker() : this.broker(first);
  }

  coordinator(kind: 'group' | 'transaction', id: string): Promise<ProtocolBroker> {
    return this.#cluster.findGroupCoordinator({ groupId: id, coordinatorType: kind === 'group' ? 0 : 1 });
  }

  async recover(thrown: unknown): Promise<void> {
    if (isConnectionFailure(thrown)) this.#forgetBroker(thrown);
    try {
      await this.#cluster.refreshMetadata();
    } catch {
      // Still unreachable: the caller's next try finds out.
    }
  }

  close(): Promise<void> {
    return this.#cluster.disconnect();
  }

  /** The client keeps a broken broker in its pool unless it is told. */
  #forgetBroker(thrown: unknown): void {
    const address = typeof thrown === 'object' && thrown !== null && 'broker' in thrown ? thrown.broker : undefined;
    if (typeof address !== 'string') return;
    const at = address.lastIndexOf(':');
    try {
      this.#cluster.removeBroker({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
    } catch {
      // The client has no broker at all any more; the next connection finds one.
    }
  }
}

const tlsOptions = (tlsSettings: KafkaTls): tls.ConnectionOptions => ({
  rejectUnauthorized: tlsSettings.rejectUnauthorized,
  ...(tlsSettings.certificateAuthority === undefined ? {} : { ca: [tlsSettings.certificateAuthority] }),
  ...(tlsSettings.certificate === undefined ? {} : { cert: tlsSettings.certificate }),
  ...(tlsSettings.key === undefined ? {} : { key: tlsSettings.key }),
  ...(tlsSettings.passphrase === undefined ? {} : { passphrase: tlsSettings.passphrase }),
  ...(tlsSettings.serverName === undefined ? {} : { servername: tlsSettings.serverName }),
});

function saslOptions({ mechanism, username, password }: KafkaSasl): SASLOptions {
  const account = { username, password: password() };
  switch (mechanism) {
    case 'plain':
      return { mechanism, ...account };
    case 'scram-sha-256':
      return { mechanism, ...account };
    case 'scram-sha-512':
      return { mechanism, ...account };
    default:
      return mechanism satisfies never;
  }
}

/** What the client logs of a failure, without stacks and without anything of its configuration. */
function withoutSecrets(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(details)) {
    if (['timestamp', 'logger', 'stack'].includes(name)) continue;
    if (['string', 'number', 'boolean'].includes(typeof value)) kept[name] = value;
  }
  return kept;
}
