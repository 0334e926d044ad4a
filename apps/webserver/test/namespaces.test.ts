import { startServer, type TestServer } from './server.js';

let server: TestServer;
beforeEach(async () => (server = await startServer()));
afterEach(() => server.stop());

const NAMESPACES = '/api/v1/main/namespaces';
const TENANT = '/api/v1/tenants/main';
const GROUPS = '/api/v1/instance/workergroups';

interface Sent {
  readonly status: number;
  readonly body: { readonly message?: string; readonly id?: string };
}

async function send(method: string, path: string, body?: object): Promise<Sent> {
  const answer = await server.call(method, path, {
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Sent['body']) };
}

const register = async (key: string, more: object = {}): Promise<string> =>
  (await send('POST', GROUPS, { key, ...more })).body.id ?? '';
const saveFlow = (namespace: string): Promise<Response> =>
  server.yaml(
    'POST',
    '/api/v1/main/flows',
    `id: grouped\nnamespace: ${namespace}\ntasks: [{id: sleep, type: core.flow.Sleep, duration: PT1H}]\n`,
  );

describe('a namespace', () => {
  it('is created, shown, changed and removed', async () => {
    await register('gpu');
    expect((await server.get(`${NAMESPACES}/company.team`)).status).toBe(404);
    const written = { id: 'company.team', description: 'Ours.', workerGroup: { key: 'gpu', fallback: 'FAIL' } };
    // A client that knows all members of the reference sends them without values.
    const more = { variables: {}, pluginDefaults: [], allowedNamespaces: null, storageType: '', deleted: false };
    const shown = { ...written, deleted: false };
    expect(await send('POST', NAMESPACES, { ...written, ...more })).toEqual({ status: 200, body: shown });
    expect(await server.json(`${NAMESPACES}/company.team`)).toEqual(shown);
    expect((await send('POST', NAMESPACES, written)).status).toBe(422);
    const emptied = { id: 'company.team', deleted: false };
    expect(await send('PUT', `${NAMESPACES}/company.team`, shown)).toEqual({ status: 200, body: shown });
    expect(await send('PUT', `${NAMESPACES}/company.team`, { id: 'company.team' })).toEqual({
      status: 200,
      body: emptied,
    });
    expect((await send('DELETE', `${NAMESPACES}/company.team`)).status).toBe(204);
    expect((await server.get(`${NAMESPACES}/company.team`)).status).toBe(404);
    expect((await send('DELETE', `${NAMESPACES}/company.team`)).status).toBe(404);
  });

  it('exists by its flows, and by those of the namespaces below', async () => {
    await saveFlow('company.team');
    for (const id of ['company.team', 'company']) {
      expect(await server.json(`${NAMESPACES}/${id}`)).toEqual({ id, deleted: false });
    }
    expect((await server.get(`${NAMESPACES}/comp`)).status).toBe(404);
    expect((await send('PUT', `${NAMESPACES}/company`, { id: 'company' })).status).toBe(404);
  });

  it.each([
    ['another id', { id: 'b' }, "The id cannot change: the path says 'a' and the body 'b'"],
    [
      'a group that is not there',
      { id: 'a', workerGroup: { key: 'gpo' } },
      "There is no worker group 'gpo' for this tenant. Those that it may use are: default, gpu. Did you mean 'gpu'?",
    ],
    [
      'a group of other tenants',
      { id: 'a', workerGroup: { key: 'foreign' } },
      "There is no worker group 'foreign' for this tenant.",
    ],
    [
      'what comes later',
      { id: 'a', variables: { x: 1 }, pluginDefaults: [{ type: 'x' }] },
      "'variables', 'pluginDefaults' of a namespace cannot be set in this version yet. What can be set is: id, description, workerGroup",
    ],
    ['what there is not', { id: 'a', colour: 'red' }, "a namespace has no 'colour'"],
    ['a wait that is no duration', { id: 'a', workerGroup: { waitAtMost: 'soon' } }, "'soon' is no duration"],
    ['a wrong fallback', { id: 'a', workerGroup: { fallback: 'SLEEP' } }, 'workerGroup.fallback'],
  ])('is refused with %s', async (_what, body, message) => {
    await register('gpu');
    await register('foreign', { allowedTenants: ['somebody'] });
    await send('POST', NAMESPACES, { id: 'a' });
    const answer = await send('PUT', `${NAMESPACES}/a`, body);
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain(message);
  });

  it('may name its group by an expression', async () => {
    expect((await send('POST', NAMESPACES, { id: 'a', workerGroup: { key: '{{ flow.id }}' } })).status).toBe(200);
  });

  it('stays while something is in it', async () => {
    for (const id of ['company', 'company.team']) await send('POST', NAMESPACES, { id, description: 'Ours.' });
    await saveFlow('company.team');
    await server.call('PUT', `${NAMESPACES}/company/kv/colour`, {
      body: '"red"',
      headers: { 'content-type': 'text/plain' },
    });
    const answer = await send('DELETE', `${NAMESPACES}/company`);
    expect(answer.status).toBe(409);
    expect(answer.body.message).toContain(
      "The namespace 'company' has the flows company.team.grouped, the namespaces company.team, the keys colour: delete them first",
    );
  });
});

