import { startServer, type TestServer } from './server.js';

let server: TestServer;

/** No worker runs here, so what has a slot keeps it. */
const FLOW = `id: limited
namespace: company.team
concurrency: {limit: 1}
tasks: [{id: t, type: core.flow.Sleep, duration: PT1H}]
`;
const FREE = FLOW.replace('id: limited', 'id: free').replace('concurrency: {limit: 1}\n', '');
const API = '/api/v1/main';

const put = (path: string, body = '{"running": 7}'): Promise<Response> =>
  server.call('PUT', `${API}/concurrency-limit/${path}`, { body, headers: { 'content-type': 'application/json' } });
const start = async (flowId: string): Promise<string> => {
  const answer = await server.call('POST', `${API}/executions/company.team/${flowId}`);
  return ((await answer.json()) as { id: string }).id;
};
async function inState(id: string, state: string): Promise<void> {
  for (;;) {
    const { state: found } = (await server.json(`${API}/executions/${id}`)) as { state: { current: string } };
    if (found.current === state) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  server = await startServer();
  for (const flow of [FLOW, FREE]) expect((await server.yaml('POST', `${API}/flows`, flow)).status).toBe(200);
});
afterAll(() => server.stop());

it('tell how many executions of a flow run, and let others wait', async () => {
  const [first] = [await start('limited'), await start('free')];
  await inState(first, 'RUNNING');
  const second = await start('limited');
  await inState(second, 'QUEUED');
  expect(await server.json(`${API}/concurrency-limit/search`)).toEqual({
    results: [{ tenantId: 'main', namespace: 'company.team', flowId: 'limited', running: 1 }],
    total: 1,
  });
  expect(await server.json(`${API}/concurrency-limit/search?page=2&size=1`)).toEqual({ results: [], total: 1 });
});

it('are counted anew by asking who runs, whatever number is given', async () => {
  const answer = await put('company.team/limited');
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { tenantId: 'main', namespace: 'company.team', flowId: 'limited', running: 1 },
  ]);
});

it.each([
  ['company.team/free', '{}', 404, /does not limit its concurrent executions/],
  ['company.team/nowhere', '{}', 404, /does not limit its concurrent executions/],
  ['company.team/limited', '{"running": -1}', 422, /running/],
  ['company.team/limited', 'no', 422, /JSON/],
])('of %s with %s are answered with %i', async (path, body, status, message) => {
  const answer = await put(path, body);
  expect(answer.status).toBe(status);
  expect(await answer.text()).toMatch(message);
});
