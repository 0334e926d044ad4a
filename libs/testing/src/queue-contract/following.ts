/// <reference types="jest" />
/* eslint-disable max-lines-per-function -- a suite is one function of many small tests */
import type { Committed } from '@millrace/queue';
import type { MakeHarness } from './harness.js';
import type { LedgerRecord, Note } from './ledger.js';
import { setUp, type Setting } from './setting.js';

/** Tails from the start, positions, and views that catch up. */
export function followingContract(makeHarness: MakeHarness): void {
  let setting: Setting;
  beforeEach(() => (setting = setUp(makeHarness)));
  afterEach(() => setting.dispose());

  const head = (total: number): LedgerRecord => ({ kind: 'head', total });
  const notesOf = (texts: readonly string[]) =>
    texts.map((text) => ({ topic: setting.topics.notes, key: 'a', value: { text, at: 0 } }));

  it('a tail from the start tells all events that are kept, then the new ones, each once', async () => {
    const { queue } = await setting.start();
    const before = Array.from({ length: 1_200 }, (_, n) => `before ${n}`);
    await queue.publish(notesOf(before));
    const told: Committed<Note>[] = [];
    const opening = queue.tail(setting.topics.notes, { from: 'start', onRecord: (record) => told.push(record) });
    const during = queue.publish(notesOf(['during']));
    await opening;
    expect(told.length).toBeGreaterThanOrEqual(1_200);
    await during;
    await queue.publish(notesOf(['after']));
    await setting.settle();
    expect(told.map(({ value }) => value?.text)).toEqual([...before, 'during', 'after']);
  });

  it('tells where an event stands: positions of a partition grow, those of state are 0', async () => {
    const { queue } = await setting.start();
    const { events, heads } = setting.topics;
    const places: [number, number][] = [];
    const states: Committed<LedgerRecord>[] = [];
    await queue.tail(events, { onRecord: ({ partition, position }) => places.push([partition, position]) });
    await queue.tail(heads, { onRecord: (record) => states.push(record) });
    for (let n = 0; n < 20; n++) {
      await queue.publish([
        { topic: events, key: `k${n}`, value: { kind: 'add', amount: n } },
        { topic: heads, key: `k${n}`, id: 'head', value: head(n) },
      ]);
    }
    await setting.settle();
    expect(places).toHaveLength(20);
    for (const partition of [0, 1]) {
      const positions = places.filter(([of]) => of === partition).map(([, position]) => position);
      expect(positions.length).toBeGreaterThan(0);
      expect(positions[0]).toBeGreaterThanOrEqual(1);
      expect([...new Set(positions)].sort((one, other) => one - other)).toEqual(positions);
    }
    expect(new Set(states.map(({ position }) => position))).toEqual(new Set([0]));
    expect(new Set(states.map(({ partition }) => partition))).toEqual(new Set([0, 1]));
  });

  it('a tail from the start tells state records with their newest value, and not those that were removed', async () => {
    const { queue } = await setting.start();
    const { heads } = setting.topics;
    const put = (key: string, value: LedgerRecord | null) => queue.publish([{ topic: heads, key, id: 'head', value }]);
    await put('a', head(1));
    await put('b', head(2));
    await put('a', head(3));
    await put('b', null);
    const told: (readonly [string, unknown])[] = [];
    await queue.tail(heads, { from: 'start', onRecord: ({ key, value }) => told.push([key, value]) });
    expect(told).toEqual([['a', head(3)]]);
    await put('a', null);
    await setting.settle();
    expect(told).toEqual([
      ['a', head(3)],
      ['a', null],
    ]);
  });

  it('a tail from the start tells a record that changes while the past is told without going back or twice', async () => {
    const { queue } = await setting.start();
    const { heads } = setting.topics;
    const put = (total: number) => (key: string) => ({ topic: heads, key, id: 'head', value: head(total) });
    // More than a store reads at once, so that the change comes in the middle.
    const keys = Array.from({ length: 1_200 }, (_, n) => `k${String(n).padStart(4, '0')}`);
    await queue.publish(keys.map(put(1)));
    const changing = [0, 700, 1_199].flatMap((at) => keys.slice(at, at + 1));
    const told = new Map<string, unknown[]>();
    const onRecord = ({ key, value }: Committed<LedgerRecord>): void =>
      void told.set(key, [...(told.get(key) ?? []), value]);
    const opening = queue.tail(heads, { from: 'start', onRecord });
    const changed = queue.publish(changing.map(put(2)));
    await opening;
    expect(told.size).toBe(keys.length);
    await changed;
    await setting.settle();
    for (const key of keys) {
      const values = told.get(key);
      // Whether the older value is told depends on which of the two was first.
      const newest = changing.includes(key) ? head(2) : head(1);
      expect([key, values?.at(-1)]).toEqual([key, newest]);
      expect([key, values?.filter((value) => JSON.stringify(value) === JSON.stringify(newest)).length]).toEqual([
        key,
        1,
      ]);
    }
  });

  it('a tail from the start of one key tells nothing of others', async () => {
    const { queue } = await setting.start();
    const { heads } = setting.topics;
    const keys = ['a', 'b', 'c'];
    await queue.publish(keys.map((key) => ({ topic: heads, key, id: 'head', value: head(1) })));
    const told: string[] = [];
    await queue.tail(heads, { key: 'b', from: 'start', onRecord: ({ key }) => told.push(key) });
    expect(told).toEqual(['b']);
  });

  it('a view that was refreshed shows what was written before, whoever wrote it', async () => {
    const reader = await setting.start();
    const view = await reader.queue.view(setting.topics.heads);
    for (let n = 1; n <= 20; n++) {
      await reader.queue.publish([{ topic: setting.topics.heads, key: 'a', id: 'head', value: head(n) }]);
      await view.refresh();
      expect(view.get('a', 'head')).toEqual(head(n));
    }
  });
}
