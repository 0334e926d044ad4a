import { Kafka, logLevel } from 'kafkajs';
import { randomBytes } from 'node:crypto';
import type { Topic } from '@millrace/model';
import { systemClock } from '@millrace/service';
import { startKafka, type KafkaServers } from '../../testing/src/servers/index.js';
import { partitionOf, type ConsumeOptions, type LoggedRecord } from '../src/index.js';
import { createKafkaQueue, KAFKA_DEFAULTS, type KafkaQueue } from '../src/kafka/index.js';
import { describeWithKafka } from '../../testing/test/with-servers.js';
import { QUIET } from './kafka-harness.js';

interface Line {
  readonly number: number;
}

const decode = (stored: unknown): Line => {
  if (typeof stored !== 'object' || stored === null || !('number' in stored)) throw new Error('This is no line');
  return { number: Number(stored.number) };
};
const LINES: Topic<Line> = { name: 'lines', kind: 'events', partitions: 2, decode };
const NOTES: Topic<Line> = { name: 'notes', kind: 'state', partitions: 1, decode };

/** Keys that lie in partition 0 and 1 of `LINES`. */
const KEYS = [0, 1].map((partition) => {
  for (let at = 0; ; at++) if (partitionOf(`key-${at}`, 2) === partition) return `key-${at}`;
});

/** What handlers were given, and a way to wait for it. */
class Seen {
  readonly records: LoggedRecord<Line>[] = [];
  readonly batches: number[] = [];
  readonly positions = new Map<number, number>();
  readonly lost: number[] = [];
  readonly unreadable: string[] = [];
  readonly #waiting = new Set<() => void>();

  readonly options = {
    topic: LINES,
    group: 'readers',
    batchSize: 10,
    onBatch: async (_partition: number, records: readonly LoggedRecord<Line>[]): Promise<void> => {
      this.records.push(...records);
      this.batches.push(records.length);
      this.changed();
    },
    onUnreadable: ({ key, text }, reason): void => {
      this.unreadable.push(`${key} ${text}: ${reason}`);
    },
    onPosition: (partition: number, offset: number): void => {
      this.positions.set(partition, offset);
      this.changed();
    },
    onLost: (partition: number): void => {
      this.positions.delete(partition);
      this.lost.push(partition);
      this.changed();
    },
  } satisfies ConsumeOptions<Line>;

  numbers(partition?: number): readonly number[] {
    return this.records
      .filter((record) => partition === undefined || record.partition === partition)
      .map(({ value }) => value?.number ?? -1);
  }

  changed(): void {
    for (const check of this.#waiting) check();
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
    });
  }
}

const upTo = (count: number, from = 0): readonly number[] => Array.from({ length: count }, (_, at) => from + at);

