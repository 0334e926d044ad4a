import { startKafka, type KafkaServers } from '../../libs/testing/src/servers/index.js';
import type { ProductClient } from '../product/client.js';
import { startCluster, type Cluster } from '../product/cluster.js';
import { describeWithKafka } from './servers.js';

const flow = (id: string, message = 'hello'): string =>
  `id: ${id}\nnamespace: test\ntasks:\n  - {id: log, type: core.log.Log, message: ${message}}\n  - {id: nap, type: core.flow.Sleep, duration: PT0.2S}\n`;

describeWithKafka('two webservers of one cluster', () => {
  let servers: KafkaServers;
  let cluster: Cluster;
  let one: ProductClient;
  let other: ProductClient;

  beforeAll(async () => {
    servers = await startKafka();
    cluster = await startCluster({ brokers: servers.addresses, executors: 1, workers: 1, webservers: 2 });
    [one, other] = [cluster.client(0), cluster.client(1)];
  }, 180_000);
  afterAll(async () => {
    one.close();
    other.close();
    await cluster.stop();
    await servers.stop();
  });

  it('know at once what was saved through the other', async () => {
    for (let n = 0; n < 20; n++) {
      await one.save(flow(`saved-${n}`));
      expect((await other.send('GET', `/flows/test/saved-${n}`)).status).toBe(200);
      await other.save(flow(`saved-${n}`, 'changed'));
      // The revision that was saved last runs, whoever is asked.
      const { status, text } = await one.send('POST', `/executions/test/saved-${n}?wait=false`);
      expect([status, (JSON.parse(text) as { flowRevision: number }).flowRevision]).toEqual([200, 2]);
    }
  });

  it('show, follow and tell the log of an execution that was started through the other', async () => {
    await one.save(flow('followed'));
    for (let n = 0; n < 10; n++) {
      const { id } = await one.start('followed', { wait: false });
      const following = other.send('GET', `/executions/${id}/follow`);
      expect((await other.execution(id)).id).toBe(id);
      const followed = await following;
      expect(followed.text).toMatch(/^id: end$/m);
      expect(followed.text.slice(followed.text.indexOf('id: end'))).toContain('"current":"SUCCESS"');
      // What is asked for after the end shows the end, with all of its task runs and log.
      const ended = await one.execution(id);
      expect([ended.state.current, ended.taskRunList?.map(({ state }) => state.current)]).toEqual([
        'SUCCESS',
        ['SUCCESS', 'SUCCESS'],
      ]);
      expect((await one.send('GET', `/logs/${id}`)).text).toContain('hello');
    }
  });

  it('answer wait=true with the whole execution, and lists show it', async () => {
    await one.save(flow('waited'));
    for (let n = 0; n < 10; n++) {
      const { id, state, taskRunList } = await (n % 2 === 0 ? one : other).start('waited', { wait: true });
      expect([state.current, taskRunList?.length]).toEqual(['SUCCESS', 2]);
      expect((await other.execution(id)).state.current).toBe('SUCCESS');
    }
    const { text } = await other.send('GET', '/executions/search?size=100&filters[flowId][EQUALS]=waited');
    expect((JSON.parse(text) as { total: number }).total).toBe(10);
  });

  it('make two revisions of two concurrent saves, or refuse one', async () => {
    for (let n = 0; n < 10; n++) {
      const id = `raced-${n}`;
      await one.save(flow(id));
      const put = (client: ProductClient, message: string) =>
        client.send('PUT', `/flows/test/${id}`, { type: 'application/x-yaml', text: flow(id, message) });
      const answers = await Promise.all([put(one, 'left'), put(other, 'right')]);
      const saved = answers.filter(({ status }) => status === 200);
      expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
      const revisions = saved.map(({ text }) => (JSON.parse(text) as { revision: number }).revision).sort();
      expect(revisions).toEqual([2, 3].slice(0, saved.length));
      const { text } = await one.send('GET', `/flows/test/${id}/revisions`);
      expect((JSON.parse(text) as unknown[]).length).toBe(1 + saved.length);
    }
  });

  it('let exactly one of two create what did not exist', async () => {
    for (let n = 0; n < 10; n++) {
      const create = (client: ProductClient) =>
        client.send('POST', '/flows', { type: 'application/x-yaml', text: flow(`created-${n}`) });
      const statuses = (await Promise.all([create(one), create(other)])).map(({ status }) => status).sort();
      expect(statuses).toEqual([200, 422]);
    }
  });
});
