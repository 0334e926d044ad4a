import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import type { Topic } from '@millrace/model';
import { systemClock } from '@millrace/service';
import { startKafka, type KafkaServers } from '../../testing/src/servers/index.js';
import { createKafkaQueue, KAFKA_DEFAULTS, type KafkaQueue, type KafkaQueueOptions } from '../src/kafka/index.js';
import { describeWithKafka } from '../../testing/test/with-servers.js';
import { QUIET } from './kafka-harness.js';

const NOTES: Topic<{ readonly text: string }> = {
  name: 'notes',
  kind: 'events',
  partitions: 2,
  decode: (stored) => stored as { readonly text: string },
};

/** A queue on the servers; every test has a prefix of its own, or names one to share. */
function optionsFor(
  servers: Pick<KafkaServers, 'addresses'>,
  rest: Partial<KafkaQueueOptions['connection']> = {},
  prefix = `start-${randomBytes(5).toString('hex')}-`,
): KafkaQueueOptions {
  return {
    clock: systemClock,
    instance: 'server-1',
    connection: { ...KAFKA_DEFAULTS, brokers: servers.addresses, ...rest },
    topicSettings: { prefix, replicationFactor: 1, create: 'create', overrides: {} },
    group: KAFKA_DEFAULTS.group,
    topics: [NOTES],
    log: QUIET,
  };
}

const open: KafkaQueue[] = [];
async function start(options: KafkaQueueOptions): Promise<KafkaQueue> {
  const queue = await createKafkaQueue(options);
  open.push(queue);
  return queue;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((queue) => queue.close()));
});

/** Something published is read again: the connection works both ways. */
async function roundTrip(queue: KafkaQueue): Promise<string> {
  const heard = new Promise<string>((resolve, reject) => {
    queue
      .tail(NOTES, { from: 'start', onRecord: ({ value }) => resolve(value?.text ?? '') })
      .then(() => queue.publish([{ topic: NOTES, key: 'a', value: { text: 'there and back' } }]))
      .catch(reject);
  });
  return heard;
}

const withOverrides = (options: KafkaQueueOptions, settings: Partial<KafkaQueueOptions['topicSettings']>) => ({
  ...options,
  topicSettings: { ...options.topicSettings, ...settings },
});

