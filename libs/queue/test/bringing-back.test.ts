import { createManualClock } from '../../testing/src/queue-contract/clock.js';
import { settleHere } from '../../testing/src/queue-contract/index.js';
import { ledger, ledgerTopics } from '../../testing/src/queue-contract/ledger.js';
import { createMemoryQueue } from '../src/memory/index.js';

const topics = ledgerTopics(1);

/** How many transactions two events of one publish take. */
async function commitsOf(bringsBack: boolean): Promise<number> {
  let commits = 0;
  const clock = createManualClock(0);
  const queue = createMemoryQueue({ clock, faults: { before: ({ kind }) => void (kind === 'commit' && commits++) } });
  const { processor, ...definition } = ledger(topics);
  await queue.process({
    ...definition,
    processor: { ...processor, bringsBack: ({ kind }) => bringsBack && kind === 'add' },
  });
  await queue.publish([
    { topic: topics.events, key: 'key', value: { kind: 'add', amount: 1, entry: 'one' } },
    { topic: topics.events, key: 'key', value: { kind: 'end' } },
  ]);
  for (let round = 0; round < 20; round++) await settleHere();
  await queue.close();
  return commits;
}

describe('an event that brings records back', () => {
  it('is committed before the next one is decided', async () => {
    expect([await commitsOf(false), await commitsOf(true)]).toEqual([1, 2]);
  });
});
