/// <reference path="./kafkajs-protocol.d.ts" />
import kafkajs from 'kafkajs';
import Broker, { type BrokerOptions } from 'kafkajs/src/broker/index.js';
import Cluster, {
  type ClusterOptions,
  type MetadataAnswer,
  type MetadataExchange,
  type ProtocolConnection,
  type ProtocolConnectionPool,
  type ProtocolExchange,
} from 'kafkajs/src/cluster/index.js';
import { isConnectionFailure, isRequestTimeout } from './failure.js';

/** So long nobody connects to a broker that took a connection and then said nothing: each would wait for it anew. */
const SILENT_MS = 3_000;
/** A broker that left something unanswered is no place to begin at for so long, when there are others. */
const AVOIDED_MS = 30_000;
/** Words that the advice on a failed start knows. */
export const NO_ANSWER = 'Connection timeout: the broker takes connections and does not answer';
const METADATA_REQUEST = 3;
/** LEADER_NOT_AVAILABLE, LISTENER_NOT_FOUND: the leader is away, and nobody has taken its place. */
const WITHOUT_LEADER = new Set([5, 72]);
const NO_LEADER = -1;

/** Which brokers did not answer lately: what one connection finds out spares the others the wait. */
export class SilentBrokers {
  readonly #silent = new Map<string, number>();
  readonly #doubted = new Map<string, number>();
  readonly #onFound: (address: string) => void;

  /** @param onFound what waits for this broker, on whichever connection, waits in vain */
  constructor(onFound: (address: string) => void) {
    this.#onFound = onFound;
  }

  /** It took a connection, or had it, and did not say which versions it speaks. */
  add(address: string): void {
    this.#silent.set(address, Date.now());
    this.doubt(address);
    this.#onFound(address);
  }

  /** A request was not answered in time: it may hang, or wait for another broker that does. */
  doubt(address: string): void {
    this.#doubted.set(address, Date.now());
  }

  has(address: string): boolean {
    return Date.now() - (this.#silent.get(address) ?? -Infinity) < SILENT_MS;
  }

  doubtedAt(address: string): number {
    return this.#doubted.get(address) ?? -Infinity;
  }

  /** Where to begin: by chance, or one broker that hangs would hold up every beginning. */
  seed(addresses: readonly string[]): readonly string[] {
    const better = addresses.filter((address) => Date.now() - this.doubtedAt(address) >= AVOIDED_MS);
    const among = better.length > 0 ? better : addresses;
    const chosen = among[Math.floor(Math.random() * among.length)];
    return chosen === undefined ? among : [chosen];
  }
}

/**
 * The client's cluster without what makes one hung broker, or one partition without a leader, stop everything (decision
 * 0005): a connection counts once the broker has answered on it, is broken when an answer stays out, and is made once for
 * all who ask at the same time; a partition without a leader has the leader -1 instead of failing the whole answer.
 */
export function createCheckedCluster(
  { brokers, ...options }: Omit<ClusterOptions, 'brokers'> & { readonly brokers: readonly string[] },
  silent: SilentBrokers,
): Cluster {
  const cluster = new Cluster({ ...options, brokers: () => silent.seed(brokers) });
  const { connectionPoolBuilder, brokerPool } = cluster;
  const build = connectionPoolBuilder.build;
  connectionPoolBuilder.build = async (destination) => checked(await build(destination), silent);
  const { allowAutoTopicCreation, authenticationTimeout } = options;
  brokerPool.createBroker = (broker) =>
    new CheckedBroker({ allowAutoTopicCreation, authenticationTimeout, ...broker }, silent);
  return cluster;
}

/** Connected means: it has said which versions it speaks and has let us in, and no request was left unanswered since. */
class CheckedBroker extends Broker {
  readonly #silent: SilentBrokers;
  #readyAt: number | undefined;
  #connecting: Promise<void> | undefined;

  constructor(options: BrokerOptions, silent: SilentBrokers) {
    super(options);
    this.#silent = silent;
  }

  override isConnected(): boolean {
    return (
      this.#readyAt !== undefined &&
      this.#readyAt > this.#silent.doubtedAt(addressOf(this.connectionPool)) &&
      super.isConnected()
    );
  }

  override connect(): Promise<void> {
    return (this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined)));
  }

  async #connect(): Promise<void> {
    if (this.isConnected()) return;
    const broker = addressOf(this.connectionPool);
    if (this.#silent.has(broker)) throw new kafkajs.KafkaJSConnectionError(NO_ANSWER, { broker });
    this.#readyAt = undefined;
    // Asked each time: a kernel takes connections for a process that hangs.
    this.versions = null;
    const timer = setTimeout(() => this.#silent.add(broker), this.connectionPool.connectionTimeout);
    try {
      await super.connect();
      this.#readyAt = Date.now();
    } catch (thrown) {
      breakOff(this.connectionPool, 'The connection could not be used');
      await this.disconnect();
      // By its name the client knows that it must try another broker.
      if (isConnectionFailure(thrown) && thrown instanceof Error && thrown.name !== 'KafkaJSConnectionError')
        throw new kafkajs.KafkaJSConnectionError(thrown.message, { broker });
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }
}

const addressOf = ({ host, port }: ProtocolConnectionPool): string => `${host}:${port}`;

function checked(pool: ProtocolConnectionPool, silent: SilentBrokers): ProtocolConnectionPool {
  pool.pool.forEach(connectOnce);
  const send = pool.send.bind(pool);
  pool.send = async (exchange) => {
    try {
      return await send(isMetadata(exchange) ? withoutLeaderFailures(exchange) : exchange);
    } catch (thrown) {
      // Whatever is asked next would wait behind it; on a new connection it shows at once whether the broker answers.
      if (isRequestTimeout(thrown)) {
        silent.doubt(addressOf(pool));
        breakOff(pool, 'The broker did not answer a request');
      }
      throw thrown;
    }
  };
  return pool;
}

/** The client opens a socket for each caller, keeps one, and forgets the others without closing them. */
function connectOnce(connection: ProtocolConnection): void {
  const connect = connection.connect.bind(connection);
  let connecting: Promise<unknown> | undefined;
  connection.connect = () => (connecting ??= connect().finally(() => (connecting = undefined)));
}

/** With an error, or requests under way would not be told. */
function breakOff({ pool }: ProtocolConnectionPool, reason: string): void {
  for (const { socket } of pool) socket?.destroy(new Error(reason));
}

const isMetadata = (exchange: ProtocolExchange): exchange is MetadataExchange =>
  exchange.request.apiKey === METADATA_REQUEST;

function withoutLeaderFailures({ request, response }: MetadataExchange): MetadataExchange {
  const told = (answer: MetadataAnswer): MetadataAnswer => ({
    ...answer,
    topicMetadata: answer.topicMetadata.map((topic) => ({
      ...topic,
      partitionMetadata: topic.partitionMetadata.map((partition) =>
        WITHOUT_LEADER.has(partition.partitionErrorCode)
          ? { ...partition, partitionErrorCode: 0, leader: NO_LEADER }
          : partition,
      ),
    })),
  });
  return { request, response: { ...response, parse: (answer) => response.parse(told(answer)) } };
}
