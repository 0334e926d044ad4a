/// <reference path="./kafkajs-protocol.d.ts" />
import net from 'node:net';
import tls from 'node:tls';
import { logLevel, type Admin, type ISocketFactory, type logCreator, type SASLOptions } from 'kafkajs';
import createAdmin from 'kafkajs/src/admin/index.js';
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { ProtocolBroker } from 'kafkajs/src/cluster/index.js';
import loggers from 'kafkajs/src/loggers/index.js';
import { createCheckedCluster, NO_ANSWER, SilentBrokers } from './checked-cluster.js';
import { isWithoutCoordinator, LeaderlessError } from './failure.js';
import type { KafkaConnection, KafkaLog, KafkaSasl, KafkaTls } from './options.js';

const METADATA_AGE_MS = 300_000;
/** Partitions that were left out for want of a leader: so soon it is looked for again. */
const LOOK_AGAIN_MS = 1_000;
/** Of the client's own retries; what lasts longer is retried, and logged, by us. */
const RETRY = { initialRetryTime: 20, maxRetryTime: 500, factor: 0.2, multiplier: 1.5, retries: 8 };
const KEEP_ALIVE_MS = 60_000;
const SEVERED = 'The connections of this process were severed';

/** Makes connections to the brokers, and can break them all at once, as the end of the process would. */
export interface Connections {
  readonly brokers: string;
  /** True after `sever`: whoever tries again and again may stop. */
  readonly isSevered: boolean;
  /** Sockets of its own: a request that the broker keeps waiting holds up every later one on the same socket. */
  open(): Promise<Wire>;
  admin(): Admin;
  /** Breaks every connection without a word, and lets none be made again. */
  sever(): void;
}

/** Sends requests to whichever broker is in charge, over sockets of its own. */
export interface Wire {
  /** Learns where the topics are, and where those are now that `knownLeaders` left out. */
  know(topics: readonly string[]): Promise<void>;
  /** Partitions by the id of the broker that leads them. @throws when a leader is not known at the moment */
  leaders(topic: string, partitions: readonly number[]): ReadonlyMap<string, readonly number[]>;
  /** As `leaders`, without the partitions that no broker leads at the moment: the others can go on. */
  knownLeaders(topic: string, partitions: readonly number[]): ReadonlyMap<string, readonly number[]>;
  partitionCount(topic: string): number;
  broker(nodeId: string): Promise<ProtocolBroker>;
  anyBroker(): Promise<ProtocolBroker>;
  coordinator(kind: 'group' | 'transaction', id: string): Promise<ProtocolBroker>;
  /** After a failure: what was known of the brokers is looked up anew. Never rejects. */
  recover(thrown: unknown): Promise<void>;
  /** Requests under way fail at once; the next one connects anew. */
  break(reason: string): void;
  /** Waits for requests under way; then it has no socket any more, and makes none. */
  close(): Promise<void>;
}

