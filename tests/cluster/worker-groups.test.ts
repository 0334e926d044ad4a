import { startKafka, type KafkaServers } from '../../libs/testing/src/servers/index.js';
import type { ProductClient } from '../product/client.js';
import { startCluster, type Cluster } from '../product/cluster.js';
import { ACCOUNT } from '../product/server.js';
import { describeWithKafka } from './servers.js';

interface RanOn {
  readonly id: string;
  readonly state: { readonly current: string };
  readonly taskRunList?: readonly { readonly attempts?: readonly { readonly workerId?: string }[] }[];
}

/** Groups that are registered while the servers run; one after the other gets a worker. */
const GROUPS = ['late-0', 'late-1', 'late-2'];

const flow = (id: string, group?: string, namespace = 'test'): string =>
  `id: ${id}\nnamespace: ${namespace}\ntasks:\n  - id: nap\n    type: core.flow.Sleep\n    duration: PT0.01S\n` +
  (group === undefined ? '' : `    workerGroup: {key: ${group}}\n`);

async function instance<Answer>({ url }: ProductClient, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`${url}/api/v1/instance${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(ACCOUNT).toString('base64')}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Answer;
}

/** The workers that ran the tasks of an execution, after its end. */
async function ranOn(client: ProductClient, id: string): Promise<readonly (string | undefined)[]> {
  await client.send('GET', `/executions/${id}/follow`);
  const { state, taskRunList = [] } = (await client.execution(id)) as RanOn;
  expect(state.current).toBe('SUCCESS');
  return taskRunList.flatMap(({ attempts = [] }) => attempts.map(({ workerId }) => workerId));
}

describeWithKafka('worker groups of a cluster', () => {
  let servers: KafkaServers;
  let cluster: Cluster;
  let one: ProductClient;
  let other: ProductClient;

  beforeAll(async () => {
    servers = await startKafka();
    cluster = await startCluster({
      brokers: servers.addresses,
      executors: 2,
      workers: 1,
      webservers: 2,
      workerGroups: ['default', ...GROUPS],
    });
    [one, other] = [cluster.client(0), cluster.client(1)];
  }, 180_000);
  afterAll(async () => {
    one?.close();
    other?.close();
    await cluster?.stop();
    await servers?.stop();
  });

  const workersOf = async (group: string): Promise<readonly string[]> => {
    const { workers } = await instance<{ workers: readonly { id: string }[] }>(one, 'GET', `/workergroups/${group}`);
    return workers.map(({ id }) => id);
  };

  it.each(GROUPS)(
    '%s, made after the executors have started, keeps its jobs until its worker has come',
    async (key) => {
      const { id: group } = await instance<{ id: string }>(one, 'POST', '/workergroups', { key });
      // Through the other webserver, at once: neither it nor the executors need have seen the group.
      await other.save(flow(`of-${key}`, key));
      const waiting = await Promise.all([1, 2, 3].map(() => other.start(`of-${key}`, { wait: false })));
      // What names no group runs beside it, on the worker of the default group.
      await other.save(flow('of-none'));
      const [elsewhere] = await ranOn(other, (await other.start('of-none', { wait: true })).id);
      for (const { id } of waiting) expect((await one.execution(id)).state.current).not.toMatch(/SUCCESS|FAILED/);

      await cluster.add('worker');
      const [worker = 'none', ...more] = await workersOf(group);
      expect([more, worker === elsewhere]).toEqual([[], false]);
      for (const { id } of waiting) expect(await ranOn(one, id)).toEqual([worker]);
      // Also what is started now, by whichever server.
      for (const client of [one, other]) {
        expect(await ranOn(client, (await client.start(`of-${key}`, { wait: true })).id)).toEqual([worker]);
      }
      expect(await ranOn(one, (await one.start('of-none', { wait: true })).id)).toEqual([elsewhere]);
    },
    120_000,
  );

  it('are chosen by a namespace for the namespaces below it', async () => {
    const { workerGroups } = await instance<{ workerGroups: readonly { id: string; key: string }[] }>(
      one,
      'GET',
      '/workergroups',
    );
    const [worker] = await workersOf(workerGroups.find(({ key }) => key === GROUPS[0])?.id ?? 'none');
    const body = { type: 'application/json', text: JSON.stringify({ id: 'team', workerGroup: { key: GROUPS[0] } }) };
    expect((await one.send('POST', '/namespaces', body)).status).toBe(200);
    await other.save(flow('inherits', undefined, 'team.data'));
    // An executor sees it a moment later.
    for (let tries = 0; tries < 100; tries++) {
      const { text } = await other.send('POST', '/executions/team.data/inherits?wait=true');
      const [ran] = await ranOn(other, (JSON.parse(text) as { id: string }).id);
      if (ran === worker) return;
    }
    throw new Error('No execution ran on the worker of the group of its namespace');
  }, 60_000);
});
