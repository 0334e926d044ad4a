import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { madeOnce } from '../src/servers/made-once.js';

const LONG_AGO = new Date(Date.now() - 7_200_000);

describe('a folder that is made once on a machine', () => {
  let cache: string;
  let folder: string;
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'made-once-'));
    folder = join(cache, 'deep', 'jars');
  });
  afterEach(() => rmSync(cache, { recursive: true, force: true }));

  const fill = async (work: string): Promise<void> => writeFileSync(join(work, 'a.jar'), 'whole');

  it('is made by the first who asks, and there for the next', async () => {
    expect(await madeOnce(folder, fill)).toBe(folder);
    const again = jest.fn(fill);
    expect(await madeOnce(folder, again)).toBe(folder);
    expect(again).not.toHaveBeenCalled();
    expect(readdirSync(join(cache, 'deep'))).toEqual(['jars']);
  });

  it('is made by one of many who ask at once; none sees it unfinished', async () => {
    const slowly = jest.fn(async (work: string) => {
      writeFileSync(join(work, 'a.jar'), 'half');
      await pause(300);
      await fill(work);
    });
    const folders = await Promise.all([1, 2, 3].map(() => madeOnce(folder, slowly)));
    expect(folders.map((one) => readFileSync(join(one, 'a.jar'), 'utf8'))).toEqual(['whole', 'whole', 'whole']);
    expect(slowly).toHaveBeenCalledTimes(1);
  });

  it('is not there when making it failed, and made by the next', async () => {
    const failing = madeOnce(folder, async () => {
      throw new Error('no network');
    });
    await expect(failing).rejects.toThrow('no network');
    expect(readdirSync(join(cache, 'deep'))).toEqual([]);
    await madeOnce(folder, fill);
    expect(existsSync(join(folder, 'a.jar'))).toBe(true);
  });

  it('is made although a maker died over it, and what that one left is removed', async () => {
    for (const left of [`${folder}.lock`, `${folder}.making-died`]) {
      mkdirSync(left, { recursive: true });
      utimesSync(left, LONG_AGO, LONG_AGO);
    }
    await madeOnce(folder, fill);
    expect(readdirSync(join(cache, 'deep'))).toEqual(['jars']);
  });

  it('is that of the first who finishes, when one that was taken for dead finishes as well', async () => {
    await madeOnce(folder, async (work) => {
      mkdirSync(folder);
      writeFileSync(join(folder, 'a.jar'), 'of another');
      await fill(work);
    });
    expect(readFileSync(join(folder, 'a.jar'), 'utf8')).toBe('of another');
  });
});
