/// <reference types="jest" />
import type { MakeHarness, QueueDifferences } from './harness.js';
import { advanceUntil } from './harness.js';
import { setUp, startLedger, told, type Setting } from './setting.js';

const DAY = 86_400_000;
/** Longer than the tests of it wait for anything. */
const RETENTION = { afterMs: 30 * DAY };

/** What becomes of keys that have ended, when the processor says for how long they are wanted. */
export function retentionContract(makeHarness: MakeHarness, { ended, patience }: QueueDifferences): void {
  let setting: Setting;
  beforeEach(() => (setting = setUp(makeHarness, patience === undefined ? {} : { patience })));
  afterEach(() => setting.dispose());

  const begin = async () => {
    const server = await startLedger(setting, { overrides: { retention: RETENTION } });
    return { ...server, heads: await server.queue.view(setting.topics.heads) };
  };

  it('stay until it is over, and go on when they are told something', async () => {
    const { tell, notes, heads } = await begin();
    await tell('ended', { kind: 'add', amount: 1 }, { kind: 'end' });
    await notes.until(told('ended'));
    await setting.settle();
    setting.clock.advance(RETENTION.afterMs - DAY);
    await tell('ended', { kind: 'add', amount: 2 });
    await notes.until(told('added 2'));
    await advanceUntil(setting, () => heads.get('ended', 'head') !== undefined);
    await heads.refresh();
    expect(heads.get('ended', 'head')).toMatchObject({ total: 3 });
  });

  it('never go while they live', async () => {
    const { tell, notes, heads } = await begin();
    await tell('lives', { kind: 'add', amount: 1 });
    await tell('revived', { kind: 'end' }, { kind: 'add', amount: 1 }, { kind: 'revive' });
    await notes.until(told('lives again'));
    await setting.settle();
    setting.clock.advance(2 * RETENTION.afterMs);
    await tell('other', { kind: 'add', amount: 7 });
    await notes.until(told('added 7'));
    await setting.settle();
    await heads.refresh();
    expect([heads.records('lives').size, heads.records('revived').size]).toEqual([1, 1]);
  });

  if (ended === 'removed') {
    it('are removed after it, and then begin anew', async () => {
      const { tell, notes, heads } = await begin();
      await tell('ended', { kind: 'add', amount: 1 }, { kind: 'end' });
      await notes.until(told('ended'));
      await setting.settle();
      setting.clock.advance(RETENTION.afterMs);
      await advanceUntil(setting, () => heads.records('ended').size === 0);
      await tell('ended', { kind: 'add', amount: 2 });
      await notes.until(told('added 2'));
      await heads.refresh();
      expect(heads.get('ended', 'head')).toMatchObject({ total: 2 });
    });
  } else {
    it('are kept nevertheless: what the store has is the history', async () => {
      const { tell, notes, heads } = await begin();
      await tell('ended', { kind: 'add', amount: 1 }, { kind: 'end' });
      await notes.until(told('ended'));
      await setting.settle();
      setting.clock.advance(2 * RETENTION.afterMs);
      await tell('ended', { kind: 'add', amount: 2 });
      await notes.until(told('added 2'));
      await heads.refresh();
      expect(heads.get('ended', 'head')).toMatchObject({ total: 3 });
    });
  }
}
