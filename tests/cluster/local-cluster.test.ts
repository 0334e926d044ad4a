import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCacheFolder } from '../../libs/testing/src/servers/index.js';
import { openDataFolder } from '@millrace/cli';
import { ProductClient } from '../product/client.js';
import { startLocalCluster, type LocalCluster } from '../product/local-cluster.js';
import { describeWithKafka } from './servers.js';

const FLOW = 'id: kept\nnamespace: test\ntasks:\n  - {id: log, type: core.log.Log, message: hello}\n';

describeWithKafka('a cluster on this machine', () => {
  let dataFolder: string;
  let cluster: LocalCluster | undefined;

  beforeAll(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'millrace-local-'));
  });
  afterAll(async () => {
    await cluster?.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  const start = (): Promise<LocalCluster> =>
    startLocalCluster({
      dataFolder,
      brokers: 1,
      port: 0,
      cacheFolder: defaultCacheFolder(),
      hasIndex: false,
      tell: () => undefined,
    });
  const clientOf = ({ urls, login }: LocalCluster): ProductClient =>
    new ProductClient(urls[1] ?? '', `${login.username}:${login.password}`);

  it('is there again, with its account, flows and executions, when it is started a second time', async () => {
    cluster = await start();
    expect([cluster.isGenerated, cluster.urls.length, cluster.servers.length]).toEqual([true, 2, 8]);
    const before = clientOf(cluster);
    await before.save(FLOW);
    const { id, state } = await before.start('kept', { wait: true });
    expect(state.current).toBe('SUCCESS');
    before.close();
    await cluster.stop();

    cluster = await start();
    expect(cluster.isGenerated).toBe(false);
    const after = clientOf(cluster);
    expect((await after.execution(id)).state.current).toBe('SUCCESS');
    expect((await after.start('kept', { wait: true })).state.current).toBe('SUCCESS');
    after.close();
  }, 300_000);

  it('is refused while another process has the folder', async () => {
    // Whoever started this test is alive.
    openDataFolder(dataFolder).announce({ url: 'http://127.0.0.1:8080', pid: process.ppid });
    await expect(start()).rejects.toThrow(/runs on .* already/);
  });
});
