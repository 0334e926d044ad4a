/// <reference types="jest" />
/* eslint-disable max-lines-per-function -- a suite is one function of many small tests */
import { QueueError } from '@millrace/queue';
import type { MakeHarness } from './harness.js';
import { ledger } from './ledger.js';
import { collect, setUp, startLedger, texts, told, type Setting } from './setting.js';

/** Publishing, following and closing. */
export function publishingContract(makeHarness: MakeHarness): void {
  let setting: Setting;
  beforeEach(() => (setting = setUp(makeHarness)));
  afterEach(() => setting.dispose());

  it('keeps the order of a key, also between calls that do not wait for each other', async () => {
    const { tell, notes } = await startLedger(setting);
    const calls = Array.from({ length: 60 }, (_, n) => tell('a', { kind: 'add', amount: n }));
    await Promise.all(calls);
    await notes.until((values) => values.length === 60);
    expect(texts(notes.values)).toEqual(Array.from({ length: 60 }, (_, n) => `added ${n}`));
  });

  it('loses nothing of publishers whose writes end in the reverse order', async () => {
    const gates: (() => void)[] = [];
    const { tell, notes } = await startLedger(setting, {
      faults: {
        before: ({ kind }) => (kind === 'publish' ? new Promise<void>((resolve) => gates.push(resolve)) : undefined),
      },
    });
    const calls = Array.from({ length: 20 }, (_, n) => tell('a', { kind: 'add', amount: n }));
    while (gates.length < 20) await Promise.resolve();
    for (const open of gates.reverse()) open();
    await Promise.all(calls);
    await notes.until((values) => values.length === 20);
    expect(new Set(texts(notes.values)).size).toBe(20);
  });

  it('refuses a record that is too large, whole and with a reason, and takes the next', async () => {
    const { queue, notes } = await startLedger(setting);
    const large = { kind: 'add' as const, amount: 1, entry: 'x'.repeat(1_000_000) };
    const refused = queue.publish([
      { topic: setting.topics.events, key: 'a', value: { kind: 'add', amount: 7 } },
      { topic: setting.topics.events, key: 'a', value: large },
    ]);
    await expect(refused).rejects.toMatchObject({ code: 'QUEUE_TOO_LARGE', retryable: false });
    await queue.publish([{ topic: setting.topics.events, key: 'a', value: { kind: 'add', amount: 2 } }]);
    await notes.until(told('added 2'));
    expect(texts(notes.values)).toEqual(['added 2']);
  });

  it('has what was acknowledged after the process is gone', async () => {
    const first = await setting.start();
    await first.queue.publish([
      { topic: setting.topics.events, key: 'a', value: { kind: 'add', amount: 1 } },
      { topic: setting.topics.heads, key: 'b', id: 'head', value: { kind: 'head', total: 7 } },
    ]);
    first.kill();
    const { notes, queue } = await startLedger(setting);
    await notes.until(told('added 1'));
    expect((await queue.view(setting.topics.heads)).get('b', 'head')).toEqual({ kind: 'head', total: 7 });
  });

  it.each([
    ['a null event', { key: 'a', value: null }],
    ['a value without JSON form', { key: 'a', value: undefined }],
    [
      'a value of more than 900,000 characters',
      { key: 'a', value: { kind: 'add', amount: 1, entry: 'x'.repeat(900_001) } },
    ],
    ['a key of more than 2,048 characters', { key: 'k'.repeat(2_049), value: { kind: 'add', amount: 1 } }],
  ])('refuses %s, and nothing of the call is written', async (_what, record) => {
    const { notes, queue, tell } = await startLedger(setting);
    const { events } = setting.topics;
    await expect(
      queue.publish([
        { topic: events, key: 'a', value: { kind: 'add', amount: 5 } },
        { topic: events, ...record },
      ]),
    ).rejects.toThrow();
    await tell('a', { kind: 'add', amount: 6 });
    await notes.until(told('added 6'));
    expect(texts(notes.values)).toEqual(['added 6']);
  });

  it('refuses a topic whose partition count is another than before', async () => {
    const { queue } = await setting.start();
    const { events } = setting.topics;
    await queue.publish([{ topic: events, key: 'a', value: { kind: 'add', amount: 1 } }]);
    const other = { ...events, partitions: 3 };
    const heads = { ...setting.topics.heads, partitions: 3 };
    const processing = queue.process(ledger({ ...setting.topics, events: other, heads, entries: heads }));
    await expect(processing).rejects.toMatchObject({
      code: 'QUEUE_MISMATCH',
      message: expect.stringContaining('made with 2 partitions'),
    });
  });

  it('closes once and again, and refuses everything afterwards', async () => {
    const { queue } = await startLedger(setting);
    await queue.close();
    await queue.close();
    const refused = [
      queue.publish([{ topic: setting.topics.events, key: 'a', value: { kind: 'add', amount: 1 } }]),
      queue.process(ledger(setting.topics)),
      queue.view(setting.topics.heads),
      queue.tail(setting.topics.notes, { onRecord: () => undefined }),
    ];
    for (const attempt of refused) {
      await expect(attempt).rejects.toBeInstanceOf(QueueError);
      await expect(attempt).rejects.toMatchObject({ code: 'QUEUE_CLOSED' });
    }
  });

  it('goes on where it stopped after an orderly close', async () => {
    const first = await startLedger(setting);
    await first.tell('a', { kind: 'add', amount: 1 });
    await first.notes.until(told('added 1'));
    await first.queue.close();
    const second = await startLedger(setting);
    await second.tell('a', { kind: 'add', amount: 2 });
    await second.notes.until(told('added 2'));
    expect(texts(second.notes.values)).toEqual(['added 2']);
    const view = await second.queue.view(setting.topics.heads);
    expect(view.get('a', 'head')).toMatchObject({ total: 3 });
  });
}

