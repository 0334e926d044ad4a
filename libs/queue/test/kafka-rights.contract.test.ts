import { randomBytes } from 'node:crypto';
import {
  AclOperationTypes as Operation,
  AclPermissionTypes,
  AclResourceTypes as Resource,
  Kafka,
  logLevel,
  ResourcePatternTypes as Pattern,
  type AclEntry,
} from 'kafkajs';
import { systemClock } from '@millrace/service';
import { aJob, ledger, ledgerTopics } from '../../testing/src/queue-contract/ledger.js';
import { startKafka, type KafkaServers } from '../../testing/src/servers/index.js';
import { describeWithKafka } from '../../testing/test/with-servers.js';
import { createKafkaQueue, KAFKA_DEFAULTS, type KafkaQueue } from '../src/kafka/index.js';
import { QUIET } from './kafka-harness.js';

const ADMIN = { username: 'admin', password: 'admin-of-the-test' };
const MILLRACE = { username: 'millrace', password: 'millrace-of-the-test' };

/** What docs/operations.md says that one user for all servers needs, on names that begin with the prefix. */
const RIGHTS: readonly (readonly [Resource, readonly Operation[]])[] = [
  [
    Resource.TOPIC,
    [
      Operation.READ,
      Operation.WRITE,
      Operation.CREATE,
      Operation.DELETE,
      Operation.DESCRIBE,
      Operation.DESCRIBE_CONFIGS,
    ],
  ],
  [Resource.GROUP, [Operation.READ, Operation.DESCRIBE]],
  [Resource.TRANSACTIONAL_ID, [Operation.WRITE, Operation.DESCRIBE]],
];

function aSignal(): readonly [came: Promise<void>, come: () => void] {
  let come: () => void = () => undefined;
  const came = new Promise<void>((resolve) => (come = resolve));
  return [came, () => come()];
}

describeWithKafka('a server on brokers with an authorizer', () => {
  jest.setTimeout(180_000);
  const topics = ledgerTopics(1);
  let servers: KafkaServers;
  let prefix: string;
  const open: KafkaQueue[] = [];

  beforeAll(async () => {
    const users = [ADMIN, MILLRACE].map(({ username, password }) => `user_${username}="${password}"`).join(' ');
    servers = await startKafka({
      security: 'plain',
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        // Brokers talk to each other without a name.
        'super.users': `User:ANONYMOUS;User:${ADMIN.username}`,
        'listener.name.client.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
      },
    });
  });
  beforeEach(() => (prefix = `rights-${randomBytes(5).toString('hex')}-`));
  afterEach(() => void open.splice(0).map((queue) => queue.kill()));
  afterAll(() => servers.stop());

  async function grant(rights: typeof RIGHTS): Promise<void> {
    const kafka = new Kafka({
      brokers: [...servers.addresses],
      sasl: { mechanism: 'plain', ...ADMIN },
      logLevel: logLevel.NOTHING,
    });
    const admin = kafka.admin();
    await admin.connect();
    const common = { principal: `User:${MILLRACE.username}`, host: '*', permissionType: AclPermissionTypes.ALLOW };
    const acl = rights.flatMap(([resourceType, operations]) =>
      operations.map((operation): AclEntry => ({
        ...common,
        resourceType,
        resourceName: prefix,
        resourcePatternType: Pattern.PREFIXED,
        operation,
      })),
    );
    await admin.createAcls({ acl });
    await admin.disconnect();
  }

  async function start(): Promise<KafkaQueue> {
    const queue = await createKafkaQueue({
      clock: systemClock,
      instance: `server-${open.length + 1}`,
      connection: {
        ...KAFKA_DEFAULTS,
        brokers: servers.addresses,
        sasl: { mechanism: 'plain', username: MILLRACE.username, password: () => MILLRACE.password },
      },
      topicSettings: { prefix, replicationFactor: 1, create: 'create', overrides: {} },
      group: { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 2_000 },
      topics: Object.values(topics),
      log: QUIET,
    });
    open.push(queue);
    return queue;
  }

  /** A processor, a worker and a reader in a group do what they are for; resolves when all of them did. */
  async function useAll(): Promise<void> {
    const queue = await start();
    const [noted, onNote] = aSignal();
    await queue.tail(topics.notes, { from: 'start', onRecord: () => onNote() });
    const [worked, onJob] = aSignal();
    const [consumed, onLine] = aSignal();
    const running = await queue.process(ledger(topics));
    await queue.work({
      topic: topics.jobs,
      instance: 'worker',
      slots: 1,
      newToken: () => 'token',
      claimed: () => [],
      async run() {
        onJob();
        return [];
      },
    });
    await queue.consume({
      topic: topics.lines,
      group: 'readers',
      batchSize: 10,
      fromStart: true,
      onBatch: async () => onLine(),
      onUnreadable: () => undefined,
      onPosition: () => undefined,
      onLost: () => undefined,
    });
    await queue.publish([
      { topic: topics.events, key: 'account', value: { kind: 'add', amount: 1 } },
      { topic: topics.events, key: 'account', value: { kind: 'give-out', job: aJob('run') } },
      { topic: topics.lines, key: 'book', value: { kind: 'line', book: 'b', page: 1, colour: 'red' } },
    ]);
    await Promise.race([Promise.all([noted, worked, consumed]), running.failed]);
    expect((await queue.backlog(topics.events, 'ledger')).has(0)).toBe(true);
  }

  it('needs what the guide for operators lists, and no more', async () => {
    await grant(RIGHTS);
    await useAll();
  });

  it.each([
    ['topics', Resource.TOPIC, 'TOPIC_AUTHORIZATION_FAILED'],
    ['groups', Resource.GROUP, 'GROUP_AUTHORIZATION_FAILED'],
    ['transactional ids', Resource.TRANSACTIONAL_ID, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
  ])('says in one sentence that its rights on %s are missing', async (_what, missing, error) => {
    await grant(RIGHTS.filter(([resource]) => resource !== missing));
    await expect(useAll()).rejects.toMatchObject({
      code: 'QUEUE_MISMATCH',
      message: expect.stringMatching(
        new RegExp(`^Kafka refuses this user: it must be allowed to .*\\(kafka\\.topic-prefix\\); it said ${error}$`),
      ),
    });
  });
});
