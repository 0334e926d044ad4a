/// <reference types="jest" />
/* eslint-disable max-lines-per-function -- a suite is one function of many small tests */
import type { Queue } from '@millrace/queue';
import type { Faults } from '@millrace/queue/memory';
import { advanceUntil, type MakeHarness, type QueueDifferences, type Server } from './harness.js';
import { ledger, type LedgerEvent } from './ledger.js';
import { collect, setUp, startLedger, texts, told, type Setting } from './setting.js';

const AMOUNTS = Array.from({ length: 30 }, (_, n) => n + 1);
const SUM = AMOUNTS.reduce((sum, amount) => sum + amount, 0);
const add = (amount: number): LedgerEvent => ({ kind: 'add', amount });

/** Exactly once, whatever stops when. */
export function crashingContract(makeHarness: MakeHarness, { servers, patience }: QueueDifferences): void {
  let setting: Setting;
  beforeEach(() => (setting = setUp(makeHarness, patience === undefined ? {} : { patience })));
  afterEach(() => setting.dispose());

  /** The ledger's total and notes once everything is done, on a server that is started for it when `server` is gone. */
  async function settled(server?: Server): Promise<void> {
    const last = server ?? (await setting.start());
    const view = await last.queue.view(setting.topics.heads);
    if (server === undefined) await last.queue.process(ledger(setting.topics));
    await advanceUntil(
      setting,
      () =>
        (view.get('a', 'head')?.kind === 'head' ? view.get('a', 'head') : undefined)?.kind === 'head' &&
        totalOf(view.get('a', 'head')) >= SUM,
    );
    await setting.settle();
    expect(totalOf(view.get('a', 'head'))).toBe(SUM);
  }

  async function amountsIn(queue: Queue): Promise<readonly number[]> {
    const amounts: number[] = [];
    const tail = await queue.tail(setting.topics.events, {
      from: 'start',
      onRecord: ({ value }) => value?.kind === 'add' && amounts.push(value.amount),
    });
    tail.close();
    return amounts;
  }

  describe.each([1, 2, 5])('at commit %i', (nth) => {
    it.each(['before', 'after'] as const)('the process ends %s it: each event counts once', async (point) => {
      let server: Server | undefined;
      const strike = onNthCommit(nth, () => {
        server?.kill();
        throw new Error('The process ended');
      });
      const faults: Faults = point === 'before' ? { before: strike } : { after: strike };
      server = await startLedger(setting, { faults });
      const publish = (amount: number) =>
        server?.queue.publish([{ topic: setting.topics.events, key: 'a', value: add(amount) }]) ?? Promise.resolve();
      for (const amount of AMOUNTS) await publish(amount).catch(() => undefined);
      await setting.settle();
      server.kill();
      const next = await setting.start();
      // A publish that failed may have been written: only the log knows.
      const written = new Set(await amountsIn(next.queue));
      const lost = AMOUNTS.filter((amount) => !written.has(amount));
      await next.queue.publish(lost.map((amount) => ({ topic: setting.topics.events, key: 'a', value: add(amount) })));
      const notes = await collect(next.queue, setting.topics.notes);
      await next.queue.process(ledger(setting.topics));
      await settled(next);
      expect(new Set(texts(notes.values)).size).toBe(notes.values.length);
    });

    it.each(['before', 'after'] as const)(
      'the answer fails %s it is durable: the owner restores and goes on',
      async (point) => {
        const strike = onNthCommit(nth, () => {
          throw new Error('The connection broke');
        });
        const server = await startLedger(setting, {
          faults: point === 'before' ? { before: strike } : { after: strike },
        });
        for (const amount of AMOUNTS) await server.tell('a', add(amount));
        await settled(server);
        await server.notes.until((values) => values.length === AMOUNTS.length);
        expect(texts(server.notes.values)).toEqual(AMOUNTS.map((amount) => `added ${amount}`));
      },
    );
  });

  it('a stale owner is fenced: what it decides late is not committed', async () => {
    let release: () => void = () => undefined;
    const still = new Promise<void>((resolve) => (release = resolve));
    let commits = 0;
    const faults: Faults = {
      // In its first commit the server stands still, with its leases; when it goes on, another has taken over.
      before({ kind }) {
        if (kind === 'commit') return ++commits === 1 ? still : undefined;
        return kind === 'lease' && commits > 0 && servers === 'several' ? still : undefined;
      },
    };
    const first = await startLedger(setting, { faults });
    await first.tell('a', add(1));
    await setting.settle();
    const second = servers === 'several' ? await startLedger(setting) : first;
    if (servers === 'one') await first.queue.process(ledger(setting.topics));
    await advanceUntil(setting, () => told('added 1')(second.notes.values));
    release();
    await setting.settle();
    await second.tell('a', add(2));
    await advanceUntil(setting, () => told('added 2')(second.notes.values));
    expect(texts(second.notes.values)).toEqual(['added 1', 'added 2']);
  });

  it('is broken as asked for: a position stored outside the transaction loses the event of a crash', async () => {
    const faults: Faults = {
      before: onNthCommit(1, () => {
        first.kill();
        throw new Error('The process ended');
      }),
    };
    const first = await startLedger(setting, { faults, overrides: { broken: 'position-outside-transaction' } });
    await first.tell('a', add(1)).catch(() => undefined);
    await setting.settle();
    const second = await startLedger(setting);
    await second.tell('a', add(2));
    await advanceUntil(setting, () => told('added 2')(second.notes.values));
    expect(texts(second.notes.values)).toEqual(['added 2']);
  });

  it('a key that waits is woken after a restart', async () => {
    const first = await startLedger(setting);
    await first.tell('a', { kind: 'remind', at: setting.clock.now() + 5_000 }, add(1));
    await first.notes.until(told('added 1'));
    first.kill();
    const second = await startLedger(setting);
    await advanceUntil(setting, () => told('woken')(second.notes.values));
    expect(texts(second.notes.values)).toEqual(['woken']);
  });

  it('a key that ended and lives again is restored, one that ended is not woken', async () => {
    const first = await startLedger(setting);
    const due = setting.clock.now() + 5_000;
    await first.tell('a', { kind: 'add', amount: 1, entry: 'one' }, { kind: 'end' });
    await first.tell('a', { kind: 'add', amount: 2, entry: 'two' }, { kind: 'revive' }, { kind: 'remind', at: due });
    await first.tell('b', { kind: 'remind', at: due }, { kind: 'end' }, { kind: 'add', amount: 4, entry: 'one' });
    await first.notes.until((notes) => told('added 2')(notes) && told('added 4')(notes));
    await setting.settle();
    first.kill();
    const second = await startLedger(setting);
    await advanceUntil(setting, () => told('woken')(second.notes.values));
    await second.tell('a', add(8));
    await advanceUntil(setting, () => told('added 8')(second.notes.values));
    expect(texts(second.notes.values)).toEqual(['woken', 'added 8']);
    const heads = await second.queue.view(setting.topics.heads);
    expect([totalOf(heads.get('a', 'head')), totalOf(heads.get('b', 'head'))]).toEqual([11, 4]);
  });

  it('a chain that was interrupted by a yield goes on after a crash', async () => {
    const faults: Faults = {
      after: onNthCommit(1, () => {
        first.kill();
        throw new Error('The process ended');
      }),
    };
    const first = await startLedger(setting, { faults });
    await first.tell('a', { kind: 'chain', steps: 1_300, name: 'long' });
    await setting.settle();
    const second = await startLedger(setting);
    await advanceUntil(setting, () => told('chain long ended')(second.notes.values));
    expect(totalOf((await second.queue.view(setting.topics.heads)).get('a', 'head'))).toBe(1_300);
  });

  it('an event that ends every process that decides it is given up, and the partition goes on', async () => {
    let deaths = 0;
    for (let round = 0; round < 20 && (await decides(() => deaths++)); round++);
    expect(deaths).toBeGreaterThanOrEqual(3);
    expect(deaths).toBeLessThanOrEqual(8);
  });

  /** Starts a server that dies of the event; false when the event after it was decided. */
  async function decides(died: () => void): Promise<boolean> {
    let dead = false;
    const server: { current?: Server } = {};
    const context = (_key: string, _state: unknown, input: { kind: string }, now: number) => {
      if (input.kind !== 'remind') return { now };
      server.current?.kill();
      dead = true;
      return new Promise<{ now: number }>(() => undefined);
    };
    const started = await setting.start();
    server.current = started;
    const letters = await collect(started.queue, setting.topics.notes);
    await started.queue.publish(
      [
        { topic: setting.topics.events, key: 'a', value: add(1) },
        { topic: setting.topics.events, key: 'a', value: { kind: 'remind', at: 0 } },
        { topic: setting.topics.events, key: 'a', value: add(2) },
      ].slice(published ? 3 : 0),
    );
    published = true;
    // It may die before it has said that it started.
    await started.queue.process(ledger(setting.topics, { context })).catch(() => undefined);
    await advanceUntil(setting, () => dead || told('added 2')(letters.values));
    if (dead) died();
    return dead;
  }
  let published = false;
  beforeEach(() => (published = false));

  it('an owner that fell silent loses its partitions; nothing is lost or doubled', async () => {
    const first = await startLedger(setting);
    for (const amount of AMOUNTS.slice(0, 10)) await first.tell('a', add(amount));
    if (servers === 'one') first.kill();
    const second = await startLedger(setting);
    if (servers === 'several') first.kill();
    for (const amount of AMOUNTS.slice(10)) await second.tell('a', add(amount));
    await settled(second);
  });

  if (servers === 'several') {
    it('two servers share the partitions; one takes over what the other gives up', async () => {
      const first = await startLedger(setting);
      const second = await startLedger(setting);
      for (const amount of AMOUNTS) await (amount % 2 === 0 ? first : second).tell('a', add(amount));
      await first.queue.close();
      await settled(second);
    });
  }

  it('a publisher that repeats itself is decided twice: the processor must not mind', async () => {
    const { tell, notes } = await startLedger(setting, { faults: { copies: () => 2 } });
    await tell('a', add(1));
    await notes.until(told('added 1', 2));
    expect(texts(notes.values)).toEqual(['added 1', 'added 1']);
  });

  it('removes old events that are done with, and none that are not', async () => {
    const first = await startLedger(setting);
    for (const amount of AMOUNTS) await first.tell('a', add(amount));
    await first.notes.until((values) => values.length === AMOUNTS.length);
    setting.clock.advance(2 * 3_600_000);
    await first.tell('a', { kind: 'add', amount: 100 });
    await first.notes.until(told('added 100'));
    await setting.settle();
    setting.clock.advance(60_000);
    await setting.settle();
    const late: number[] = [];
    const context = (_key: string, _state: unknown, input: { kind: string; amount?: number }, now: number) => {
      late.push(input.amount ?? 0);
      return { now };
    };
    await first.queue.process(
      ledger({ ...setting.topics, heads: { ...setting.topics.heads, name: 'other-heads' } }, { context }, 'newcomer'),
    );
    await first.notes.until(told('added 100', 2));
    expect(late).toEqual([100]);
  });
}

const totalOf = (record: { readonly kind: string; readonly total?: number } | undefined): number => record?.total ?? 0;

function onNthCommit(nth: number, strike: () => void): (write: { readonly kind: string }) => void {
  let commits = 0;
  return ({ kind }) => {
    if (kind !== 'commit') return;
    commits++;
    if (commits === nth) strike();
  };
}
