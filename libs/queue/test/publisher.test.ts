import type { ProducedMessage, ProtocolBroker } from 'kafkajs/src/cluster/index.js';
import type { Wire } from '../src/kafka/connections.js';
import { Publisher } from '../src/kafka/publisher.js';
import type { KafkaRecord } from '../src/kafka/records.js';
import { MESSAGE_BYTES_LEAST } from '../src/kafka/topics.js';
import { encodeValue, RECORD_LENGTH_MAX } from '../src/shell/encode.js';
import type { StoredTopic } from '../src/shell/commit.js';
import { QUIET } from './kafka-harness.js';

type ProduceRequest = Parameters<ProtocolBroker['produce']>[0];

const refused = (type: string): Error => Object.assign(new Error(type), { type });
const noAnswer = (): Error => Object.assign(new Error('Request timed out'), { name: 'KafkaJSRequestTimeoutError' });

/** Resolves when it is opened. */
function gate() {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

interface Partition {
  readonly values: (string | null)[];
  /** The last batch of each producer. */
  readonly producers: Map<string, { readonly first: number; readonly next: number }>;
}

/**
 * Brokers with logs in memory. They answer as Kafka does, and as the client does: the first partition's error is the whole
 * answer's.
 */
class ScriptedBrokers {
  readonly #logs = new Map<string, Partition>();
  readonly #onTheirWay = new Set<string>();
  #producers = 0;
  /** Partitions by the error that they answer. */
  readonly failing = new Map<string, string>();
  /** Topics by the error that their metadata have. */
  readonly hidden = new Map<string, string>();
  /** Brokers that are written to, but whose answer does not come. */
  readonly silent = new Set<string>();
  /** Brokers whose answer comes when the gate is opened. */
  readonly held = new Map<string, Promise<void>>();
  /** Bytes of the largest batch of each request. */
  readonly batchBytes: number[] = [];
  leaderOf: (topic: string) => string = () => '1';

  readonly wire: Wire = {
    know: (topics) => {
      const [error] = topics.flatMap((topic) => this.hidden.get(topic) ?? []);
      return error === undefined ? Promise.resolve() : Promise.reject(refused(error));
    },
    leaders: (topic, partitions) => new Map([[this.leaderOf(topic), partitions]]),
    knownLeaders: (topic, partitions) => new Map(this.hidden.has(topic) ? [] : [[this.leaderOf(topic), partitions]]),
    partitionCount: () => 1,
    broker: (nodeId) => Promise.resolve(this.#broker(nodeId)),
    anyBroker: () => Promise.resolve(this.#broker('1')),
    coordinator: () => Promise.resolve(this.#broker('1')),
    recover: () => Promise.resolve(),
    break: () => undefined,
    close: () => Promise.resolve(),
  };

  /** What was written to a topic's only partition. */
  written(topic: string): readonly (string | null)[] {
    return this.#log(topic).values;
  }

  /** The brokers have forgotten who wrote here. */
  forgetProducers(topic: string): void {
    this.#log(topic).producers.clear();
    this.#log(topic).producers.set('another', { first: 0, next: 1 });
  }

  #log(topic: string): Partition {
    const log = this.#logs.get(topic) ?? { values: [], producers: new Map() };
    this.#logs.set(topic, log);
    return log;
  }

  #broker(nodeId: string): ProtocolBroker {
    const scripted: Pick<ProtocolBroker, 'initProducerId' | 'produce'> = {
      initProducerId: () => Promise.resolve({ producerId: `producer-${++this.#producers}`, producerEpoch: 0 }),
      produce: (request) => this.#produce(nodeId, request),
    };
    return scripted as ProtocolBroker;
  }

  async #produce(nodeId: string, { producerId, topicData }: ProduceRequest): ReturnType<ProtocolBroker['produce']> {
    const topics = topicData.map(({ topic }) => topic);
    for (const topic of topics) {
      if (this.#onTheirWay.has(topic)) throw new Error(`Two batches of '${topic}' are on their way`);
      this.#onTheirWay.add(topic);
    }
    try {
      const errors: string[] = [];
      for (const { topic, partitions } of topicData) {
        for (const { firstSequence, messages } of partitions) {
          const error = this.#append(topic, producerId, firstSequence, messages);
          if (error !== undefined) errors.push(error);
        }
      }
      await this.held.get(nodeId);
      if (this.silent.has(nodeId)) throw noAnswer();
      if (errors[0] !== undefined) throw refused(errors[0]);
      const partitions = [{ partition: 0, baseOffset: '0', logAppendTime: '-1' }];
      return { topics: topics.map((topicName) => ({ topicName, partitions })) };
    } finally {
      for (const topic of topics) this.#onTheirWay.delete(topic);
    }
  }

  #append(topic: string, producerId: string, first: number, messages: readonly ProducedMessage[]): string | undefined {
    const failure = this.failing.get(topic);
    if (failure !== undefined) return failure;
    if (messages.length === 0) return 'INVALID_RECORD';
    const bytes = messages.reduce((sum, { value }) => sum + Buffer.byteLength(value ?? ''), 0);
    this.batchBytes.push(bytes);
    const { values, producers } = this.#log(topic);
    const last = producers.get(producerId);
    const next = first + messages.length;
    if (last !== undefined && last.first === first && last.next === next) return undefined;
    if (last !== undefined && first < last.next) return 'DUPLICATE_SEQUENCE_NUMBER';
    if (last === undefined ? producers.has('another') && first > 0 : first !== last.next)
      return 'OUT_OF_ORDER_SEQUENCE_NUMBER';
    producers.set(producerId, { first, next });
    values.push(...messages.map(({ value }) => (value === null ? null : String(value))));
    return undefined;
  }
}

const topicOf = (name: string): StoredTopic => ({ name, kind: 'events', partitions: 1, decode: (stored) => stored });
const record = (topic: string, text: string): KafkaRecord => {
  const place = { topic: topicOf(topic), partition: 0, key: 'a', id: '', broadcast: false };
  return { ...place, value: text, text };
};

describe('publishing', () => {
  let brokers: ScriptedBrokers;
  let publisher: Publisher;
  const publish = (topic: string, ...texts: readonly string[]) =>
    publisher.publish(texts.map((text) => record(topic, text)));

  beforeEach(() => {
    brokers = new ScriptedBrokers();
    const { wire } = brokers;
    publisher = new Publisher({ wire, brokers: 'here:9092', log: QUIET, now: () => 0, nameOf: ({ name }) => name });
  });

  describe('when a partition is refused', () => {
    it('the others of its broker are written meanwhile, each record once', async () => {
      brokers.failing.set('ill', 'NOT_ENOUGH_REPLICAS');
      const ill = publish('ill', 'x');
      for (const text of ['1', '2', '3']) await Promise.all([publish('well', text), publish('fine', text)]);
      expect(brokers.written('well')).toEqual(['1', '2', '3']);
      expect(brokers.written('fine')).toEqual(['1', '2', '3']);
      brokers.failing.clear();
      await ill;
      expect(brokers.written('ill')).toEqual(['x']);
    });

    it('its records are written in their order when it recovers', async () => {
      brokers.failing.set('ill', 'NOT_LEADER_FOR_PARTITION');
      const first = publish('ill', '1', '2');
      await publish('well', 'a');
      const second = publish('ill', '3');
      await publish('well', 'b');
      brokers.failing.clear();
      await Promise.all([first, second]);
      expect(brokers.written('ill')).toEqual(['1', '2', '3']);
    });

    it.each([
      ['TOPIC_AUTHORIZATION_FAILED', 'QUEUE_MISMATCH', /must be allowed to read, write/],
      [
        'MESSAGE_TOO_LARGE',
        'QUEUE_TOO_LARGE',
        /'ill' does not take 102 bytes: set its max\.message\.bytes to at least/,
      ],
      ['INVALID_TIMESTAMP', 'QUEUE_MISMATCH', /Records of 'ill' cannot be published: INVALID_TIMESTAMP/],
    ])('for good (%s) its callers alone are told, at once', async (error, code, message) => {
      brokers.failing.set('ill', error);
      const outcomes = await Promise.allSettled([publish('well', 'a'), publish('ill', 'x'), publish('fine', 'b')]);
      expect(outcomes).toMatchObject([
        { status: 'fulfilled' },
        { status: 'rejected', reason: { code, retryable: false, message: expect.stringMatching(message) } },
        { status: 'fulfilled' },
      ]);
      expect([brokers.written('well'), brokers.written('fine')]).toEqual([['a'], ['b']]);
      brokers.failing.clear();
      await publish('ill', 'y');
      expect(brokers.written('ill')).toEqual(['y']);
    });

    it('because its topic cannot be seen, its callers alone are told', async () => {
      brokers.hidden.set('ill', 'TOPIC_AUTHORIZATION_FAILED');
      const outcomes = await Promise.allSettled([publish('ill', 'x'), publish('well', 'a')]);
      expect(outcomes).toMatchObject([
        { status: 'rejected', reason: { code: 'QUEUE_MISMATCH', retryable: false } },
        { status: 'fulfilled' },
      ]);
    });
  });

  it('a partition whose leader changes while two brokers are asked is sent to one of them', async () => {
    const { passed, open } = gate();
    const leaders = ['1', '1'];
    brokers.leaderOf = (topic) => (topic === 'moving' ? (leaders.shift() ?? '2') : topic === 'first' ? '1' : '2');
    brokers.held.set('1', passed).set('2', passed);
    const others = [publish('first', 'a'), publish('second', 'b')];
    await new Promise<void>((resolve) => void setImmediate(resolve));
    const moving = publish('moving', '1', '2');
    await new Promise<void>((resolve) => void setImmediate(resolve));
    open();
    await Promise.all([...others, moving]);
    expect(brokers.written('moving')).toEqual(['1', '2']);
  });

  describe('when an answer is lost', () => {
    beforeEach(() => jest.useFakeTimers({ now: 0 }));
    afterEach(() => jest.useRealTimers());
    const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
    /** What became of a call, as far as it is known. */
    function outcomeOf(call: Promise<unknown>) {
      const outcome = { is: 'open' };
      call.then(
        () => (outcome.is = 'written'),
        () => (outcome.is = 'refused'),
      );
      return outcome;
    }

    it('the repeat is recognised, also when another partition lost its numbering meanwhile', async () => {
      brokers.leaderOf = (topic) => (topic === 'lost' ? '1' : '2');
      const warm = publish('other', '1');
      await pass(1_000);
      await warm;
      const { passed, open } = gate();
      brokers.held.set('1', passed);
      brokers.silent.add('1');
      const lost = outcomeOf(publish('lost', 'x'));
      await pass(10);
      brokers.forgetProducers('other');
      const other = outcomeOf(publish('other', '2'));
      await pass(1_000);
      expect(other.is).toBe('written');
      open();
      await pass(0);
      brokers.silent.clear();
      await pass(1_000);
      expect(lost.is).toBe('written');
      expect(brokers.written('lost')).toEqual(['x']);
      expect(brokers.written('other')).toEqual(['1', '2']);
    });

    it('the repeat is recognised, also when a call of another partition was given up meanwhile', async () => {
      brokers.silent.add('1');
      const early = outcomeOf(publish('early', 'x'));
      await pass(25_000);
      const late = outcomeOf(publish('late', 'y'));
      await pass(8_000);
      expect([early.is, late.is]).toEqual(['refused', 'open']);
      brokers.silent.clear();
      await pass(2_000);
      expect(late.is).toBe('written');
      expect(brokers.written('late')).toEqual(['y']);
    });

    it('a batch of which a call was given up is repeated as it was', async () => {
      const { passed, open } = gate();
      brokers.held.set('1', passed);
      const first = outcomeOf(publish('notes', '1'));
      await pass(10);
      const early = outcomeOf(publish('notes', '2'));
      await pass(25_000);
      const late = outcomeOf(publish('notes', '3'));
      const second = gate();
      brokers.held.set('1', second.passed);
      open();
      await pass(1_000);
      brokers.silent.add('1');
      second.open();
      await pass(7_000);
      expect([first.is, early.is, late.is]).toEqual(['written', 'refused', 'open']);
      brokers.silent.clear();
      await pass(2_000);
      expect(late.is).toBe('written');
      expect(brokers.written('notes')).toEqual(['1', '2', '3']);
    });

    it.each([
      ['was written', true, ['0', '1', '2']],
      ['was not written', false, ['0', '2']],
    ])('and the batch given up, which %s, the next is not taken for its repeat', async (_what, isWritten, values) => {
      const before = publish('notes', '0');
      await pass(100);
      await before;
      if (!isWritten) brokers.failing.set('notes', 'NOT_ENOUGH_REPLICAS');
      brokers.silent.add('1');
      const lost = outcomeOf(publish('notes', '1'));
      await pass(33_000);
      expect(lost.is).toBe('refused');
      brokers.failing.clear();
      brokers.silent.clear();
      const next = outcomeOf(publish('notes', '2'));
      await pass(2_000);
      expect(next.is).toBe('written');
      expect(brokers.written('notes')).toEqual(values);
    });
  });

  describe('the size of batches', () => {
    it('is measured in bytes, not in characters', async () => {
      const text = '漢'.repeat(100_000);
      await publish('notes', text, text, text, text);
      expect(brokers.batchBytes).toEqual([300_000, 300_000, 300_000, 300_000]);
    });

    it('of the largest record is what every topic takes', async () => {
      const text = encodeValue(topicOf('notes'), '', '', '漢'.repeat(RECORD_LENGTH_MAX - 2));
      await publish('notes', text);
      expect(brokers.batchBytes[0]).toBeGreaterThan(2_690_000);
      expect(brokers.batchBytes[0]).toBeLessThan(MESSAGE_BYTES_LEAST);
    });
  });

  it('closing writes what waits, and gives up what is refused', async () => {
    brokers.failing.set('ill', 'NOT_ENOUGH_REPLICAS');
    const outcomes = Promise.allSettled([publish('ill', 'x'), publish('well', 'a')]);
    await publisher.close();
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'QUEUE_UNAVAILABLE' } },
      { status: 'fulfilled' },
    ]);
    expect(publisher.isIdle).toBe(true);
  });
});