describe('a tenant', () => {
  it('is shown and changed', async () => {
    await register('gpu');
    expect(await server.json(TENANT)).toEqual({ id: 'main', name: 'main', deleted: false });
    const workerGroup = { key: 'gpu', fallback: 'CANCEL' };
    const shown = { id: 'main', name: 'All of us', deleted: false, workerGroup };
    expect(await send('PUT', TENANT, { ...shown, storageConfiguration: {} })).toEqual({ status: 200, body: shown });
    expect(await server.json(TENANT)).toEqual(shown);
  });

  it.each([
    ['/api/v1/tenants/other', {}, 404, "There is no tenant 'other'"],
    [TENANT, { id: 'other' }, 422, 'The id cannot change'],
    [TENANT, { workerGroup: { key: 'none' } }, 422, "There is no worker group 'none' for this tenant."],
    [TENANT, { quotas: [{}, { a: 1 }] }, 422, "'quotas' of a tenant cannot be set in this version yet"],
  ])('%s with %j is refused', async (path, body, status, message) => {
    const answer = await send('PUT', path, body);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toContain(message);
  });
});

describe('the worker group of a namespace or tenant', () => {
  it('stays while it is named', async () => {
    const id = await register('gpu');
    await send('POST', NAMESPACES, { id: 'company', workerGroup: { key: 'gpu' } });
    await send('PUT', TENANT, { workerGroup: { key: ' gpu ' } });
    const refused = await send('DELETE', `${GROUPS}/${id}`);
    expect(refused.status).toBe(409);
    expect(refused.body.message).toContain(
      "The worker group 'gpu' is used by the namespaces company and the tenants main: stop or change them first",
    );
    await send('PUT', TENANT, {});
    await send('DELETE', `${NAMESPACES}/company`);
    expect((await send('DELETE', `${GROUPS}/${id}`)).status).toBe(200);
  });

  it.each([
    ['namespace', () => send('POST', NAMESPACES, { id: 'company', workerGroup: { key: 'gpu', fallback: 'FAIL' } })],
    ['tenant', () => send('PUT', TENANT, { workerGroup: { key: 'gpu', fallback: 'FAIL' } })],
  ])('of its %s is that of a flow', async (_what, choose) => {
    await register('gpu');
    await choose();
    await saveFlow('company.team');
    const { id = '' } = (await send('POST', '/api/v1/main/executions/company.team/grouped')).body;
    await (await server.get(`/api/v1/main/executions/${id}/follow`)).text();
    expect(await server.json(`/api/v1/main/executions/${id}`)).toMatchObject({ state: { current: 'FAILED' } });
    expect(await (await server.get(`/api/v1/main/logs/${id}`)).text()).toContain(
      "No worker of the group 'gpu' is running, and the fallback of the worker group is FAIL",
    );
  });
});
