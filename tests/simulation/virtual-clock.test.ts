import { createVirtualClock } from '@millrace/testing';

const never = (): boolean => false;

describe('a virtual clock', () => {
  it('runs timers in the order of their time, and stands at the limit afterwards', async () => {
    const clock = createVirtualClock({ start: 100 });
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name}@${clock.now()}`);
    clock.after(30, note('late'));
    clock.after(10, note('early'));
    clock.after(10, note('second'));
    clock.after(900, note('beyond'));
    expect(await clock.runUntil(never, 500)).toBe(false);
    expect(seen).toEqual(['early@110', 'second@110', 'late@130']);
    expect([clock.now(), clock.pending, clock.steps]).toEqual([500, 1, 3]);
  });

  it('lets every promise go on before time goes on', async () => {
    const clock = createVirtualClock({ start: 0 });
    const seen: string[] = [];
    const chain = async (): Promise<void> => {
      for (let link = 0; link < 100; link++) await Promise.resolve();
      seen.push(`chain@${clock.now()}`);
      clock.after(5, () => void seen.push(`timer@${clock.now()}`));
    };
    clock.after(10, () => void chain());
    clock.after(11, () => void seen.push(`next@${clock.now()}`));
    await clock.runUntil(never, 100);
    expect(seen).toEqual(['chain@10', 'next@11', 'timer@15']);
  });

  it('stops as soon as what was waited for is there', async () => {
    const clock = createVirtualClock({ start: 0 });
    let count = 0;
    const tick = (): void => {
      count++;
      clock.after(10, tick);
    };
    tick();
    expect(await clock.runUntil(() => count === 5, 1_000)).toBe(true);
    expect(clock.now()).toBe(40);
  });

  it('forgets a cancelled timer, once or twice', async () => {
    const clock = createVirtualClock({ start: 0 });
    let hasRun = false;
    const cancel = clock.after(10, () => (hasRun = true));
    clock.after(20, () => undefined);
    cancel();
    cancel();
    expect(clock.pending).toBe(1);
    await clock.runUntil(never, 100);
    expect([hasRun, clock.pending]).toEqual([false, 0]);
  });

  it('orders timers of one instant as it is told', async () => {
    const ties = [3, 1, 2];
    const clock = createVirtualClock({ start: 0, tieBreak: () => ties.shift() ?? 0 });
    const seen: string[] = [];
    for (const name of ['a', 'b', 'c']) clock.after(10, () => void seen.push(name));
    await clock.runUntil(never, 10);
    expect(seen).toEqual(['b', 'c', 'a']);
  });
});
