import { randomBytes } from 'node:crypto';
import { ClusterState, placedId, type Placement, type Topic } from '@millrace/model';
import { systemClock } from '@millrace/service';
import { ledger, ledgerTopics, type LedgerTopics } from '../../testing/src/queue-contract/ledger.js';
import { startKafka, type KafkaServers } from '../../testing/src/servers/index.js';
import { partitionOf, type RunningProcessor, type View } from '../src/index.js';
import { createKafkaQueue, KAFKA_DEFAULTS, type KafkaQueue } from '../src/kafka/index.js';
import { describeWithKafka } from '../../testing/test/with-servers.js';
import { QUIET } from './kafka-harness.js';

/** Partitions of each placement, as the cluster agrees on them one after the other. */
const COUNTS = [2, 4, 6] as const;
const PLACEMENTS: readonly Placement[] = COUNTS.map((partitions) => ({ partitions }));

/** A server: it owns partitions of the ledger, reads its events in a group, and follows them. */
interface Member {
  readonly queue: KafkaQueue;
  readonly cluster: ClusterState;
  readonly topics: LedgerTopics;
  readonly view: View<unknown>;
  processor: RunningProcessor | undefined;
  /** Keys of the events that the tail was told, as often as it was. */
  readonly tailed: string[];
  /** Partitions that are read in the group now. */
  readonly consuming: Set<number>;
}

/** Keys of one placement, one in each of its partitions. */
const keysOf = (placement: number): readonly string[] => {
  const partitions = COUNTS[placement] ?? 0;
  return Array.from({ length: partitions }, (_, partition) => {
    for (let at = 0; ; at++) {
      const key = `main/${placedId(`${placement}${at}`.padStart(22, 'x'), placement)}`;
      if (partitionOf(key, partitions) === partition) return key;
    }
  });
};

