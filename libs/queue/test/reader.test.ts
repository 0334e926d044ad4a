import type { FetchedPartition, ProtocolBroker, RawMessage } from 'kafkajs/src/cluster/index.js';
import type { Wire } from '../src/kafka/connections.js';
import { LogReader } from '../src/kafka/reader.js';
import { readOffsets } from '../src/kafka/range.js';
import type { LogRecord } from '../src/kafka/records.js';
import { QUIET } from './kafka-harness.js';

type FetchRequest = Parameters<ProtocolBroker['fetch']>[0];
type Asked = { readonly topic: string; readonly partition: number; readonly fetchOffset: string; maxBytes: number };

const message = (offset: number): RawMessage => ({
  offset: String(offset),
  key: Buffer.from('a'),
  value: Buffer.from(String(offset)),
  timestamp: '0',
  headers: {},
  isControlRecord: false,
  batchContext: { producerId: '-1', inTransaction: false },
});

const refused = (type: string): Error => Object.assign(new Error(type), { type });

/**
 * One broker with logs in memory; answers as Kafka does, at most `room` partitions in one answer, and as the client does:
 * one partition's error is the whole answer's.
 */
class ScriptedBroker {
  readonly fetches: Asked[][] = [];
  /** By topic/partition: the offsets of its records. An offset that is missing is an empty batch. */
  readonly logs = new Map<string, { start: number; end: number; offsets: readonly number[] }>();
  readonly failing = new Map<string, string>();
  room = Infinity;

  log(name: string, offsets: readonly number[], { start = 0, end = Math.max(0, ...offsets.map((at) => at + 1)) } = {}) {
    this.logs.set(name, { start, end, offsets });
  }

  readonly wire: Wire = {
    know: () => Promise.resolve(),
    leaders: (_topic, partitions) => new Map([['1', partitions]]),
    knownLeaders: (_topic, partitions) => new Map([['1', partitions]]),
    partitionCount: () => 100,
    broker: () => Promise.resolve(this.#broker()),
    anyBroker: () => Promise.resolve(this.#broker()),
    coordinator: () => Promise.resolve(this.#broker()),
    recover: () => Promise.resolve(),
    break: () => undefined,
    close: () => Promise.resolve(),
  };

  #broker(): ProtocolBroker {
    const scripted: Pick<ProtocolBroker, 'fetch' | 'listOffsets'> = {
      fetch: (request) => this.#fetch(request),
      listOffsets: ({ topics }) =>
        Promise.resolve({
          responses: topics.map(({ topic, partitions }) => ({
            topic,
            partitions: partitions.map(({ partition, timestamp }) => {
              const { start, end } = this.#logOf(topic, partition);
              return { partition, offset: String(timestamp === '-2' ? start : end) };
            }),
          })),
        }),
    };
    return scripted as ProtocolBroker;
  }

  #logOf(topic: string, partition: number) {
    return this.logs.get(`${topic}/${partition}`) ?? { start: 0, end: 0, offsets: [] };
  }

  async #fetch({ topics }: FetchRequest): ReturnType<ProtocolBroker['fetch']> {
    const asked = topics.flatMap(({ topic, partitions }) => partitions.map((place) => ({ topic, ...place })));
    this.fetches.push(asked);
    await new Promise<void>((resolve) => void setImmediate(resolve));
    for (const { topic, partition, fetchOffset } of asked) {
      const failure = this.failing.get(`${topic}/${partition}`);
      if (failure !== undefined) throw refused(failure);
      const { start, end } = this.#logOf(topic, partition);
      if (Number(fetchOffset) < start || Number(fetchOffset) > end) throw refused('OFFSET_OUT_OF_RANGE');
    }
    let room = this.room;
    return {
      responses: topics.map(({ topic, partitions }) => ({
        topicName: topic,
        partitions: partitions.map(({ partition, fetchOffset }): FetchedPartition => {
          const { end, offsets } = this.#logOf(topic, partition);
          const there = offsets.filter((offset) => offset >= Number(fetchOffset));
          const messages = there.length > 0 && room-- > 0 ? there.slice(0, 2).map(message) : [];
          const ends = { highWatermark: String(end), lastStableOffset: String(end) };
          return { partition, ...ends, abortedTransactions: [], messages };
        }),
      })),
    };
  }
}

