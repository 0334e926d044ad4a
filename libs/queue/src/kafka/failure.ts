import { QueueError } from '../contract.js';

interface KafkaFailure {
  readonly name?: unknown;
  /** Kafka's own name of a protocol error. */
  readonly type?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly code?: unknown;
  readonly broker?: unknown;
}

const asFailure = (thrown: unknown): KafkaFailure => (typeof thrown === 'object' && thrown !== null ? thrown : {});

/** Kafka's name of what went wrong, looked up through what the client has wrapped around it. */
export function kafkaError(thrown: unknown): string | undefined {
  for (let at = asFailure(thrown), depth = 0; depth < 5; at = asFailure(at.cause), depth++) {
    if (typeof at.type === 'string') return at.type;
  }
  return undefined;
}

const hasName = (thrown: unknown, name: string): boolean => {
  for (let at = asFailure(thrown), depth = 0; depth < 5; at = asFailure(at.cause), depth++) {
    if (at.name === name) return true;
  }
  return false;
};

/** The connection broke or could not be made; what was asked may have been done. */
export const isConnectionFailure = (thrown: unknown): boolean =>
  ['KafkaJSConnectionError', 'KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError'].some((name) =>
    hasName(thrown, name),
  );

/** A broker did not answer within the time that was given to it; what was asked may have been done. */
export const isRequestTimeout = (thrown: unknown): boolean => hasName(thrown, 'KafkaJSRequestTimeoutError');

/** No broker said which one coordinates a group, or the transactions of an id. */
export const isWithoutCoordinator = (thrown: unknown): boolean => hasName(thrown, 'KafkaJSGroupCoordinatorNotFound');

/** Another producer of the same transactional id has begun: whoever gets this is not the owner any more. */
export const isFenced = (thrown: unknown): boolean =>
  ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'TRANSACTION_COORDINATOR_FENCED'].includes(kafkaError(thrown) ?? '') ||
  /producer.*(epoch|fenced)/i.test(String(asFailure(thrown).message ?? ''));

/** Thrown by us where the client knows of no leader. */
export class LeaderlessError extends Error {
  override readonly name = 'LeaderlessError';
}

const LEADERLESS = ['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION'];

/** A partition has no leader yet or a new one, or brokers do not know its topic yet: all of them pass after a creation. */
export const isLeaderless = (thrown: unknown): boolean =>
  LEADERLESS.includes(kafkaError(thrown) ?? '') || hasName(thrown, 'LeaderlessError');

const RIGHTS: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'read, write, describe and create topics',
  GROUP_AUTHORIZATION_FAILED: 'read consumer groups',
  CLUSTER_AUTHORIZATION_FAILED: 'create topics and write idempotently',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'write and describe transactional ids',
};

const OTHER_VERSION =
  'is of a version that cannot be used: it lacks requests that this server makes. Use Kafka 4, with which it is tested';

/** What only an operator can mend, after "Kafka at …"; by Kafka's name of the error. */
const LASTING: Readonly<Record<string, string>> = {
  UNSUPPORTED_VERSION: OTHER_VERSION,
  INVALID_REPLICATION_FACTOR:
    'has fewer brokers than kafka.replication-factor asks for: set it to the number of brokers at most (3 for a cluster that may lose one), or start the brokers that are missing',
  POLICY_VIOLATION:
    "has a policy that refuses topics as they must be: set kafka.create-topics to 'verify', which prints the commands that make them, and have them made by whoever may",
  INVALID_CONFIG: 'refuses a setting of kafka.topics: check names and values there',
};

/** What cannot pass by itself, as a sentence with what to do; undefined for everything that may pass. */
function lastingFailure(thrown: unknown, brokers: string): QueueError | undefined {
  const type = kafkaError(thrown) ?? '';
  const right = RIGHTS[type];
  if (right !== undefined) {
    return new QueueError(
      'QUEUE_MISMATCH',
      `Kafka refuses this user: it must be allowed to ${right} whose names begin with the prefix (kafka.topic-prefix); it said ${type}`,
      false,
      thrown,
    );
  }
  const lasting = LASTING[type] ?? (hasName(thrown, 'KafkaJSServerDoesNotSupportApiKey') ? OTHER_VERSION : undefined);
  if (lasting !== undefined) {
    return new QueueError('QUEUE_MISMATCH', `Kafka at ${brokers} ${lasting}`, false, thrown);
  }
  if (hasName(thrown, 'KafkaJSSASLAuthenticationError')) {
    return new QueueError(
      'QUEUE_MISMATCH',
      `Kafka at ${brokers} does not accept the user name or password: check kafka.sasl`,
      false,
      thrown,
    );
  }
  return undefined;
}

/** A failure while something ran: retryable, unless only an operator can mend it. */
export function asQueueError(thrown: unknown, what: string, brokers: string): QueueError {
  if (thrown instanceof QueueError) return thrown;
  return (
    lastingFailure(thrown, brokers) ??
    new QueueError(
      'QUEUE_UNAVAILABLE',
      `${what}: ${String(asFailure(thrown).message ?? thrown)} (Kafka at ${brokers})`,
      true,
      thrown,
    )
  );
}

const AWAY = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|Connection timeout/;

/** Nobody answers at a broker's address. Others may. */
export const isAway = (thrown: unknown): boolean => AWAY.test(String(asFailure(thrown).message ?? thrown));

/** Why a server could not connect at its start, as one sentence with what to do. */
export function startFailure(thrown: unknown, brokers: string, secured: { tls: boolean; sasl: boolean }): QueueError {
  if (thrown instanceof QueueError) {
    return thrown.retryable && thrown.cause !== undefined ? startFailure(thrown.cause, brokers, secured) : thrown;
  }
  const lasting = lastingFailure(thrown, brokers);
  if (lasting !== undefined) return lasting;
  const message = String(asFailure(thrown).message ?? thrown);
  return new QueueError(
    'QUEUE_UNAVAILABLE',
    `Cannot use Kafka at ${brokers}: ${adviceFor(message, thrown, secured)}`,
    true,
    thrown,
  );
}

function adviceFor(message: string, thrown: unknown, { tls, sasl }: { tls: boolean; sasl: boolean }): string {
  if (AWAY.test(message)) {
    return `no broker answers there (${message}): check kafka.brokers, and that Kafka runs`;
  }
  if (/certificate|self.signed|SSL|TLS|wrong version number/i.test(message)) {
    return `the encrypted connection failed (${message}): check kafka.ssl, above all the certificate authority`;
  }
  if (isConnectionFailure(thrown)) {
    const guess =
      tls || sasl
        ? 'kafka.ssl and kafka.sasl match'
        : 'whether it wants TLS (kafka.ssl) or a login (kafka.sasl), and that they match';
    return `a broker closed the connection (${message}): check ${guess} its listener`;
  }
  return message;
}
