import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, kafkaSettings, loadConfiguration, type KafkaSettings } from '@millrace/service';

describe('the configuration of Kafka', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-configuration-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  function load(yaml: string, environment: Readonly<Record<string, string>> = {}): KafkaSettings {
    writeFileSync(join(folder, 'millrace.yml'), yaml);
    return kafkaSettings(loadConfiguration({ workingDirectory: folder, environment, flags: [] }));
  }
  function refusal(yaml: string): string {
    try {
      load(yaml);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.message;
      throw error;
    }
    throw new Error('Expected the configuration to be refused, but it was accepted');
  }
  const kafka = (rest: string): string => `queue: {type: kafka}\nkafka:\n  brokers: [a:9092, b:9092]\n${rest}`;

  it('takes brokers as a list, or as one text with commas', () => {
    expect(load(kafka('')).brokers).toEqual(['a:9092', 'b:9092']);
    const environment = { MILLRACE_QUEUE_TYPE: 'kafka', MILLRACE_KAFKA_BROKERS: 'a:9092, b:9093' };
    expect(load('', environment).brokers).toEqual(['a:9092', 'b:9093']);
  });

  it.each([
    ['queue: {type: kafka}', /'queue\.type' is 'kafka', which needs 'kafka\.brokers'/],
    [
      'queue: {type: kafka}\nkafka: {brokers: [localhost]}',
      /'kafka\.brokers' must list addresses such as 'broker-1:9092', but 'localhost' is none/,
    ],
    [kafka('  sasl: {username: ada, password: x}'), /'kafka\.sasl\.username' needs 'kafka\.sasl\.mechanism' beside it/],
    [kafka('  sasl: {mechanism: plain, username: ada}'), /'kafka\.sasl\.username' needs 'password' or 'password-file'/],
    [
      kafka('  sasl: {mechanism: gssapi, username: ada, password: x}'),
      /must be 'plain', 'scram-sha-256', 'scram-sha-512'/,
    ],
    [kafka('  ssl: {enabled: true, ca: /nowhere/ca.pem}'), /Cannot read the file of 'kafka\.ssl\.ca'/],
    [kafka('  ssl: {ca: ca.pem}'), /'kafka\.ssl\.ca' has no effect without TLS: set 'kafka\.ssl\.enabled' to true/],
    [kafka('  ssl: {enabled: true, key: k.pem}'), /'kafka\.ssl\.key' needs 'kafka\.ssl\.certificate' beside it/],
    [kafka('  ssl: {enabled: true, certificate: c.pem}'), /'kafka\.ssl\.certificate' needs 'kafka\.ssl\.key' beside/],
    [kafka('  topics: 7'), /'kafka\.topics' must be a map, but it is 7/],
    [kafka('  topics: {logs: 7}'), /'kafka\.topics\.logs' must map settings of Kafka to values/],
    [kafka('  topics: {logs: {retention.ms: [1]}}'), /'kafka\.topics\.logs\.retention\.ms' must be a text, a number/],
    [kafka('  partitions: 0'), /'kafka\.partitions'/],
  ])('refuses %j with a sentence', (yaml, message) => {
    expect(refusal(yaml)).toMatch(message);
  });

  it.each(['localhost', 'localhost:99999', 'localhost:0', 'a b:9092', 'kafka://a:9092'])(
    'refuses %j as the address of a broker',
    (address) => {
      const yaml = `queue: {type: kafka}\nkafka: {brokers: [a:9092, '${address}']}`;
      expect(refusal(yaml)).toContain(
        `millrace.yml:2:18: 'kafka.brokers' must list addresses such as 'broker-1:9092', but '${address}' is none`,
      );
    },
  );

  it('refuses a file that is no PEM file, and says what to do with a keystore', () => {
    writeFileSync(join(folder, 'ca.jks'), Buffer.from([0xfe, 0xed, 0xfe, 0xed]));
    expect(refusal(kafka(`  ssl: {enabled: true, ca: ${join(folder, 'ca.jks')}}`))).toMatch(
      /ca\.jks: The file of 'kafka\.ssl\.ca' is no PEM file .*: convert a keystore with keytool or openssl/,
    );
  });

  it('says that settings of TLS have no effect without it, unless that was decided', () => {
    const environment = { MILLRACE_KAFKA_SSL_ENABLED: 'false' };
    expect(load(kafka('  ssl: {ca: ca.pem}'), environment).tls).toBeUndefined();
  });

  it('reads PEM files and the password file, and shows no password', () => {
    const authority = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    writeFileSync(join(folder, 'ca.pem'), authority);
    writeFileSync(join(folder, 'password'), 'open sesame\n');
    const settings = load(
      kafka(`  ssl: {enabled: true, ca: ${join(folder, 'ca.pem')}}
  sasl: {mechanism: plain, username: ada, password-file: ${join(folder, 'password')}}
  topics: {'*': {min.insync.replicas: 2}}`),
    );
    expect(settings.tls).toEqual({ rejectUnauthorized: true, certificateAuthority: authority });
    expect(settings.sasl?.password.reveal()).toBe('open sesame');
    expect(JSON.stringify(settings)).not.toContain('sesame');
    expect(settings.topics).toEqual({ '*': { 'min.insync.replicas': '2' } });
  });
});
