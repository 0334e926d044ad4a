import { randomBytes } from 'node:crypto';
import { startKafka, type KafkaServers } from '../../testing/src/servers/index.js';
import { createManualClock } from '../../testing/src/queue-contract/clock.js';
import type { QueueHarness } from '../../testing/src/queue-contract/index.js';
import { ledger, ledgerTopics } from '../../testing/src/queue-contract/ledger.js';
import { collect, told } from '../../testing/src/queue-contract/setting.js';
import type { StateRetention } from '../src/index.js';
import { describeWithKafka, kafkaHarness } from './kafka-harness.js';

const DAY = 86_400_000;

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

  async function begin(retention: StateRetention) {
    const server = await harness.start();
    const { queue } = server;
    const heads = await queue.view(topics.heads);
    const entries = await queue.view(topics.entries);
    const notes = await collect(queue, topics.notes);
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
      heads.waitFor(() => heads.records(key).size === 0 && entries.records(key).size === 0, 30_000);
    return { server, heads, entries, notes, tell, gone };
  }

  it('waits until all of its records are searchable', async () => {
    let searchable = 0;
    const { heads, notes, tell, gone } = await begin({ afterMs: DAY, searchable: () => searchable });
    await tell('key', 'add', 'end');
    await notes.until(told('ended'));
    await harness.settle();
    clock.advance(2 * DAY);
    await tell('other', 'add');
    await notes.until(told('added 1', 2));
    await harness.settle();
    expect(heads.records('key').size).toBe(1);
    searchable = Infinity;
    clock.advance(1_000);
    expect(await gone('key')).toBe(true);
  });
});