describeWithKafka('reading a log in a group', () => {
  jest.setTimeout(180_000);
  let servers: KafkaServers;
  let prefix: string;
  const open: KafkaQueue[] = [];
  beforeAll(async () => (servers = await startKafka()));
  beforeEach(() => (prefix = `consume-${randomBytes(5).toString('hex')}-`));
  afterEach(() => void open.splice(0).map((queue) => queue.kill()));
  afterAll(() => servers.stop());

  async function start(): Promise<KafkaQueue> {
    const queue = await createKafkaQueue({
      clock: systemClock,
      instance: `server-${open.length + 1}`,
      connection: { ...KAFKA_DEFAULTS, brokers: servers.addresses },
      topicSettings: { prefix, replicationFactor: 1, create: 'create', overrides: {} },
      group: { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 2_000 },
      topics: [LINES, NOTES],
      log: QUIET,
    });
    open.push(queue);
    return queue;
  }

  const publish = (queue: KafkaQueue, numbers: readonly number[], keys: readonly string[] = KEYS): Promise<void> =>
    queue.publish(numbers.flatMap((number) => keys.map((key) => ({ topic: LINES, key, value: { number } }))));

  it('gives what is kept, each partition in order and in batches, then what comes', async () => {
    const queue = await start();
    await publish(queue, upTo(25));
    const seen = new Seen();
    await queue.consume(seen.options);
    await seen.until(() => seen.records.length === 50);
    await publish(queue, upTo(5, 25));
    await seen.until(() => seen.records.length === 60);
    for (const partition of [0, 1]) expect(seen.numbers(partition)).toEqual(upTo(30));
    expect(Math.max(...seen.batches)).toBe(10);
    expect(seen.records.filter(({ partition }) => partition === 0).map(({ offset }) => offset)).toEqual(upTo(30));
    await seen.until(() => seen.positions.get(0) === 30 && seen.positions.get(1) === 30);
  });

  it('goes on where it was closed', async () => {
    const queue = await start();
    await publish(queue, upTo(20));
    const first = new Seen();
    const running = await queue.consume(first.options);
    await first.until(() => first.positions.get(0) === 20 && first.positions.get(1) === 20);
    await running.close();
    await publish(queue, [20]);
    const second = new Seen();
    const again = await queue.consume(second.options);
    await second.until(() => second.records.length === 2);
    expect(second.numbers()).toEqual([20, 20]);
    await again.close();
    const third = new Seen();
    await queue.consume({ ...third.options, fromStart: true });
    await third.until(() => third.records.length === 42);
    expect(third.numbers(1)).toEqual(upTo(21));
  });

  it('hands over nothing while a batch is in hand, and stores nothing of it when reading ends', async () => {
    const queue = await start();
    await publish(queue, upTo(20), KEYS.slice(0, 1));
    const seen = new Seen();
    let given: (() => void) | undefined;
    const inHand = new Promise<void>((resolve) => (given = resolve));
    const running = await queue.consume({
      ...seen.options,
      onBatch: async (_partition, records, signal) => {
        seen.records.push(...records);
        given?.();
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    });
    await inHand;
    await running.close();
    expect(seen.records).toHaveLength(10);
    const second = new Seen();
    await queue.consume(second.options);
    await second.until(() => second.records.length === 20);
    expect(second.numbers()).toEqual(upTo(20));
  });

  it('two members share the partitions; what a killed one had is read by the other, nothing is missed', async () => {
    const [one, other, publisher] = [await start(), await start(), await start()];
    const [first, second] = [new Seen(), new Seen()];
    await one.consume(first.options);
    await first.until(() => first.positions.size === 2);
    await other.consume(second.options);
    await first.until(() => first.positions.size === 1);
    await second.until(() => second.positions.size === 1);
    await publish(publisher, upTo(50));
    await second.until(() => second.records.length >= 20);
    one.kill();
    await publish(publisher, upTo(50, 50));
    const has = (partition: number): ReadonlySet<number> =>
      new Set([...first.numbers(partition), ...second.numbers(partition)]);
    await second.until(() => has(0).size === 100 && has(1).size === 100);
    expect(second.positions.size).toBe(2);
    for (const partition of [0, 1]) {
      const offsets = second.records.filter((record) => record.partition === partition).map(({ offset }) => offset);
      expect(offsets).toEqual([...offsets].sort((left, right) => left - right));
    }
  });

  it('a handler that takes long keeps its partition, also while others come and are lost', async () => {
    const [one, other] = [await start(), await start()];
    const [first, second] = [new Seen(), new Seen()];
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const aborted = new Set<number>();
    await publish(one, upTo(3));
    await one.consume({
      ...first.options,
      onBatch: async (partition, records, signal) => {
        signal.addEventListener('abort', () => aborted.add(partition));
        await held;
        if (!signal.aborted) await first.options.onBatch(partition, records);
      },
    });
    await first.until(() => first.positions.size === 2);
    await other.consume(second.options);
    await first.until(() => first.lost.length === 1);
    await second.until(() => second.records.length === 3);
    // Only when its session is over the group gives its partition back: by then the first has been busy for longer.
    other.kill();
    await first.until(() => first.positions.size === 2);
    expect([...aborted]).toEqual(first.lost);
    goOn();
    const kept = first.lost[0] === 0 ? 1 : 0;
    await first.until(() => first.positions.get(kept) === 3);
    expect(first.numbers(kept)).toEqual(upTo(3));
  });

  it('shows nothing of aborted transactions, and passes the ends of transactions', async () => {
    const queue = await start();
    const client = new Kafka({ brokers: [...servers.addresses], logLevel: logLevel.NOTHING });
    const producer = client.producer({ transactionalId: `${prefix}t`, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const write = async (number: number, how: 'commit' | 'abort'): Promise<void> => {
      const transaction = await producer.transaction();
      const message = { key: KEYS[0] ?? '', value: JSON.stringify({ number }), partition: 0 };
      await transaction.send({ topic: `${prefix}lines`, messages: [message] });
      await transaction[how]();
    };
    await write(1, 'abort');
    await write(2, 'commit');
    await write(3, 'abort');
    await producer.disconnect();
    const seen = new Seen();
    await queue.consume(seen.options);
    // Three records, each followed by the end of its transaction.
    await seen.until(() => seen.positions.get(0) === 6);
    expect(seen.numbers()).toEqual([2]);
  });

  it('reports what cannot be read, and goes on', async () => {
    const queue = await start();
    const producer = new Kafka({ brokers: [...servers.addresses], logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    const messages = [
      { key: 'no key of ours', value: '{"number":1}' },
      { key: 'position/processor', value: '7' },
      { key: '1:ahead', value: '{' },
    ];
    await producer.send({ topic: `${prefix}notes`, messages });
    await producer.disconnect();
    await queue.publish([{ topic: NOTES, key: 'a', id: 'head', value: { number: 2 } }]);
    await queue.publish([{ topic: NOTES, key: 'a', id: 'head', value: null }]);
    const seen = new Seen();
    await queue.consume({ ...seen.options, topic: NOTES });
    await seen.until(() => seen.positions.get(0) === 5);
    expect(seen.records.map(({ key, id, value }) => ({ key, id, value }))).toEqual([
      { key: 'a', id: 'head', value: { number: 2 } },
      { key: 'a', id: 'head', value: null },
    ]);
    expect(seen.unreadable).toEqual([
      expect.stringContaining("Its key is none that Millrace writes to 'notes'"),
      expect.stringMatching(/^1:ahead {: /),
    ]);
  });

  it('a handler that fails ends reading, with its failure', async () => {
    const queue = await start();
    await publish(queue, [1]);
    const running = await queue.consume({
      ...new Seen().options,
      onBatch: () => Promise.reject(new Error('The handler is broken')),
    });
    await expect(running.failed).rejects.toThrow('The handler is broken');
    await running.close();
  });

  it('goes on after an outage of the broker', async () => {
    const queue = await start();
    await publish(queue, upTo(5));
    const seen = new Seen();
    await queue.consume(seen.options);
    await seen.until(() => seen.records.length === 10);
    const [broker] = servers.brokers;
    await broker?.kill();
    await broker?.restart();
    await publish(queue, upTo(5, 5));
    await seen.until(() => new Set(seen.numbers(0)).size === 10 && new Set(seen.numbers(1)).size === 10);
    expect([...new Set(seen.numbers(0))]).toEqual(upTo(10));
  });
});
