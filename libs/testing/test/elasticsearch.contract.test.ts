import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCacheFolder, startElasticsearch, type ElasticsearchServer } from '../src/servers/index.js';
import { describeWithElasticsearch } from './with-servers.js';
import { isRunning } from './processes.js';

// Fetching it, at the first time on a machine, takes the longest.
jest.setTimeout(420_000);

const jsonOf = async (address: string, init?: RequestInit): Promise<unknown> => (await fetch(address, init)).json();

describeWithElasticsearch('a real Elasticsearch node', () => {
  let folder: string;
  let server: ElasticsearchServer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'elasticsearch-'));
    server = await startElasticsearch({
      cacheFolder: defaultCacheFolder(process.env),
      dataFolder: join(folder, 'inside', 'data'),
    });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers on loopback', async () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(isRunning(server.pid ?? 0)).toBe(true);
    expect(await jsonOf(`${server.url}/_cluster/health`)).toMatchObject({ number_of_nodes: 1 });
  });

  it('keeps what it confirmed when it is killed, and comes back on its address', async () => {
    const { url, pid } = server;
    const document = {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ colour: 'blue' }),
    };
    expect(await jsonOf(`${url}/things/_doc/1`, document)).toMatchObject({ result: 'created' });
    await server.kill();
    expect(isRunning(pid ?? 0)).toBe(false);
    expect(server.pid).toBeUndefined();
    await expect(fetch(url)).rejects.toThrow();
    await server.restart();
    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await jsonOf(`${url}/things/_doc/1`)).toMatchObject({ _source: { colour: 'blue' } });
  });

  it('leaves no process when it is stopped, though it stands still, and leaves the data that it was given', async () => {
    const { pid } = server;
    server.freeze();
    await server.stop();
    expect(isRunning(pid ?? 0)).toBe(false);
    expect(existsSync(join(folder, 'inside', 'data', 'ports.json'))).toBe(true);
    await server.stop();
  });
});