/** Sockets that can be broken together. */
class Sockets {
  /** With the address that each is for. */
  readonly #open = new Map<net.Socket, string>();
  #refusal: string | undefined;

  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const connected = (): void => {
      // The client has given it up and may have made another, for which this would count.
      if (!socket.writableEnded) onConnect();
    };
    const socket = ssl
      ? tls.connect({ host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), ...ssl }, connected)
      : net.connect({ host, port }, connected);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // A broker that hangs closes its side late, and the client would take that for the end of the connection after it.
    socket.once('finish', () => socket.destroy());
    this.#open.set(socket, `${host}:${port}`);
    socket.once('close', () => this.#open.delete(socket));
    if (this.#refusal !== undefined) socket.destroy(new Error(this.#refusal));
    return socket;
  };

  /** All, or those to one broker. With an error, or requests under way would not be told. */
  break(reason: string, to?: string): void {
    for (const [socket, address] of this.#open)
      if (to === undefined || to === address) socket.destroy(new Error(reason));
  }

  /** Breaks them, and lets none be made again. */
  refuse(reason: string): void {
    this.#refusal = reason;
    this.break(reason);
  }
}

export function createConnections(connection: KafkaConnection, log: KafkaLog): Connections {
  const all = new Set<Sockets>();
  const silent = new SilentBrokers((address) => {
    for (const sockets of all) sockets.break(NO_ANSWER, address);
  });
  let severed = false;
  const creator: logCreator =
    () =>
    ({ namespace, label, log: { message, ...details } }) =>
      log.debug({ client: namespace, level: label, ...withoutSecrets(details) }, message);
  const logger = loggers.createLogger({ level: logLevel.WARN, logCreator: creator });
  const settings = {
    logger,
    brokers: connection.brokers,
    clientId: connection.clientId,
    ssl: connection.tls && tlsOptions(connection.tls),
    sasl: connection.sasl && saslOptions(connection.sasl),
    connectionTimeout: connection.connectionTimeoutMs,
    authenticationTimeout: connection.connectionTimeoutMs,
    reauthenticationThreshold: 10_000,
    requestTimeout: connection.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: RETRY,
    metadataMaxAge: METADATA_AGE_MS,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
  };
  const newCluster = () => {
    const sockets = new Sockets();
    if (severed) sockets.refuse(SEVERED);
    all.add(sockets);
    const cluster = createCheckedCluster({ ...settings, socketFactory: sockets.factory }, silent);
    const forget = (): void => {
      sockets.refuse('This connection was closed');
      all.delete(sockets);
    };
    return { cluster, sockets, forget };
  };
  return {
    brokers: connection.brokers.join(', '),
    get isSevered() {
      return severed;
    },
    async open() {
      const { cluster, sockets, forget } = newCluster();
      try {
        await cluster.connect();
        return new ClusterWire(cluster, sockets, forget);
      } catch (thrown) {
        forget();
        throw thrown;
      }
    },
    admin: () => createAdmin({ logger, retry: RETRY, cluster: newCluster().cluster }),
    sever() {
      severed = true;
      for (const sockets of all) sockets.refuse(SEVERED);
    },
  };
}

class ClusterWire implements Wire {
  readonly #cluster: Cluster;
  readonly #sockets: Sockets;
  readonly #forget: () => void;
  readonly #topics = new Set<string>();
  #lookAgainAt = Infinity;

  constructor(cluster: Cluster, sockets: Sockets, forget: () => void) {
    this.#cluster = cluster;
    this.#sockets = sockets;
    this.#forget = forget;
  }

  async know(topics: readonly string[]): Promise<void> {
    const isMissingLeaders = Date.now() >= this.#lookAgainAt;
    if (isMissingLeaders) this.#lookAgainAt = Infinity;
    if (!topics.every((topic) => this.#topics.has(topic))) {
      await this.#cluster.addMultipleTargetTopics(topics);
      for (const topic of topics) this.#topics.add(topic);
    } else if (isMissingLeaders) await this.#cluster.refreshMetadata();
    else await this.#cluster.refreshMetadataIfNecessary();
  }

  leaders(topic: string, partitions: readonly number[]): ReadonlyMap<string, readonly number[]> {
    const found = this.knownLeaders(topic, partitions);
    const known = [...found.values()].reduce((sum, list) => sum + list.length, 0);
    if (known < partitions.length)
      throw new LeaderlessError(`No broker leads every partition of '${topic}' at the moment`);
    return found;
  }

  knownLeaders(topic: string, partitions: readonly number[]): ReadonlyMap<string, readonly number[]> {
    const found = new Map(Object.entries(this.#cluster.findLeaderForPartitions(topic, partitions)));
    if (found.delete('-1')) this.#lookAgainAt = Math.min(this.#lookAgainAt, Date.now() + LOOK_AGAIN_MS);
    return found;
  }

  partitionCount(topic: string): number {
    return this.#cluster.findTopicPartitionMetadata(topic).length;
  }

  broker(nodeId: string): Promise<ProtocolBroker> {
    return this.#cluster.findBroker({ nodeId });
  }

  async anyBroker(): Promise<ProtocolBroker> {
    const connected = Object.values(this.#cluster.brokerPool.brokers).find((broker) => broker.isConnected());
    return connected ?? this.#cluster.findControllerBroker();
  }

  async coordinator(kind: 'group' | 'transaction', id: string): Promise<ProtocolBroker> {
    const request = { groupId: id, coordinatorType: kind === 'group' ? 0 : 1 } as const;
    try {
      return await this.#cluster.findGroupCoordinator(request);
    } catch (thrown) {
      // The client has asked every broker and tells nobody why none answered: one says it.
      if (isWithoutCoordinator(thrown)) await (await this.anyBroker()).findGroupCoordinator(request);
      throw thrown;
    }
  }

  async recover(): Promise<void> {
    try {
      await this.#cluster.refreshMetadata();
    } catch {
      // Still unreachable: the caller's next try finds out.
    }
  }

  break(reason: string): void {
    this.#sockets.break(reason);
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect().finally(this.#forget);
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