describeWithKafka('a server that starts on Kafka', () => {
  jest.setTimeout(120_000);

  describe('that is open to everybody', () => {
    let servers: KafkaServers;
    beforeAll(async () => (servers = await startKafka()));
    afterAll(() => servers.stop());

    it('says that no broker answers', async () => {
      const nobody = createServer();
      const port = await new Promise<number>((resolve) => {
        nobody.listen(0, '127.0.0.1', () => {
          const address = nobody.address();
          resolve(typeof address === 'object' && address !== null ? address.port : 0);
        });
      });
      await new Promise((resolve) => nobody.close(resolve));
      await expect(start(optionsFor({ addresses: [`127.0.0.1:${port}`] }))).rejects.toMatchObject({
        code: 'QUEUE_UNAVAILABLE',
        message: expect.stringMatching(/no broker answers there .*check kafka\.brokers/),
      });
    });

    it('refuses topics that have another number of partitions', async () => {
      const options = optionsFor(servers);
      await start(options);
      await expect(start({ ...options, topics: [{ ...NOTES, partitions: 3 }] })).rejects.toMatchObject({
        code: 'QUEUE_MISMATCH',
        message: expect.stringMatching(
          /'notes' was made with 2 partitions and is to be used with 3.*kafka\.partitions/,
        ),
      });
    });

    it('names every topic that is missing, with the command that makes it, when it may make none', async () => {
      const options = withOverrides(optionsFor(servers), { create: 'verify' });
      await expect(start(options)).rejects.toMatchObject({
        code: 'QUEUE_MISMATCH',
        message: expect.stringMatching(
          /topics are missing.*kafka-topics\.sh --create --topic start-\w+-notes --partitions 2/s,
        ),
      });
      await start(withOverrides(options, { create: 'create' }));
      await start(options);
    });

    it('refuses a state topic that forgets with time', async () => {
      const state = { name: 'state', kind: 'state', partitions: 1 } as const;
      const options = withOverrides(optionsFor(servers), { overrides: { state: { 'cleanup.policy': 'delete' } } });
      await start({ ...options, topics: [state] });
      await expect(start({ ...options, topics: [state] })).rejects.toMatchObject({
        code: 'QUEUE_MISMATCH',
        message: expect.stringMatching(/state would be lost with time: set its cleanup\.policy to 'compact'/),
      });
    });

    it('refuses a topic of events that keeps only the newest of each key', async () => {
      const options = withOverrides(optionsFor(servers), { overrides: { notes: { 'cleanup.policy': 'compact' } } });
      await start(options);
      await expect(start(options)).rejects.toMatchObject({
        code: 'QUEUE_MISMATCH',
        message: expect.stringMatching(/events would be lost: set its cleanup\.policy to 'delete'/),
      });
    });

    it('says that there are fewer brokers than copies are wanted', async () => {
      await expect(start(withOverrides(optionsFor(servers), { replicationFactor: 3 }))).rejects.toMatchObject({
        code: 'QUEUE_MISMATCH',
        message: expect.stringMatching(/has fewer brokers than kafka\.replication-factor asks for: set it/),
      });
    });

    it('says that a setting of a topic is none', async () => {
      const options = withOverrides(optionsFor(servers), { overrides: { notes: { 'retention.ms': 'a while' } } });
      await expect(start(options)).rejects.toMatchObject({
        code: 'QUEUE_MISMATCH',
        message: expect.stringMatching(/refuses a setting of kafka\.topics/),
      });
    });

    it('refuses to own anything when its clock is off', async () => {
      const late = { ...systemClock, now: () => Date.now() - 10_000 };
      await expect(start({ ...optionsFor(servers), clock: late })).rejects.toMatchObject({
        code: 'QUEUE_MISMATCH',
        message: expect.stringMatching(/clock of this host is 10\.\d s off the brokers'/),
      });
    });

    it('says that the listener wants nothing of TLS', async () => {
      const refused = start(optionsFor(servers, { tls: { rejectUnauthorized: true } }));
      await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/kafka\.ssl/) });
    });
  });

  describe.each(['plain', 'scram-sha-512'] as const)('with a login by %s', (mechanism) => {
    let servers: KafkaServers;
    beforeAll(async () => (servers = await startKafka({ security: mechanism })));
    afterAll(() => servers.stop());

    const sasl = (password: string) => {
      const { username = '' } = servers.credentials ?? {};
      return { sasl: { mechanism, username, password: () => password } };
    };

    it('is let in with the right password', async () => {
      const queue = await start(optionsFor(servers, sasl(servers.credentials?.password ?? '')));
      expect(await roundTrip(queue)).toBe('there and back');
    });

    it('says that the password is wrong, and never shows it', async () => {
      const refused = start(optionsFor(servers, sasl('guessed-and-wrong')));
      await expect(refused).rejects.toMatchObject({
        code: 'QUEUE_MISMATCH',
        message: expect.stringMatching(/does not accept the user name or password: check kafka\.sasl/),
      });
      await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('guessed') });
    });

    it('says that the listener may want a login when it has none', async () => {
      await expect(start(optionsFor(servers))).rejects.toMatchObject({ message: expect.stringMatching(/kafka\.sasl/) });
    });
  });

  describe('of which one broker of three has just gone', () => {
    let servers: KafkaServers;
    beforeAll(async () => (servers = await startKafka({ brokers: 3 })));
    afterAll(() => servers.stop());

    it('starts, by way of the others', async () => {
      const options = withOverrides(optionsFor(servers), { replicationFactor: 3 });
      await start(options);
      await servers.brokers[1]?.kill();
      // Nobody has noticed yet: whoever asks the others for the controller may be sent to it.
      const queues = await Promise.all(Array.from({ length: 12 }, () => start(options)));
      expect(queues).toHaveLength(12);
    });
  });

  describe('with encrypted connections', () => {
    let servers: KafkaServers;
    beforeAll(async () => (servers = await startKafka({ security: 'tls' })));
    afterAll(() => servers.stop());

    it('is let in when it knows the authority', async () => {
      const { certificateAuthority = '' } = servers;
      const queue = await start(optionsFor(servers, { tls: { certificateAuthority, rejectUnauthorized: true } }));
      expect(await roundTrip(queue)).toBe('there and back');
    });

    it('does not trust a broker whose authority it does not know', async () => {
      await expect(start(optionsFor(servers, { tls: { rejectUnauthorized: true } }))).rejects.toMatchObject({
        message: expect.stringMatching(/encrypted connection failed.*certificate authority/),
      });
    });

    it('says that the listener may want TLS when it speaks none', async () => {
      await expect(start(optionsFor(servers))).rejects.toMatchObject({ message: expect.stringMatching(/kafka\.ssl/) });
    });
  });
});