describe('reading what grows', () => {
  let broker: ScriptedBroker;
  let reader: LogReader;
  beforeEach(() => {
    broker = new ScriptedBroker();
    reader = new LogReader(broker.wire, QUIET);
  });
  afterEach(() => reader.close());

  /** Reads a partition until its end; what came, and the gaps. */
  function read(name: string, until: number, offset = 0) {
    const [topic = '', partition = '0'] = name.split('/');
    const offsets: number[] = [];
    const gaps: number[] = [];
    let at = offset;
    const done = new Promise<void>((resolve) => {
      reader.open({
        topic,
        partition: Number(partition),
        offset,
        onRecords(records: readonly LogRecord[], next) {
          offsets.push(...records.map((record) => record.offset));
          at = next;
          if (at >= until) resolve();
        },
        onGap: (earliest) => void gaps.push(earliest),
      });
    });
    return { offsets, gaps, done };
  }

  it('loses nothing of partitions for which an answer has no room', async () => {
    broker.room = 1;
    const all = Array.from({ length: 40 }, (_, partition) => `logs/${partition}`);
    for (const name of all) broker.log(name, [0, 1, 2, 3, 4, 5]);
    const readings = all.map((name) => read(name, 6));
    await Promise.all(readings.map(({ done }) => done));
    for (const { offsets } of readings) expect(offsets).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('passes empty batches, asking for more of that partition alone', async () => {
    broker.log('logs/0', [], { end: 500 });
    broker.log('logs/1', [0]);
    await Promise.all([read('logs/0', 500).done, read('logs/1', 1).done]);
    const passing = broker.fetches.filter((asked) => asked.some(({ maxBytes }) => maxBytes > 512 * 1024));
    expect(passing.length).toBeGreaterThan(0);
    for (const asked of passing) expect(asked.map(({ partition }) => partition)).toEqual([0]);
  });

  it.each(['TOPIC_AUTHORIZATION_FAILED', 'NOT_LEADER_FOR_PARTITION', 'UNKNOWN_SERVER_ERROR'])(
    'a partition that fails with %s does not hold up the others, and goes on when it can',
    async (failure) => {
      broker.log('bad/0', [0, 1]);
      broker.failing.set('bad/0', failure);
      broker.log('good/0', [0, 1, 2, 3, 4, 5]);
      const bad = read('bad/0', 2);
      await read('good/0', 6).done;
      broker.failing.clear();
      await bad.done;
      expect(bad.offsets).toEqual([0, 1]);
    },
  );

  it.each([
    ['before its beginning', 3, { start: 10 }, 10],
    ['beyond its end: it was made anew', 90, { start: 0 }, 0],
  ])(
    'a log that was asked for %s is read from its beginning, and the reader is told',
    async (_, offset, range, from) => {
      broker.log('logs/0', [10, 11], { end: 12, ...range });
      broker.log('good/0', [0, 1]);
      const gone = read('logs/0', 12, offset);
      await read('good/0', 2).done;
      await gone.done;
      expect(gone.gaps).toEqual([from]);
      expect(gone.offsets).toEqual([10, 11]);
    },
  );

  it('a partition that fails for long is asked for less and less often', async () => {
    broker.log('bad/0', [0]);
    broker.failing.set('bad/0', 'UNKNOWN_SERVER_ERROR');
    const good = Array.from({ length: 200 }, (_, offset) => offset);
    broker.log('good/0', good);
    void read('bad/0', 1);
    await read('good/0', 200).done;
    const asked = broker.fetches.filter((places) => places.some(({ topic }) => topic === 'bad')).length;
    expect(asked).toBeLessThan(broker.fetches.length / 4);
  });

  it('a single record costs a small request', async () => {
    broker.log('logs/0', [0, 1, 2, 3]);
    const found: number[] = [];
    await readOffsets(broker.wire, { topic: 'logs', partition: 0 }, [2], ({ offset }) => found.push(offset));
    expect(found).toEqual([2]);
    expect(broker.fetches.flat().map(({ maxBytes }) => maxBytes)).toEqual([16 * 1024]);
  });
});
