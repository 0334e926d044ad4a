import { systemClock } from '@millrace/service';
import { startServer, type TestServer } from './server.js';

/** The time of the machine, which a test may move on. */
let ahead = 0;
const clock = { now: () => systemClock.now() + ahead, after: systemClock.after };

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ clock });
});
afterAll(() => server.stop());

const KV = '/api/v1/main/namespaces/company.team/kv';

const put = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  server.call('PUT', path, { body, headers: { 'content-type': 'text/plain', ...headers } });

it('a value is written, read with its type, changed and deleted', async () => {
  expect((await put(`${KV}/life`, '{"n": 1}', { description: 'a number' })).status).toBe(200);
  expect(await server.json(`${KV}/life`)).toEqual({
    type: 'JSON',
    value: { n: 1 },
    revision: 1,
    updated: expect.stringMatching(/Z$/),
  });
  await put(`${KV}/life`, 'plain text');
  expect(await server.json(`${KV}/life`)).toMatchObject({ type: 'STRING', value: 'plain text', revision: 2 });
  const deleted = await server.call('DELETE', `${KV}/life`);
  expect([deleted.status, await deleted.json()]).toEqual([200, true]);
  expect((await server.get(`${KV}/life`)).status).toBe(404);
  expect(await (await server.call('DELETE', `${KV}/life`)).json()).toBe(false);
});

it.each([
  ['12.5', 'NUMBER', 12.5],
  ['true', 'BOOLEAN', true],
  ['"quoted"', 'STRING', 'quoted'],
  ['2026-03-01T12:00:00Z', 'DATETIME', '2026-03-01T12:00:00Z'],
  ['2026-03-01', 'DATE', '2026-03-01'],
  ['PT5M', 'DURATION', 'PT5M'],
  ['[1,2]', 'JSON', [1, 2]],
])('the body %s is a %s', async (body, type, value) => {
  await put(`${KV}/typed`, body, { 'content-type': 'application/json' });
  expect(await server.json(`${KV}/typed`)).toMatchObject({ type, value });
});

it('a value that has expired is gone', async () => {
  await put(`${KV}/short`, '1', { ttl: 'PT1M' });
  expect((await server.get(`${KV}/short`)).status).toBe(200);
  ahead += 61_000;
  const answer = await server.get(`${KV}/short`);
  expect(answer.status).toBe(410);
  expect(await answer.json()).toMatchObject({ message: "The key 'short' in namespace 'company.team' has expired" });
  expect(await server.json(KV)).not.toEqual(expect.arrayContaining([expect.objectContaining({ key: 'short' })]));
});

it('keys are listed, searched and inherited', async () => {
  for (const [namespace, key] of [
    ['list', 'shared'],
    ['list.sub', 'own'],
    ['list.sub', 'shared'],
    ['listing', 'other'],
  ])
    await put(`/api/v1/main/namespaces/${namespace}/kv/${key}`, '1', { description: `the ${key} one` });
  expect(await server.json('/api/v1/main/namespaces/list.sub/kv')).toEqual([
    {
      namespace: 'list.sub',
      key: 'own',
      version: 1,
      description: 'the own one',
      creationDate: expect.any(String),
      updateDate: expect.any(String),
    },
    expect.objectContaining({ key: 'shared' }),
  ]);
  expect(await server.json('/api/v1/main/namespaces/list.sub/kv/inheritance')).toMatchObject([
    { namespace: 'list', key: 'shared' },
  ]);
  const found = async (query: string): Promise<unknown> =>
    ((await server.json(`/api/v1/main/kv?${query}`))['results'] as { namespace: string; key: string }[]).map(
      ({ namespace, key }) => `${namespace}:${key}`,
    );
  expect(await found('namespace=list')).toEqual(['list:shared', 'list.sub:own', 'list.sub:shared']);
  expect(await found('filters[namespace][STARTS_WITH]=list&sort=key:desc&sort=namespace:asc')).toEqual([
    'list:shared',
    'list.sub:shared',
    'list.sub:own',
    'listing:other',
  ]);
  expect(await found('q=THE OTHER')).toEqual(['listing:other']);
  expect(await found('filters[updated][LESS_THAN]=2020-01-01T00:00:00Z')).toEqual([]);
  expect(await found('filters[expirationDate][GREATER_THAN]=2020-01-01T00:00:00Z&namespace=list')).toEqual([]);
  expect(await server.json('/api/v1/main/kv?namespace=list&size=1&page=2')).toMatchObject({ total: 3 });
});

it('several keys are deleted at once', async () => {
  await put(`${KV}/one`, '1');
  await put(`${KV}/two`, '2');
  const answer = await server.call('DELETE', KV, {
    body: JSON.stringify({ keys: ['one', 'two', 'three'] }),
    headers: { 'content-type': 'application/json' },
  });
  expect(await answer.json()).toEqual({ keys: ['one', 'two'] });
});

it.each<[string, () => Promise<Response>, number]>([
  ['a key of other characters', () => put(`${KV}/a%20b`, '1'), 422],
  ['a key that leads elsewhere', () => put(`${KV}/%2e%2e%2fx`, '1'), 422],
  ['a time to live that is none', () => put(`${KV}/x`, '1', { ttl: 'soon' }), 422],
  ['a negative time to live', () => put(`${KV}/x`, '1', { ttl: '-PT1S' }), 422],
  ['a description that is too long', () => put(`${KV}/x`, '1', { description: 'x'.repeat(1_001) }), 422],
  ['a value that is too long', () => put(`${KV}/x`, 'x'.repeat(300_000)), 422],
  ['a body that is too long', () => put(`${KV}/x`, 'x'.repeat(1_100_000)), 413],
  ['another content type', () => put(`${KV}/x`, '<x/>', { 'content-type': 'text/xml' }), 415],
  ['an unknown filter', () => server.get('/api/v1/main/kv?filters[colour][EQUALS]=red'), 422],
  ['an unknown order', () => server.get('/api/v1/main/kv?sort=value:asc'), 422],
  ['a date that is none', () => server.get('/api/v1/main/kv?filters[updated][EQUALS]=soon'), 422],
  ['nobody', () => server.call('GET', `${KV}/x`, { headers: { authorization: 'none' } }), 401],
  ['another tenant', () => server.get('/api/v1/acme/namespaces/company.team/kv/x'), 404],
])('%s is refused', async (_what, call, status) => {
  expect((await call()).status).toBe(status);
});
