import { startServer, type TestServer } from './server.js';

const SHARED = `id: shared
namespace: company.team
tasks:
  - id: say
    type: core.log.Log
    message: hello
`;

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ configuration: { templates: true } });
});
afterAll(() => server.stop());

const PATH = '/api/v1/main/templates';

it('templates are created, read, changed, found and deleted', async () => {
  const created = await server.yaml('POST', PATH, SHARED);
  expect(await created.json()).toMatchObject({
    id: 'shared',
    namespace: 'company.team',
    source: SHARED,
    deleted: false,
  });
  expect((await server.yaml('POST', PATH, SHARED)).status).toBe(422);
  const changed = await server.yaml('PUT', `${PATH}/company.team/shared`, SHARED.replace('hello', 'goodbye'));
  expect(await changed.json()).toMatchObject({ tasks: [{ message: 'goodbye' }] });
  expect(await server.json(`${PATH}/company.team/shared`)).toMatchObject({ tasks: [{ message: 'goodbye' }] });
  expect(await server.json(`${PATH}/search?q=SHAR&namespace=company`)).toMatchObject({
    total: 1,
    results: [{ id: 'shared' }],
  });
  expect(await server.json(`${PATH}/search?namespace=comp`)).toMatchObject({ total: 0 });
  expect(await server.json(`${PATH}/distinct-namespaces`)).toEqual(['company.team']);
  expect((await server.call('DELETE', `${PATH}/company.team/shared`)).status).toBe(204);
  expect((await server.get(`${PATH}/company.team/shared`)).status).toBe(404);
  expect((await server.call('DELETE', `${PATH}/company.team/shared`)).status).toBe(404);
});

it('are taken out as an archive and brought in again', async () => {
  const one = SHARED.replace('shared', 'one');
  const form = new FormData();
  form.append('fileUpload', new Blob([`${one}---\n${SHARED.replace('shared', 'two')}---\nid: broken\n`]), 'all.yml');
  const imported = await server.call('POST', `${PATH}/import`, { body: form });
  expect(await imported.json()).toHaveLength(1);
  const exported = await server.call('POST', `${PATH}/export/by-ids`, {
    body: JSON.stringify([{ namespace: 'company.team', id: 'one' }]),
    headers: { 'content-type': 'application/json' },
  });
  const archive = await exported.blob();
  await server.call('DELETE', `${PATH}/company.team/one`);
  const again = new FormData();
  again.append('fileUpload', archive, 'templates.zip');
  expect(await (await server.call('POST', `${PATH}/import`, { body: again })).json()).toEqual([]);
  expect(await server.json(`${PATH}/company.team/one`)).toMatchObject({ source: one });
});

it('are checked', async () => {
  const valid = await server.yaml('POST', `${PATH}/validate`, SHARED);
  expect(await valid.json()).toEqual([{ index: 0, namespace: 'company.team', flow: 'shared' }]);
  const invalid = await server.yaml('POST', `${PATH}/validate`, `${SHARED}inputs: [{id: a, type: STRING}]\n`);
  expect(await invalid.json()).toMatchObject([{ constraints: expect.stringContaining("A template has no 'inputs'") }]);
  expect((await server.yaml('POST', PATH, `${SHARED}inputs: [{id: a, type: STRING}]\n`)).status).toBe(422);
  expect((await server.yaml('PUT', `${PATH}/company.team/other`, SHARED)).status).toBe(422);
  expect((await server.yaml('PUT', `${PATH}/company.team/shared`, SHARED)).status).toBe(404);
});

it('are not there unless the configuration says so', async () => {
  const without = await startServer();
  const answer = await without.get(`${PATH}/search`);
  expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining("'templates.enabled'")]);
  expect(await without.json('/api/v1/configs')).toMatchObject({ isTemplateEnabled: false });
  expect(await server.json('/api/v1/configs')).toMatchObject({ isTemplateEnabled: true });
  await without.stop();
});
