import { outgoing } from '@millrace/model';
import { startServer, topics, type TestServer } from './server.js';

let server: TestServer;
beforeEach(async () => (server = await startServer()));
afterEach(() => server.stop());

const PLACE = '/api/v1/instance/workergroups';
interface Group {
  readonly id: string;
  readonly key: string;
}

const send = (method: string, path: string, body?: object): Promise<Response> =>
  server.call(method, path, {
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });

async function register(key: string, more: object = {}): Promise<Group> {
  const answer = await send('POST', PLACE, { key, ...more });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Group;
}

/** A worker of a group tells of itself. */
async function heartbeat(instance: string, group: string, state: 'RUNNING' | 'TERMINATED_GRACEFULLY'): Promise<void> {
  const services = await server.queue.view(topics.services);
  const at = Date.now();
  const service = {
    instance,
    role: 'worker',
    state,
    host: 'elsewhere',
    startedAt: at,
    heartbeatAt: at,
    format: 1,
    group,
  } as const;
  await server.publish(outgoing({ topic: topics.serviceEvents, key: instance, value: { kind: 'heartbeat', service } }));
  const isThere = (): boolean => [...services.records(instance).values()].some((known) => known.state === state);
  expect(await services.waitFor(isThere, 30_000)).toBe(true);
  services.close();
}

const flow = (workerGroup: string, id = 'grouped'): string => `id: ${id}
namespace: company.team
tasks:
  - id: sleep
    type: core.flow.Sleep
    duration: PT1H
    workerGroup: ${workerGroup}
`;
const save = (source: string): Promise<Response> => server.yaml('POST', '/api/v1/main/flows', source);

describe('worker groups', () => {
  it('are registered, listed, shown, changed and removed', async () => {
    const { id } = await register('gpu', { description: 'With a card.' });
    await heartbeat('w1', 'gpu', 'RUNNING');
    expect(await server.json(PLACE)).toEqual({
      workerGroups: [{ id, key: 'gpu', description: 'With a card.', allowedTenants: [], activeWorkers: 1 }],
    });
    expect(await server.json(`${PLACE}/${id}`)).toMatchObject({ key: 'gpu', workers: [{ id: 'w1', type: 'WORKER' }] });
    const changed = await send('PUT', `${PLACE}/${id}`, { key: 'gpu', allowedTenants: ['main', 'main'] });
    expect(await changed.json()).toEqual({ id, key: 'gpu', allowedTenants: ['main'] });
    await heartbeat('w1', 'gpu', 'TERMINATED_GRACEFULLY');
    expect((await send('DELETE', `${PLACE}/${id}`)).status).toBe(200);
    expect(await server.json(PLACE)).toEqual({ workerGroups: [] });
    expect((await server.get(`${PLACE}/${id}`)).status).toBe(404);
  });

  it.each([
    ['that exists', { key: 'gpu' }, /exists already/],
    ['named as the default one', { key: 'default' }, /exists already/],
    ['whose key cannot name a topic', { key: 'GPU 1' }, /key/],
    ['without a key', {}, /key/],
  ])('%s are refused', async (_which, body, why) => {
    await register('gpu');
    const answer = await send('POST', PLACE, body);
    expect(answer.status).toBe(422);
    expect(((await answer.json()) as { message: string }).message).toMatch(why);
  });

  it('keep their key, and stay while a worker or a flow uses them', async () => {
    const { id } = await register('gpu');
    expect((await send('PUT', `${PLACE}/${id}`, { key: 'other' })).status).toBe(422);
    expect((await save(flow('{key: gpu}'))).status).toBe(200);
    await heartbeat('w1', 'gpu', 'RUNNING');
    const refused = await send('DELETE', `${PLACE}/${id}`);
    expect(refused.status).toBe(409);
    const { message } = (await refused.json()) as { message: string };
    expect(message).toContain(
      "The worker group 'gpu' is used by the workers w1 (elsewhere) and the flows company.team.grouped",
    );
  });

  it('are part of the status of the installation, with and without workers', async () => {
    await register('gpu');
    const { groups } = (await server.json('/api/v1/instance/status')) as { groups: readonly object[] };
    expect(groups).toEqual(expect.arrayContaining([expect.objectContaining({ group: 'gpu', workers: 0, waiting: 0 })]));
  });
});

describe('a flow that names a worker group', () => {
  it('is refused when it is not there, with the place and those that are', async () => {
    await register('gpu');
    await register('other-tenant', { allowedTenants: ['somebody'] });
    for (const key of ['gpo', 'other-tenant']) {
      const answer = await save(flow(`{key: ${key}}`));
      expect(answer.status).toBe(422);
      const { message } = (await answer.json()) as { message: string };
      expect(message).toContain(
        `tasks[0].workerGroup.key: There is no worker group '${key}' for this tenant. Those that it may use are: default, gpu.`,
      );
    }
  });

  it.each(['{key: gpu}', '{key: "{{ flow.id }}"}', '{key: ""}', '{fallback: FAIL}'])(
    'is stored with %s',
    async (group) => {
      await register('gpu');
      expect((await save(flow(group))).status).toBe(200);
    },
  );

  it('waits for a worker of the group, says so, and is handed over when one comes', async () => {
    await register('gpu');
    await save(flow('{key: gpu}'));
    const jobs = await server.queue.backlog(topics.jobs('gpu'), '');
    expect([...jobs.values()].reduce((sum, count) => sum + count, 0)).toBe(0);
    const heads = await server.queue.view(topics.executions);
    const { id } = (await (await send('POST', '/api/v1/main/executions/company.team/grouped')).json()) as {
      id: string;
    };
    const warnings = (): readonly string[] | undefined => {
      const head = heads.get(`main/${id}`, 'head');
      return head?.kind === 'head' ? head.warnings : undefined;
    };
    expect(await heads.waitFor(() => warnings() !== undefined, 30_000)).toBe(true);
    expect(warnings()?.[0]).toContain("Waiting for a worker of the group 'gpu'");
    await heartbeat('w1', 'gpu', 'RUNNING');
    expect(await heads.waitFor(() => warnings() === undefined, 30_000)).toBe(true);
    const waiting = await server.queue.backlog(topics.jobs('gpu'), '');
    expect([...waiting.values()].reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  it.each([
    ['FAIL', 'FAILED'],
    ['CANCEL', 'CANCELLED'],
  ])('ends by its fallback %s when there is none', async (fallback, state) => {
    await register('gpu');
    await save(flow(`{key: gpu, fallback: ${fallback}}`));
    const { id } = (await (await send('POST', '/api/v1/main/executions/company.team/grouped')).json()) as {
      id: string;
    };
    await (await server.get(`/api/v1/main/executions/${id}/follow`)).text();
    expect(await server.json(`/api/v1/main/executions/${id}`)).toMatchObject({ state: { current: state } });
  });
});
