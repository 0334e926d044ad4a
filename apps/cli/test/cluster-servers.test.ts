import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { EXIT, runCli } from '@millrace/cli';
import { loadConfiguration } from '@millrace/service';
import { CLUSTER_ROLES } from '../src/cluster-roles.js';
import { kafkaConnectionOf } from '../src/kafka-options.js';
import { aContext, type TestContext } from './a-context.js';

const NOWHERE = { MILLRACE_QUEUE_TYPE: 'kafka', MILLRACE_KAFKA_BROKERS: '127.0.0.1:1' };
const INDEXED = { MILLRACE_REPOSITORY_TYPE: 'elasticsearch', MILLRACE_ELASTICSEARCH_NODES: 'http://127.0.0.1:1' };

describe('a server of a cluster', () => {
  let context: TestContext;
  const run = (environment: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<number> => {
    context = aContext(environment);
    return runCli(['server', ...args, '--port', '0', '--log-level', 'error'], context);
  };
  afterEach(() => context.cleanUp());

  it.each(CLUSTER_ROLES)('%s is refused on the embedded database, which is for one process', async (role) => {
    expect(await run({}, role)).toBe(EXIT.usage);
    expect(context.stderr.text).toBe(
      `Error: 'server ${role}' is one of several processes, and the embedded database is for one: set queue.type to 'kafka' and kafka.brokers, or start 'server standalone'\n`,
    );
  });

  it.each([...CLUSTER_ROLES, 'standalone'])('%s says where no broker answers, and ends', async (role) => {
    expect(await run({ ...NOWHERE, ...INDEXED }, role)).toBe(EXIT.failed);
    expect(context.stderr.text).toMatch(/Cannot use Kafka at 127\.0\.0\.1:1: no broker answers there .*\n$/);
    expect(context.stdout.text).toBe('');
  });

  it('an indexer is refused where there is no index to keep, and so is a rebuild', async () => {
    expect(await run(NOWHERE, 'indexer')).toBe(EXIT.usage);
    expect(context.stderr.text).toMatch(
      /^Error: 'server indexer' is for an index in Elasticsearch: set repository\.type to 'elasticsearch'/,
    );
    expect(await run({ ...INDEXED }, 'indexer')).toBe(EXIT.usage);
    expect(context.stderr.text).toMatch(
      /'repository\.type' is 'elasticsearch', which needs 'queue\.type' to be 'kafka'/,
    );
    context.cleanUp();
    context = aContext(NOWHERE);
    expect(await runCli(['index', 'rebuild', '--log-level', 'error'], context)).toBe(EXIT.usage);
    expect(context.stderr.text).toMatch(/^Error: 'index rebuild' is for an index in Elasticsearch/);
  });

  it('is refused with the place of a wrong value', async () => {
    expect(await run({ ...NOWHERE, MILLRACE_KAFKA_BROKERS: 'localhost' }, 'worker')).toBe(EXIT.usage);
    expect(context.stderr.text).toMatch(/MILLRACE_KAFKA_BROKERS: 'kafka\.brokers' must list addresses/);
  });

  it('knows its own flags only', async () => {
    expect(await run(NOWHERE, 'executor', '--worker-slots', '3')).toBe(EXIT.usage);
    expect(await run(NOWHERE, 'worker', '--auth', 'ada:a-long-passphrase')).toBe(EXIT.usage);
  });
});

describe('the configuration of Kafka, as the queue takes it', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-cluster-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const optionsOf = (yaml: string): ReturnType<typeof kafkaConnectionOf> => {
    writeFileSync(join(folder, 'millrace.yml'), `queue: {type: kafka}\nkafka:\n  brokers: a:9092, b:9093\n${yaml}`);
    return kafkaConnectionOf(loadConfiguration({ workingDirectory: folder, environment: {}, flags: [] }));
  };

  it('has the defaults of docs/configuration.md', () => {
    expect(optionsOf('')).toEqual({
      connection: {
        brokers: ['a:9092', 'b:9093'],
        clientId: 'millrace',
        connectionTimeoutMs: 5_000,
        requestTimeoutMs: 10_000,
      },
      topicSettings: { prefix: 'millrace-', replicationFactor: 1, create: 'create', overrides: {} },
      group: { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 10_000 },
    });
  });

  it('has everything that can be set; the password is not printed', () => {
    for (const name of ['ca', 'certificate', 'key'])
      writeFileSync(join(folder, `${name}.pem`), `-----BEGIN ${name}-----\n`);
    const options = optionsOf(`  client-id: here
  topic-prefix: team-
  replication-factor: 3
  create-topics: verify
  connection-timeout: 1s
  request-timeout: 2s
  consumer: {session-timeout: 3s, rebalance-timeout: 4s}
  ssl:
    enabled: true
    ca: ${join(folder, 'ca.pem')}
    certificate: ${join(folder, 'certificate.pem')}
    key: ${join(folder, 'key.pem')}
    passphrase: open
    server-name: broker.example.org
    reject-unauthorized: false
  sasl: {mechanism: scram-sha-512, username: ada, password: sesame}
  topics: {'*': {min.insync.replicas: 2}, logs: {retention.ms: 86400000, compression.type: zstd}}
`);
    const { sasl, ...connection } = options.connection;
    expect(connection).toEqual({
      brokers: ['a:9092', 'b:9093'],
      clientId: 'here',
      connectionTimeoutMs: 1_000,
      requestTimeoutMs: 2_000,
      tls: {
        certificateAuthority: '-----BEGIN ca-----\n',
        certificate: '-----BEGIN certificate-----\n',
        key: '-----BEGIN key-----\n',
        passphrase: 'open',
        serverName: 'broker.example.org',
        rejectUnauthorized: false,
      },
    });
    expect([sasl?.mechanism, sasl?.username, sasl?.password()]).toEqual(['scram-sha-512', 'ada', 'sesame']);
    expect(inspect(options, { depth: 9 })).not.toContain('sesame');
    expect(options.topicSettings).toEqual({
      prefix: 'team-',
      replicationFactor: 3,
      create: 'verify',
      overrides: {
        '*': { 'min.insync.replicas': '2' },
        logs: { 'retention.ms': '86400000', 'compression.type': 'zstd' },
      },
    });
    expect(options.group).toEqual({ sessionTimeoutMs: 3_000, rebalanceTimeoutMs: 4_000 });
  });
});
