import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCacheFolder, startKafka, type KafkaServers } from '../src/servers/index.js';
import { knownBrokers } from '../src/servers/known-brokers.js';
import { isListening } from '../src/servers/ports.js';
import { describeWithKafka } from './with-servers.js';
import { isRunning, killedAfterItsFirstLine, untilGone } from './processes.js';

const cacheFolder = defaultCacheFolder(process.env);

const portOf = (address: string | undefined): number => Number(address?.split(':')[1]);

// Fetching Kafka, at the first time on a machine, takes the longest.
jest.setTimeout(420_000);

describeWithKafka('a real broker', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'servers-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe('that runs', () => {
    const log: string[] = [];
    let servers: KafkaServers;
    beforeAll(async () => (servers = await startKafka({ cacheFolder, log: (line) => void log.push(line) })));
    afterAll(() => servers?.stop());
    const theOnly = () => {
      const [broker] = servers.brokers;
      if (broker?.pid === undefined) throw new Error('No broker runs');
      return { broker, pid: broker.pid };
    };

    it('listens on loopback and tells its log', async () => {
      const { broker, pid } = theOnly();
      expect(servers.addresses).toEqual([broker.address]);
      expect(broker.address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(await isListening(portOf(broker.address))).toBe(true);
      expect(isRunning(pid)).toBe(true);
      expect(servers.credentials).toBeUndefined();
      expect(log.find((line) => line.includes('Kafka Server started'))).toMatch(/^broker 1: /);
    });

    it('starts with the archive of its classes', () => {
      expect(log.filter((line) => line.includes('without an archive'))).toEqual([]);
      expect(readdirSync(cacheFolder).filter((name) => name.includes('-classes-'))).not.toEqual([]);
    });

    it('stands still and goes on', async () => {
      const { broker, pid } = theOnly();
      const port = portOf(broker.address);
      expect(await knownBrokers(port, 5_000)).toEqual([1]);
      broker.freeze();
      // The system still accepts connections for it.
      expect(await isListening(port)).toBe(true);
      await expect(knownBrokers(port, 500)).rejects.toThrow('Nobody answered');
      expect(broker.pid).toBe(pid);
      broker.thaw();
      expect(await knownBrokers(port, 5_000)).toEqual([1]);
    });

    it('is gone when it is killed, and comes back on its address', async () => {
      const { broker, pid } = theOnly();
      const { address } = broker;
      await broker.kill();
      expect(isRunning(pid)).toBe(false);
      expect(broker.pid).toBeUndefined();
      expect(await isListening(portOf(address))).toBe(false);
      await broker.restart();
      expect(broker.address).toBe(address);
      expect(broker.pid).not.toBe(pid);
      expect(await isListening(portOf(address))).toBe(true);
    });

    it('is known to be gone when somebody else kills it', async () => {
      const { broker, pid } = theOnly();
      process.kill(pid, 'SIGKILL');
      await untilGone(pid);
      while (broker.pid !== undefined) await new Promise(setImmediate);
      await broker.restart();
    });

    it('leaves neither process nor data when it is stopped, though it stands still', async () => {
      const { broker, pid } = theOnly();
      broker.freeze();
      const [data = ''] = /\/[^ ]*millrace-kafka-\w+/.exec(log.join('\n')) ?? [];
      expect(existsSync(data)).toBe(true);
      await servers.stop();
      expect(isRunning(pid)).toBe(false);
      expect(broker.pid).toBeUndefined();
      expect(existsSync(data)).toBe(false);
      await servers.stop();
    });
  });

  it('says with its own last lines why it does not start', async () => {
    const broken = startKafka({ cacheFolder, properties: { 'log.cleaner.dedupe.buffer.size': 'plenty' } });
    await expect(broken).rejects.toThrow(/plenty/);
  });

  it('ends when its parent is killed, and is started on its data with the same address and password', async () => {
    const dataFolder = join(folder, 'data');
    const options = { cacheFolder, dataFolder, security: 'scram-sha-512' } as const;
    const program = `
      import { startKafka } from './servers/index.js';
      const { brokers, addresses, credentials } = await startKafka(${JSON.stringify(options)});
      console.log(JSON.stringify({ pid: brokers[0].pid, addresses, credentials }));
    `;
    const { pid, ...known }: { readonly pid: number } = JSON.parse(
      await killedAfterItsFirstLine(join(folder, 'program'), program),
    );
    await untilGone(pid);
    const again = await startKafka(options);
    expect(again).toMatchObject(known);
    await again.stop();
    expect(existsSync(join(dataFolder, 'broker-1', 'data', 'meta.properties'))).toBe(true);
  });
});
