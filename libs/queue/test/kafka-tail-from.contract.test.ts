import { Kafka, logLevel } from 'kafkajs';
import { randomBytes } from 'node:crypto';
import { systemClock } from '@millrace/service';
import { startKafka, type KafkaServers } from '../../testing/src/servers/index.js';
import { ledgerTopics } from '../../testing/src/queue-contract/ledger.js';
import type { LoggedRecord, Tail } from '../src/index.js';
import { createKafkaQueue, KAFKA_DEFAULTS, type KafkaQueue } from '../src/kafka/index.js';
import { describeWithKafka } from '../../testing/test/with-servers.js';
import { QUIET } from './kafka-harness.js';

const topics = ledgerTopics(1);

describeWithKafka('a log that is followed from given offsets', () => {
  jest.setTimeout(120_000);
  let servers: KafkaServers;
  let prefix: string;
  let queue: KafkaQueue;
  beforeAll(async () => (servers = await startKafka()));
  beforeEach(async () => {
    prefix = `tail-from-${randomBytes(5).toString('hex')}-`;
    queue = await createKafkaQueue({
      clock: systemClock,
      instance: 'server',
      connection: { ...KAFKA_DEFAULTS, brokers: servers.addresses },
      topicSettings: { prefix, replicationFactor: 1, create: 'create', overrides: {} },
      group: { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 2_000 },
      topics: [topics.heads, topics.notes],
      log: QUIET,
    });
  });
  afterEach(() => queue.close());
  afterAll(() => servers.stop());

  const head = (id: string, total: number | null) => ({
    topic: topics.heads,
    key: 'k',
    id,
    value: total === null ? null : { kind: 'head', total, applied: 0 },
  });
  const note = (text: string) => ({ topic: topics.notes, key: 'k', value: { kind: 'note', text } });
  type Told = LoggedRecord<unknown>;
  async function follow(
    topic: typeof topics.heads | typeof topics.notes,
    from: ReadonlyMap<number, number>,
  ): Promise<{ readonly told: Told[]; readonly tail: Tail }> {
    const told: Told[] = [];
    const tail = await queue.tailFrom<unknown>(topic as typeof topics.notes, {
      from,
      onRecord: (record) => void told.push(record),
    });
    return { told, tail };
  }
  const partitionOfAll = (told: readonly Told[]): number => told[0]?.partition ?? -1;

  it('tells every record with its place, removals included, and goes on with new ones', async () => {
    await queue.publish([head('a', 1), head('a', 2)]);
    await queue.publish([head('a', null), head('b', 3)]);
    const before = Date.now();
    const { told, tail } = await follow(topics.heads, new Map());
    expect(told.map(({ id, value, offset }) => [id, value === null ? null : 'value', offset])).toEqual([
      ['a', 'value', 0],
      ['a', 'value', 1],
      ['a', null, 2],
      ['b', 'value', 3],
    ]);
    expect(told.every(({ writtenAt }) => Math.abs(writtenAt - before) < 60_000)).toBe(true);
    await queue.publish([head('b', null)]);
    await tail.caughtUp();
    expect(told.slice(4)).toMatchObject([{ id: 'b', value: null, offset: 4 }]);
    tail.close();
    await queue.publish([head('c', 1)]);
    expect(told).toHaveLength(5);
  });

  it('begins where it was told, in each partition, beside others that follow the same topic', async () => {
    await queue.publish(['one', 'two', 'three'].map(note));
    const all = await follow(topics.notes, new Map());
    const rest = await follow(topics.notes, new Map([[partitionOfAll(all.told), 2]]));
    const none = await follow(topics.notes, new Map([[partitionOfAll(all.told), 3]]));
    expect(rest.told.map(({ offset }) => offset)).toEqual([2]);
    await queue.publish([note('four')]);
    for (const { tail } of [all, rest, none]) await tail.caughtUp();
    expect([all, rest, none].map(({ told }) => told.map(({ offset }) => offset))).toEqual([[0, 1, 2, 3], [2, 3], [3]]);
  });

  it.each([
    ['was removed', 0],
    ['is beyond the end, for the log was made anew', 90],
  ])('goes on at the beginning of the log when what was wanted %s', async (_why, from) => {
    await queue.publish(['one', 'two', 'three'].map(note));
    const [partition] = (await follow(topics.notes, new Map())).told.map((record) => record.partition);
    const admin = new Kafka({ brokers: [...servers.addresses], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.fetchTopicOffsets(`${prefix}${topics.notes.name}`);
    await admin.deleteTopicRecords({
      topic: `${prefix}${topics.notes.name}`,
      partitions: [{ partition: partition ?? 0, offset: '1' }],
    });
    await admin.disconnect();
    const { told } = await follow(topics.notes, new Map([[partition ?? 0, from]]));
    expect(told.map(({ offset }) => offset)).toEqual([1, 2]);
  });

  it('a listener that throws is told of it, and of no more', async () => {
    const errors: unknown[] = [];
    let calls = 0;
    const onRecord = (): void => {
      calls++;
      throw new Error('no');
    };
    await queue.publish([note('one')]);
    const tail = await queue.tailFrom(topics.notes, {
      from: new Map(),
      onRecord,
      onError: (error) => errors.push(error),
    });
    await queue.publish([note('two')]);
    tail.close();
    expect([calls, errors.length]).toEqual([1, 1]);
  });
});
