/// <reference types="jest" />
/* eslint-disable max-lines-per-function -- a suite is one function of many small tests */
import type { MakeHarness } from './harness.js';
import type { LedgerEvent } from './ledger.js';
import { setUp, startLedger, texts, told, type Setting } from './setting.js';

/** What the shell promises a processor. */
export function processingContract(makeHarness: MakeHarness): void {
  let setting: Setting;
  beforeEach(() => (setting = setUp(makeHarness)));
  afterEach(() => setting.dispose());

  it('decides all that follows from an event before its siblings', async () => {
    const { tell, notes } = await startLedger(setting);
    const leaf = (name: string): LedgerEvent => ({ kind: 'branch', name, children: [] });
    await tell('a', {
      kind: 'branch',
      name: 'root',
      children: [{ kind: 'branch', name: 'left', children: [leaf('left.1'), leaf('left.2')] }, leaf('right')],
    });
    await notes.until(told('right'));
    expect(texts(notes.values)).toEqual(['root', 'left', 'left.1', 'left.2', 'right']);
  });

  it('undoes only the event that failed, lets the key say so, and writes a dead letter', async () => {
    const { tell, notes, letters, queue } = await startLedger(setting);
    await tell('a', { kind: 'add', amount: 1 }, { kind: 'throw', after: 2 }, { kind: 'add', amount: 2 });
    await notes.until(told('added 2'));
    expect(texts(notes.values)).toEqual(['added 1', 'failed: broken', 'added 2']);
    await letters.until((values) => values.length > 0);
    expect(letters.values).toMatchObject([{ key: 'a', reason: 'Error: broken', processor: 'ledger' }]);
    expect((await queue.view(setting.topics.heads)).get('a', 'head')).toMatchObject({ total: 3, failure: 'broken' });
  });

  it('writes only a dead letter when the failure fails, too', async () => {
    const { tell, notes, letters, queue } = await startLedger(setting);
    await tell(
      'a',
      { kind: 'add', amount: 1 },
      { kind: 'throw', after: 1, failAlso: true },
      { kind: 'add', amount: 2 },
    );
    await notes.until(told('added 2'));
    await letters.until((values) => values.length > 0);
    expect(letters.values).toMatchObject([{ reason: 'Error: broken twice' }]);
    expect((await queue.view(setting.topics.heads)).get('a', 'head')).toEqual({ kind: 'head', total: 3 });
  });

  it('makes a dead letter of an event that cannot be read, and goes on', async () => {
    const { tell, notes, letters, queue } = await startLedger(setting);
    await queue.publish([{ topic: setting.topics.events, key: 'a', value: { unreadable: true } }]);
    await tell('a', { kind: 'add', amount: 1 });
    await notes.until(told('added 1'));
    await letters.until((values) => values.length > 0);
    expect(letters.values).toMatchObject([{ key: 'a', reason: 'Error: This record cannot be read' }]);
  });

  it('makes a dead letter of an event whose context cannot be had', async () => {
    const context = (_key: string, _state: unknown, input: { kind: string }, now: number) => {
      if (input.kind === 'end') throw new Error('no context');
      return { now };
    };
    const { tell, notes, letters } = await startLedger(setting, { overrides: { context } });
    await tell('a', { kind: 'end' }, { kind: 'add', amount: 1 });
    await notes.until(told('added 1'));
    await letters.until((values) => values.length > 0);
    expect(letters.values).toMatchObject([{ reason: 'Error: no context' }]);
  });

  it('waits for a context that is a promise without changing the order', async () => {
    const opened: (() => void)[] = [];
    const context = (_key: string, _state: unknown, input: { kind: string; amount?: number }, now: number) =>
      input.amount === 1 ? new Promise<{ now: number }>((resolve) => opened.push(() => resolve({ now }))) : { now };
    const { tell, notes } = await startLedger(setting, { overrides: { context } });
    await tell('a', { kind: 'add', amount: 1 }, { kind: 'add', amount: 2 });
    await setting.settle();
    expect(notes.values).toEqual([]);
    opened.forEach((open) => open());
    await notes.until(told('added 2'));
    expect(texts(notes.values)).toEqual(['added 1', 'added 2']);
  });

  it('lets another key of the partition have its turn in the middle of a long chain, and loses nothing of it', async () => {
    await setting.dispose();
    setting = setUp(makeHarness, { partitions: 1 });
    const { tell, notes, queue } = await startLedger(setting);
    await tell(
      'a',
      {
        kind: 'branch',
        name: 'begun',
        children: [
          { kind: 'chain', steps: 1_800, name: 'long' },
          { kind: 'add', amount: 5 },
        ],
      },
      { kind: 'add', amount: 7 },
    );
    await tell('b', { kind: 'add', amount: 3 });
    await notes.until(told('added 5'));
    const order = texts(notes.values);
    expect(order.indexOf('added 3')).toBeLessThan(order.indexOf('chain long ended'));
    expect(order.indexOf('chain long ended')).toBeLessThan(order.indexOf('added 5'));
    const view = await queue.view(setting.topics.heads);
    expect(view.get('a', 'head')).toMatchObject({ total: 1_812 });
  });

  it('wakes a key when it is due, not before', async () => {
    const { clock } = setting;
    const { tell, notes } = await startLedger(setting);
    await tell('a', { kind: 'remind', at: clock.now() + 1_000 }, { kind: 'add', amount: 1 });
    await notes.until(told('added 1'));
    clock.advance(999);
    await setting.settle();
    expect(texts(notes.values)).toEqual(['added 1']);
    clock.advance(1);
    await notes.until(told('woken'));
    expect(notes.values.at(-1)?.at).toBe(clock.now());
  });

  it('leaves a key alone when even the failure of its wake fails, until something else happens to it', async () => {
    const { clock } = setting;
    const { tell, notes, letters } = await startLedger(setting);
    await tell('a', { kind: 'remind', at: clock.now() + 1_000, cursed: true }, { kind: 'add', amount: 1 });
    await notes.until(told('added 1'));
    clock.advance(1_000);
    await letters.until((values) => values.length === 1);
    for (let second = 0; second < 30; second++) {
      clock.advance(1_000);
      await setting.settle();
    }
    await letters.until((values) => values.length > 0);
    expect(letters.values).toMatchObject([{ key: 'a', reason: 'Error: broken twice' }]);
    await tell('a', { kind: 'remind', at: clock.now() }, { kind: 'add', amount: 2 });
    await notes.until(told('added 2'));
    clock.advance(1_000);
    await notes.until(told('woken'));
  });

  it('has a time that never goes back', async () => {
    const { tell, notes } = await startLedger(setting);
    await tell('a', { kind: 'add', amount: 1 });
    await notes.until(told('added 1'));
    setting.clock.setBack(60_000);
    await tell('a', { kind: 'add', amount: 2 });
    await notes.until(told('added 2'));
    const [first, second] = notes.values;
    expect(second?.at).toBeGreaterThanOrEqual(first?.at ?? Infinity);
  });

  it('gives a broadcast event to every partition, as events of the live keys there', async () => {
    const { tell, notes, queue } = await startLedger(setting);
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const key of keys) await tell(key, { kind: 'add', amount: 1 });
    await tell('a', { kind: 'end' });
    await notes.until(told('ended'));
    await queue.publish([
      { topic: setting.topics.events, key: 'all', value: { kind: 'everyone', amount: 10 }, broadcast: true },
    ]);
    await notes.until(told('added 10', 5));
    await setting.settle();
    const told10 = notes.records.filter(({ value }) => value?.text === 'added 10').map(({ key }) => key);
    expect(told10.sort()).toEqual(['b', 'c', 'd', 'e', 'f']);
  });

  it('loads a key that has ended when something happens to it after all', async () => {
    const { tell, notes, queue } = await startLedger(setting);
    await tell('a', { kind: 'add', amount: 1, entry: 'one' }, { kind: 'end' });
    await notes.until(told('ended'));
    await tell('a', { kind: 'add', amount: 2, entry: 'two' });
    await notes.until(told('added 2'));
    expect((await queue.view(setting.topics.heads)).get('a', 'head')).toMatchObject({ total: 3, ended: true });
    expect((await queue.view(setting.topics.entries)).records('a').size).toBe(2);
  });

  it('writes only the records that an event touched', async () => {
    const { tell, notes, queue } = await startLedger(setting);
    const entries = Array.from({ length: 10_000 }, (_, n): LedgerEvent => ({
      kind: 'add',
      amount: 1,
      entry: `entry-${n}`,
    }));
    for (let at = 0; at < entries.length; at += 500) await tell('a', ...entries.slice(at, at + 500));
    await notes.until((values) => values.length === 10_000);
    const written: string[] = [];
    for (const topic of [setting.topics.heads, setting.topics.entries]) {
      await queue.tail(topic, { onRecord: ({ id }) => written.push(id) });
    }
    await tell('a', { kind: 'add', amount: 1, entry: 'entry-77' });
    await notes.until((values) => values.length === 10_001);
    expect(written.sort()).toEqual(['entry-77', 'head']);
  });
}
