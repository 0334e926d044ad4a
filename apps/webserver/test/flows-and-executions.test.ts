import { HELLO, SLEEPY, startServer, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

describe('flows', () => {
  it('are created, read, updated and deleted', async () => {
    const source = HELLO.replace('id: hello', 'id: life');
    const created = await server.yaml('POST', '/api/v1/main/flows', source);
    expect(created.status).toBe(200);
    expect(await created.json()).toMatchObject({
      id: 'life',
      namespace: 'company.team',
      revision: 1,
      deleted: false,
      source,
    });

    expect((await server.yaml('POST', '/api/v1/main/flows', source)).status).toBe(422);

    const same = await server.yaml('PUT', '/api/v1/main/flows/company.team/life', `${source}revision: 7\n`);
    expect(await same.json()).toMatchObject({ revision: 1 });

    const changed = await server.yaml('PUT', '/api/v1/main/flows/company.team/life', source.replace('red', 'blue'));
    expect(await changed.json()).toMatchObject({ revision: 2 });
    expect(await server.json('/api/v1/flows/company.team/life')).toMatchObject({ revision: 2 });
    expect(await server.json('/api/v1/main/flows/company.team/life?revision=1&source=true')).toMatchObject({
      revision: 1,
      source,
    });
    expect(await server.json('/api/v1/main/flows/company.team/life/revisions')).toMatchObject([
      { revision: 1 },
      { revision: 2 },
    ]);
    expect(await server.json('/api/v1/main/flows/company.team/life/tasks/say')).toMatchObject({
      id: 'say',
      type: 'core.log.Log',
    });

    expect((await server.call('DELETE', '/api/v1/main/flows/company.team/life')).status).toBe(204);
    expect((await server.get('/api/v1/main/flows/company.team/life')).status).toBe(404);
    expect(await server.json('/api/v1/main/flows/company.team/life?allowDeleted=true')).toMatchObject({
      deleted: true,
    });
    expect((await server.call('DELETE', '/api/v1/main/flows/company.team/life')).status).toBe(404);
    expect((await server.call('POST', '/api/v1/main/executions/company.team/life')).status).toBe(409);
  });

  it('that are not valid are refused with every fault and its place', async () => {
    const refused = await server.yaml(
      'POST',
      '/api/v1/main/flows',
      'id: bad flow\nnamespace: a\ntasks:\n  - id: x\n    type: no.such.Type\n',
    );
    expect(refused.status).toBe(422);
    const body = (await refused.json()) as { message: string; _embedded: { errors: { path: string; line: number }[] } };
    expect(body._embedded.errors.map(({ path, line }) => [path, line])).toEqual([
      ['id', 1],
      ['tasks[0].type', 5],
    ]);
    expect(body.message).toContain('1:');
  });

  it.each([
    ['the id', HELLO.replace('id: hello', 'id: other')],
    ['the namespace', HELLO.replace('company.team', 'company.other')],
  ])('keep %s', async (_what, source) => {
    await server.yaml('POST', '/api/v1/main/flows', HELLO.replace('id: hello', 'id: fixed'));
    expect((await server.yaml('PUT', '/api/v1/main/flows/company.team/fixed', source)).status).toBe(422);
  });

  it('that are unknown cannot be updated', async () => {
    expect(
      (await server.yaml('PUT', '/api/v1/main/flows/company.team/nobody', HELLO.replace('id: hello', 'id: nobody')))
        .status,
    ).toBe(404);
  });

  it('are validated document by document', async () => {
    const answer = await server.yaml('POST', '/api/v1/main/flows/validate', `${HELLO}---\nid: x\nnamespace: a\n`);
    const entries = (await answer.json()) as object[];
    expect(answer.status).toBe(200);
    expect(entries).toEqual([
      expect.objectContaining({ index: 0, flow: 'hello', namespace: 'company.team' }),
      expect.objectContaining({ index: 1, constraints: expect.stringContaining('tasks') }),
    ]);
    expect(entries[0]).not.toHaveProperty('constraints');
  });

  it('are found by search', async () => {
    for (const [id, namespace] of [
      ['one', 'search'],
      ['two', 'search.sub'],
      ['three', 'searching'],
    ]) {
      await server.yaml(
        'POST',
        '/api/v1/flows',
        HELLO.replace('id: hello', `id: ${id}`).replace('company.team', `${namespace}`),
      );
    }
    const found = async (query: string): Promise<unknown> =>
      ((await server.json(`/api/v1/main/flows/search?${query}`))['results'] as { id: string }[]).map(({ id }) => id);
    expect(await found('namespace=search')).toEqual(['one', 'two']);
    expect(await found('filters[namespace][STARTS_WITH]=search&sort=id:desc')).toEqual(['two', 'three', 'one']);
    expect(await found('q=THREE')).toEqual(['three']);
    expect(await found('filters[labels][EQUALS][team]=red&filters[namespace][PREFIX]=search')).toEqual(['one', 'two']);
    expect(await server.json('/api/v1/main/flows/search?namespace=search&size=1&page=2')).toMatchObject({
      total: 2,
      results: [{ id: 'two' }],
    });
    expect(await server.json('/api/v1/main/flows/distinct-namespaces?q=search')).toEqual([
      'search',
      'search.sub',
      'searching',
    ]);
    expect(await server.json('/api/v1/main/flows/search.sub')).toMatchObject([{ id: 'two' }]);
  });
});

describe('executions', () => {
  beforeAll(async () => {
    await server.yaml('POST', '/api/v1/main/flows', HELLO);
  });

  it('are started and waited for', async () => {
    const form = new FormData();
    form.append('name', 'Ada');
    const answer = await server.call(
      'POST',
      '/api/v1/main/executions/company.team/hello?wait=true&labels=run:1&labels=team:blue',
      { body: form },
    );
    expect(answer.status).toBe(200);
    const execution = (await answer.json()) as { id: string; url: string };
    expect(execution).toMatchObject({
      tenantId: 'main',
      namespace: 'company.team',
      flowId: 'hello',
      flowRevision: 1,
      inputs: { name: 'Ada' },
      state: { current: 'SUCCESS', duration: expect.stringMatching(/^PT[\d.]+S$/) },
      labels: [
        { key: 'team', value: 'blue' },
        { key: 'run', value: '1' },
        { key: 'system.correlationId', value: execution.id },
      ],
      taskRunList: [
        { taskId: 'say', outputs: {}, state: { current: 'SUCCESS' } },
        { taskId: 'give', outputs: { value: 'Ada' }, state: { current: 'SUCCESS' } },
      ],
      url: `/ui/main/executions/company.team/hello/${execution.id}`,
    });
    expect(await server.json(`/api/v1/main/executions/${execution.id}`)).toMatchObject({
      id: execution.id,
      state: { current: 'SUCCESS' },
    });
    expect(await server.json(`/api/v1/main/logs/${execution.id}?minLevel=INFO`)).toEqual(
      expect.arrayContaining([expect.objectContaining({ message: 'Hello Ada', taskId: 'say', level: 'INFO' })]),
    );
    const log = await server.get(`/api/v1/main/logs/${execution.id}/download`);
    expect(log.headers.get('content-disposition')).toContain(`${execution.id}.log`);
    expect(await log.text()).toMatch(/INFO say Hello Ada\n/);
    expect(await server.json(`/api/v1/main/executions/search?flowId=hello&labels=run:1`)).toMatchObject({
      total: 1,
      results: [{ id: execution.id }],
    });
  });

  it('are answered as CREATED without waiting', async () => {
    const answer = await server.call('POST', '/api/v1/main/executions/company.team/hello', {
      body: JSON.stringify({ name: 'Bob' }),
      headers: { 'content-type': 'application/json' },
    });
    const execution = (await answer.json()) as { id: string };
    expect(execution).toMatchObject({ state: { current: 'CREATED' }, inputs: { name: 'Bob' } });
    expect(await server.json(`/api/v1/main/executions/${execution.id}`)).toMatchObject({ id: execution.id });
  });

  it.each([
    ['an unknown flow', '/api/v1/main/executions/company.team/nothing', 404],
    ['an unknown revision', '/api/v1/main/executions/company.team/hello?revision=9', 404],
    ['a label without a value', '/api/v1/main/executions/company.team/hello?labels=red', 422],
    ['a system label', '/api/v1/main/executions/company.team/hello?labels=system.from:me', 422],
    ['a malformed date', '/api/v1/main/executions/company.team/hello?scheduleDate=soon', 422],
  ])('are refused for %s', async (_what, path, status) => {
    expect((await server.call('POST', path)).status).toBe(status);
  });

  it('are refused with all faults of their inputs at once', async () => {
    await server.yaml(
      'POST',
      '/api/v1/main/flows',
      `id: strict\nnamespace: company.team\ninputs:\n  - {id: age, type: INT}\n  - {id: day, type: DATE}\ntasks:\n  - {id: say, type: core.log.Log, message: hi}\n`,
    );
    const refused = await server.call('POST', '/api/v1/main/executions/company.team/strict', {
      body: JSON.stringify({ age: 'old' }),
      headers: { 'content-type': 'application/json' },
    });
    expect(refused.status).toBe(422);
    const { _embedded } = (await refused.json()) as { _embedded: { errors: { path: string }[] } };
    expect(_embedded.errors.map(({ path }) => path)).toEqual(['age', 'day']);
  });

  it('of a disabled flow are refused', async () => {
    await server.yaml('POST', '/api/v1/main/flows', HELLO.replace('id: hello', 'id: switched-off\ndisabled: true'));
    expect((await server.call('POST', '/api/v1/main/executions/company.team/switched-off')).status).toBe(409);
  });

  it('are killed', async () => {
    await server.yaml('POST', '/api/v1/main/flows', SLEEPY);
    const start = async (): Promise<string> =>
      ((await (await server.call('POST', '/api/v1/main/executions/company.team/sleepy')).json()) as { id: string }).id;
    const id = await start();
    expect((await server.call('DELETE', `/api/v1/main/executions/${id}/kill`)).status).toBe(202);
    const follow = await server.get(`/api/v1/main/executions/${id}/follow`);
    expect(await follow.text()).toContain('"current":"KILLED"');
    expect((await server.call('DELETE', `/api/v1/main/executions/${id}/kill`)).status).toBe(409);
    expect((await server.call('DELETE', '/api/v1/main/executions/unknown0/kill')).status).toBe(404);

    const other = await start();
    const byIds = (...ids: string[]) =>
      server.call('DELETE', '/api/v1/main/executions/kill/by-ids', {
        body: JSON.stringify(ids),
        headers: { 'content-type': 'application/json' },
      });
    expect((await byIds(other, id)).status).toBe(422);
    const killed = await byIds(other);
    expect([killed.status, await killed.json()]).toEqual([200, { count: 1 }]);
  });
});
