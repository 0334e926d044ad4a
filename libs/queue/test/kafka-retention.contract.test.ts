import { randomBytes } from 'node:crypto';
import { startKafka, type KafkaServers } from '../../testing/src/servers/index.js';
import { createManualClock } from '../../testing/src/queue-contract/clock.js';
import type { QueueHarness } from '../../testing/src/queue-contract/index.js';
import { ledger, ledgerTopics } from '../../testing/src/queue-contract/ledger.js';
import { collect, told } from '../../testing/src/queue-contract/setting.js';
import type { StateRetention } from '../src/index.js';
import type { Faults, Write } from '../src/store/faults.js';
import { describeWithKafka } from '../../testing/test/with-servers.js';
import { kafkaHarness } from './kafka-harness.js';

const DAY = 86_400_000;
/** Rounds of `settle`, each some milliseconds, until something counts as never. */
const PATIENCE = 5_000;

describeWithKafka('state of keys that have ended', () => {
  jest.setTimeout(120_000);
  let servers: KafkaServers;
  let harness: QueueHarness;
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const topics = ledgerTopics(1);
  beforeAll(async () => (servers = await startKafka()));
  beforeEach(() => (harness = kafkaHarness(() => servers.addresses)(clock)));
  afterEach(() => harness.dispose());
  afterAll(() => servers.stop());

  /** A wait of the queue's own would be by the test's clock, which stands still: it would never be over. */
  async function happens(what: string, holds: () => boolean): Promise<void> {
    for (let step = 0; step < PATIENCE; step++) {
      await harness.settle();
      if (holds()) return;
    }
    throw new Error(`It does not happen that ${what}`);
  }

  async function begin(retention: StateRetention, faults?: Faults) {
    const server = await harness.start(faults);
    const { queue } = server;
    const heads = await queue.view(topics.heads);
    const entries = await queue.view(topics.entries);
    const notes = await collect(queue, topics.notes);
    const tells = (text: string, times = 1) =>
      happens(`'${text}' is told ${times} times`, () => told(text, times)(notes.values));
    await queue.process(ledger(topics, { retention }));
    const tell = (key: string, ...kinds: readonly ('add' | 'end' | 'revive')[]) =>
      queue.publish(
        kinds.map((kind) => ({
          topic: topics.events,
          key,
          value: kind === 'add' ? { kind, amount: 1, entry: randomBytes(4).toString('hex') } : { kind },
        })),
      );
    const gone = (key: string) =>
      happens(`'${key}' leaves`, () => heads.records(key).size === 0 && entries.records(key).size === 0);
    return { server, heads, entries, tells, tell, gone };
  }

  it('waits until all of its records are searchable', async () => {
    let searchable = 0;
    const { heads, tells, tell, gone } = await begin({ afterMs: DAY, searchable: () => searchable });
    await tell('key', 'add', 'end');
    await tells('ended');
    await harness.settle();
    clock.advance(2 * DAY);
    await tell('other', 'add');
    await tells('added 1', 2);
    await harness.settle();
    expect(heads.records('key').size).toBe(1);
    searchable = Infinity;
    clock.advance(1_000);
    await gone('key');
  });

  it('leaves the log when its retention is over; what lives, and what ended later, stays', async () => {
    const { heads, entries, tells, tell, gone } = await begin({ afterMs: DAY });
    await tell('old', 'add', 'add', 'end');
    await tell('alive', 'add');
    await tell('revived', 'add', 'end', 'revive');
    await tells('lives again');
    clock.advance(DAY / 2);
    await tell('young', 'add', 'end');
    await tells('ended', 3);
    await harness.settle();
    expect(heads.records('old').size).toBe(1);
    clock.advance(DAY / 2);
    await gone('old');
    await harness.settle();
    expect(['alive', 'revived', 'young'].map((key) => heads.records(key).size + entries.records(key).size)).toEqual([
      2, 2, 2,
    ]);
    await tell('old', 'add');
    await happens("'old' is back", () => heads.records('old').size > 0);
    expect(heads.get('old', 'head')).toMatchObject({ total: 1 });
  });

  it('is found by the next owner, in the order in which it ended', async () => {
    const first = await begin({ afterMs: DAY });
    await first.tell('one', 'add', 'end');
    await first.tells('ended');
    await harness.settle();
    clock.advance(DAY / 2);
    await first.tell('two', 'add', 'end');
    await first.tells('ended', 2);
    await harness.settle();
    first.server.kill();
    clock.advance(DAY / 2);
    const second = await begin({ afterMs: DAY });
    await second.gone('one');
    expect(second.heads.records('two').size).toBe(1);
    clock.advance(DAY / 2);
    await second.gone('two');
  });

  it('leaves with all others that are due, in as many transactions as that takes', async () => {
    const { heads, tells, tell } = await begin({ afterMs: DAY });
    const keys = Array.from({ length: 2_500 }, (_, at) => `key-${at}`);
    await Promise.all(keys.map((key) => tell(key, 'end')));
    await tells('ended', keys.length);
    await harness.settle();
    clock.advance(DAY);
    await happens('all leave', () => keys.every((key) => heads.records(key).size === 0));
  });

  it('does not wait for one that ended before it and is not searchable yet', async () => {
    let searchable = 0;
    const { heads, tells, tell, gone } = await begin({
      afterMs: DAY,
      searchable: (topic) => (topic === topics.entries.name ? searchable : Infinity),
    });
    await tell('first', 'add', 'end');
    await tells('ended');
    clock.advance(1_000);
    await tell('second', 'end');
    await tells('ended', 2);
    await harness.settle();
    clock.advance(2 * DAY);
    await gone('second');
    expect(heads.records('first').size).toBe(1);
    searchable = Infinity;
    clock.advance(1_000);
    await gone('first');
  });

  it('is not removed by an owner that was overtaken while it did it', async () => {
    let freeze = false;
    let frozen = false;
    let go = (): void => undefined;
    const released = new Promise<void>((resolve) => (go = resolve));
    const held = async ({ kind }: { readonly kind: Write['kind'] }): Promise<void> => {
      if (!freeze) return;
      if (kind === 'commit') frozen = true;
      await released;
    };
    const first = await begin({ afterMs: DAY }, { before: held });
    await first.tell('key', 'add', 'end');
    await first.tells('ended');
    await harness.settle();
    freeze = true;
    clock.advance(2 * DAY);
    await happens('the first owner is about to remove the key', () => frozen);
    // It sends no heartbeat any more, so the next one gets the partition; there nothing is due.
    const second = await begin({ afterMs: 10 * DAY });
    await second.tell('key', 'revive');
    await second.tells('lives again');
    go();
    await second.tell('key', 'add');
    await second.tells('added 1');
    await harness.settle();
    await second.tell('key', 'add');
    await second.tells('added 1', 2);
    expect(second.heads.get('key', 'head')).toMatchObject({ total: 3, ended: false });
    expect(second.entries.records('key').size).toBe(3);
  });
});
