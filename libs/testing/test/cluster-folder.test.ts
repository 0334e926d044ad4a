import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterIn, newCluster } from '../src/servers/cluster-folder.js';
import { defaultCacheFolder } from '../src/servers/index.js';

describe('the folder of a cluster', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cluster-folder-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('gives a cluster back as it was: identity, addresses, password', async () => {
    const first = await clusterIn(folder, 3, 'scram-sha-512');
    expect(await clusterIn(folder, 3, 'scram-sha-512')).toEqual(first);
    expect(
      new Set(first.brokers.flatMap(({ client, internal, controller }) => [client, internal, controller])).size,
    ).toBe(9);
    expect(first.brokers.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('is for its owner to read', async () => {
    await clusterIn(folder, 1, 'plain');
    expect(statSync(join(folder, 'cluster.json')).mode & 0o077).toBe(0);
  });

  it('gives other ports when one is taken meanwhile, and keeps the rest', async () => {
    const first = await clusterIn(folder, 1, 'plain');
    const taken = first.brokers[0]?.client ?? 0;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve));
    const second = await clusterIn(folder, 1, 'plain');
    await new Promise((resolve) => server.close(resolve));
    expect(second.brokers[0]?.client).not.toBe(taken);
    expect(second).toMatchObject({ clusterId: first.clusterId, account: first.account });
    expect(await clusterIn(folder, 1, 'plain')).toEqual(second);
  });

  it.each([
    [3, 'none', "1 brokers and security 'none', and cannot be used with 3 and 'none'"],
    [1, 'plain', "1 brokers and security 'none', and cannot be used with 1 and 'plain'"],
  ] as const)('refuses %d brokers with %s when its data is of another kind', async (brokers, security, sentence) => {
    await clusterIn(folder, 1, 'none');
    await expect(clusterIn(folder, brokers, security)).rejects.toThrow(sentence);
  });

  it.each(['', '{', 'null', '{"ports": []}', '{"clusterId":"a","security":"magic","password":"b","ports":[1,2,3]}'])(
    'refuses a damaged description: %s',
    async (text) => {
      const file = join(folder, 'cluster.json');
      writeFileSync(file, text);
      await expect(clusterIn(folder, 1, 'none')).rejects.toThrow(`'${file}' is not as it was written`);
      expect(readFileSync(file, 'utf8')).toBe(text);
    },
  );

  it('names clusters so that a command line does not take the name for an option', async () => {
    for (let times = 0; times < 50; times++) {
      const { clusterId } = await newCluster(1, 'none');
      expect(clusterId).toMatch(/^[A-Za-z0-9][\w-]{21}$/);
    }
  });
});

describe('the cache of fetched servers', () => {
  it("is in the user's cache folder, where the environment names one by its whole path", () => {
    expect(defaultCacheFolder({ XDG_CACHE_HOME: '/caches' })).toBe('/caches/millrace/servers');
    expect(defaultCacheFolder({ XDG_CACHE_HOME: 'caches' })).toBe(defaultCacheFolder());
    expect(defaultCacheFolder()).toMatch(/\.cache.millrace.servers$/);
  });
});