/** Views and tails. */
export function readingContract(makeHarness: MakeHarness): void {
  let setting: Setting;
  beforeEach(() => (setting = setUp(makeHarness)));
  afterEach(() => setting.dispose());

  const head = (total: number) => ({ kind: 'head', total }) as const;

  it('a view is complete when it resolves, follows changes and forgets what is removed', async () => {
    const { queue } = await setting.start();
    const { heads } = setting.topics;
    const many = Array.from({ length: 1_200 }, (_, n) => ({ topic: heads, key: `k${n}`, id: 'head', value: head(n) }));
    await queue.publish(many);
    const view = await queue.view(heads);
    expect([...view.keys()]).toHaveLength(1_200);
    const changes: string[] = [];
    view.onChange(({ key, value }) => changes.push(`${key} ${value === null ? 'gone' : 'set'}`));
    await queue.publish([
      { topic: heads, key: 'k1', id: 'head', value: head(-1) },
      { topic: heads, key: 'k2', id: 'head', value: null },
    ]);
    await setting.settle();
    expect(view.get('k1', 'head')).toEqual(head(-1));
    expect(view.get('k2', 'head')).toBeUndefined();
    expect(view.records('k2').size).toBe(0);
    expect(changes).toEqual(['k1 set', 'k2 gone']);
  });

  it('a view can be waited for, until it holds or until the time is over', async () => {
    const { queue } = await setting.start();
    const view = await queue.view(setting.topics.heads);
    const holds = view.waitFor(() => view.get('a', 'head') !== undefined, 1_000);
    await queue.publish([{ topic: setting.topics.heads, key: 'a', id: 'head', value: head(1) }]);
    expect(await holds).toBe(true);
    const never = view.waitFor(() => view.get('z', 'head') !== undefined, 1_000);
    setting.clock.advance(1_000);
    expect(await never).toBe(false);
  });

  it('a tail tells one key or all, in order, from its opening on', async () => {
    const { queue } = await setting.start();
    const { notes } = setting.topics;
    const publish = (key: string, text: string) => queue.publish([{ topic: notes, key, value: { text, at: 0 } }]);
    await publish('a', 'before');
    const all = await collect(queue, notes);
    const one: string[] = [];
    await queue.tail(notes, { key: 'b', onRecord: ({ value }) => one.push(value?.text ?? '') });
    await publish('a', '1');
    await publish('b', '2');
    await publish('a', '3');
    await all.until((values) => values.length === 3);
    await setting.settle();
    expect(texts(all.values)).toEqual(['1', '2', '3']);
    expect(one).toEqual(['2']);
  });

  it('a tail whose listener throws is closed and told so; the others go on', async () => {
    const { queue } = await setting.start();
    const { notes } = setting.topics;
    const errors: unknown[] = [];
    const seen: string[] = [];
    await queue.tail(notes, {
      onRecord({ value }) {
        seen.push(value?.text ?? '');
        throw new Error('full');
      },
      onError: (error) => errors.push(error),
    });
    const other = await collect(queue, notes);
    for (const text of ['1', '2']) await queue.publish([{ topic: notes, key: 'a', value: { text, at: 0 } }]);
    await other.until((values) => values.length === 2);
    expect(seen).toEqual(['1']);
    expect(errors).toEqual([new Error('full')]);
    expect(texts(other.values)).toEqual(['1', '2']);
  });
}
