import { isPlainObject } from '@millrace/model';
import type { Secret } from '../secret.js';
import type { Configuration } from './schema.js';
import { passwordOf, problem, readPem } from './setting-files.js';

/** What `kafka.*` says, with its files read. */
export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly tls?: {
    readonly certificateAuthority?: string;
    readonly certificate?: string;
    readonly key?: string;
    readonly passphrase?: Secret;
    readonly serverName?: string;
    readonly rejectUnauthorized: boolean;
  };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: Secret;
  };
  /** Kafka's settings by topic. */
  readonly topics: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Reads the files that `kafka.*` names and checks what the schema cannot.
 * @throws ConfigurationError with the key that is wrong
 */
export function kafkaSettings({ kafka }: Configuration): KafkaSettings {
  const { ssl, sasl } = kafka;
  return {
    brokers: kafka.brokers ?? [],
    ...(ssl.enabled ? { tls: tlsOf(ssl) } : {}),
    ...(sasl.mechanism === undefined || sasl.username === undefined
      ? {}
      : { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: passwordOf('kafka.sasl', sasl) } }),
    topics: topicsOf(kafka.topics),
  };
}

function tlsOf(ssl: Configuration['kafka']['ssl']): NonNullable<KafkaSettings['tls']> {
  return {
    rejectUnauthorized: ssl.rejectUnauthorized,
    ...(ssl.ca === undefined ? {} : { certificateAuthority: readPem('kafka.ssl.ca', ssl.ca) }),
    ...(ssl.certificate === undefined ? {} : { certificate: readPem('kafka.ssl.certificate', ssl.certificate) }),
    ...(ssl.key === undefined ? {} : { key: readPem('kafka.ssl.key', ssl.key) }),
    ...(ssl.passphrase === undefined ? {} : { passphrase: ssl.passphrase }),
    ...(ssl.serverName === undefined ? {} : { serverName: ssl.serverName }),
  };
}

function topicsOf(topics: Readonly<Record<string, unknown>>): KafkaSettings['topics'] {
  const settings: Record<string, Record<string, string>> = {};
  for (const [topic, entries] of Object.entries(topics)) {
    if (!isPlainObject(entries))
      throw problem('configuration', `'kafka.topics.${topic}' must map settings of Kafka to values`);
    const ofTopic: Record<string, string> = {};
    for (const [name, value] of Object.entries(entries)) {
      if (!['string', 'number', 'boolean'].includes(typeof value))
        throw problem('configuration', `'kafka.topics.${topic}.${name}' must be a text, a number or true or false`);
      ofTopic[name] = String(value);
    }
    settings[topic] = ofTopic;
  }
  return settings;
}
