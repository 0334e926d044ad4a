import { coalesceRefreshes } from '../src/coalesce-refreshes.js';

/** A look at the store that is over when it is told so. */
function createLooks() {
  const looks: { end(): void; fail(error: Error): void }[] = [];
  const look = (): Promise<void> =>
    new Promise<void>((resolve, reject) => void looks.push({ end: resolve, fail: reject }));
  return { looks, refresh: coalesceRefreshes(look) };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('refreshes of a copy', () => {
  it('share one look that begins after all of them asked', async () => {
    const { looks, refresh } = createLooks();
    const first = refresh();
    const others = Array.from({ length: 100 }, () => refresh());
    expect(looks).toHaveLength(1);
    let answered = 0;
    for (const other of others) other.then(() => answered++).catch(() => undefined);
    looks[0]?.end();
    await first;
    await turn();
    // The look under way may have been too early for the others.
    expect([looks.length, answered]).toEqual([2, 0]);
    looks[1]?.end();
    await Promise.all(others);
    expect(looks).toHaveLength(2);
  });

  it('look again when nobody is looking', async () => {
    const { looks, refresh } = createLooks();
    for (let n = 1; n <= 3; n++) {
      const refreshed = refresh();
      expect(looks).toHaveLength(n);
      looks[n - 1]?.end();
      await refreshed;
    }
  });

  it('tell a failure to those who shared it, and to nobody after', async () => {
    const { looks, refresh } = createLooks();
    const first = refresh();
    const second = refresh();
    looks[0]?.fail(new Error('unreachable'));
    await expect(first).rejects.toThrow('unreachable');
    await turn();
    looks[1]?.end();
    await second;
  });
});