describeWithKafka('topics that get more partitions', () => {
  jest.setTimeout(180_000);
  let servers: KafkaServers;
  let prefix: string;
  const members: Member[] = [];
  /** Keys of the events that were read in the group, by whoever. */
  let consumed: string[];
  const waiting = new Set<() => void>();
  beforeAll(async () => (servers = await startKafka()));
  beforeEach(() => {
    prefix = `growth-${randomBytes(5).toString('hex')}-`;
    consumed = [];
  });
  afterEach(() => void members.splice(0).map(({ queue }) => queue.kill()));
  afterAll(() => servers.stop());

  const changed = (): void => waiting.forEach((check) => check());
  /** Looked at when something came, and from time to time: nobody tells of partitions that begin to be owned. */
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        waiting.delete(check);
        clearInterval(timer);
        resolve();
      };
      const timer = setInterval(check, 100);
      waiting.add(check);
      check();
    });

  /** @param placement that the cluster uses when the server starts */
  async function start(placement = 0): Promise<Member> {
    const cluster = new ClusterState(COUNTS[0], { toBeTold: true });
    const topics = placedTopics(cluster);
    const queue = await createKafkaQueue({
      clock: systemClock,
      instance: `server-${members.length + 1}`,
      connection: { ...KAFKA_DEFAULTS, brokers: servers.addresses },
      topicSettings: { prefix, replicationFactor: 1, create: 'create', overrides: {} },
      group: { sessionTimeoutMs: 3_000, rebalanceTimeoutMs: 5_000 },
      topics: [topics.events, topics.heads, topics.entries],
      log: QUIET,
    });
    agree(cluster, placement);
    const view = await queue.view(topics.heads);
    view.onChange(changed);
    const member: Member = { queue, cluster, topics, view, processor: undefined, tailed: [], consuming: new Set() };
    members.push(member);
    await queue.tail(topics.events, { onRecord: ({ key }) => (member.tailed.push(key), changed()) });
    return member;
  }

  async function work(member: Member): Promise<void> {
    const { queue, topics, consuming } = member;
    member.processor = await queue.process(ledger(topics));
    await queue.consume({
      topic: topics.events,
      group: 'readers',
      batchSize: 10,
      onBatch: async (_partition, records) => {
        consumed.push(...records.map(({ key }) => key));
        changed();
      },
      onPosition: (partition) => void consuming.add(partition),
      onLost: (partition) => void consuming.delete(partition),
    });
  }

  async function grow({ queue, topics, cluster }: Member, placement: number): Promise<void> {
    await queue.grow([topics.events, topics.heads, topics.entries], COUNTS[placement] ?? 0);
    agree(cluster, placement);
  }

  /** One addition to each account, and what everybody has seen of all since the start. */
  async function addAndSee(by: Member, keys: readonly string[], times: ReadonlyMap<string, number>): Promise<void> {
    const { queue, topics } = by;
    await queue.publish(keys.map((key) => ({ topic: topics.events, key, value: { kind: 'add', amount: 1 } })));
    const expected = [...times].flatMap(([key, count]) => Array.from({ length: count }, () => key)).sort();
    const total = (view: View<unknown>, key: string): unknown => Object(view.get(key, 'head')).total;
    await until(() => members.every(({ view }) => keys.every((key) => total(view, key) === times.get(key))));
    await until(() => members.every(({ tailed }) => tailed.length >= expected.length));
    for (const { tailed } of members) expect([...tailed].sort()).toEqual(expected);
    await until(() => consumed.length >= expected.length && new Set(consumed).size === times.size);
    for (const { view } of members) await view.refresh();
  }

  const owned = (): readonly number[] =>
    members.flatMap(({ processor }) => processor?.partitions ?? []).sort((one, other) => one - other);
  const read = (): readonly number[] =>
    members.flatMap(({ consuming }) => [...consuming]).sort((one, other) => one - other);

  it('every partition, old and new, is owned, read in groups and followed, whoever hears of it first', async () => {
    const [one, other, reader] = [await start(), await start(), await start()];
    await Promise.all([work(one), work(other)]);
    const times = new Map<string, number>();
    const count = (keys: readonly string[]): readonly string[] => {
      for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1);
      return keys;
    };
    await addAndSee(reader, count(keysOf(0)), times);
    for (const [placement, order] of [
      [1, [one, other, reader]],
      [2, [reader, other, one]],
    ] as const) {
      for (const member of order) await grow(member, placement);
      const all = Array.from({ length: COUNTS[placement] }, (_, at) => at);
      await until(() => owned().join() === all.join() && read().join() === all.join());
      for (const { processor } of [one, other]) expect(processor?.partitions).toHaveLength(all.length / 2);
      const keys = Array.from({ length: placement + 1 }, (_, at) => keysOf(at)).flat();
      await addAndSee(reader, count(keys), times);
    }
  });

  it('who was killed while the others grew comes back and has its share', async () => {
    const [one, other] = [await start(), await start()];
    await Promise.all([work(one), work(other)]);
    const times = new Map<string, number>(keysOf(0).map((key) => [key, 1]));
    await addAndSee(one, keysOf(0), times);
    members.splice(1);
    other.queue.kill();
    await grow(one, 1);
    await until(() => owned().join() === '0,1,2,3');
    const again = await start(1);
    await work(again);
    await until(() => again.processor?.partitions.length === 2 && owned().join() === '0,1,2,3');
    const keys = [...keysOf(0), ...keysOf(1)];
    await one.queue.publish(keys.map((key) => ({ topic: one.topics.events, key, value: { kind: 'add', amount: 1 } })));
    const isThere = (key: string): boolean =>
      Object(again.view.get(key, 'head')).total === (key.endsWith('-1') ? 1 : 2);
    await until(() => keys.every(isThere));
  });
});

const agree = (cluster: ClusterState, placement: number): void =>
  cluster.tell({ format: 2, placements: PLACEMENTS.slice(0, placement + 1), current: placement });

/** The ledger's topics, with as many partitions as the cluster has agreed on. */
function placedTopics(cluster: ClusterState): LedgerTopics {
  const placed = <Value>(topic: Topic<Value>): Topic<Value> => ({
    ...topic,
    cluster,
    get partitions() {
      return cluster.partitions;
    },
  });
  const { events, heads, entries, ...others } = ledgerTopics(COUNTS[0]);
  return { ...others, events: placed(events), heads: placed(heads), entries: placed(entries) };
}
