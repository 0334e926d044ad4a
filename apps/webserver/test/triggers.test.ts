import { startServer, type TestServer } from './server.js';

let server: TestServer;
const API = '/api/v1/main/triggers';

/** Dates are far away, so nothing is started while the test runs. */
const FLOW = `id: etl
namespace: company.team
triggers:
  - {id: yearly, type: core.trigger.Schedule, cron: "0 0 29 2 *", stopAfter: [FAILED]}
  - {id: dates, type: core.trigger.ScheduleOnDates, dates: ["2099-01-01T00:00:00Z"]}
  - {id: hook, type: core.trigger.Webhook, key: k}
tasks: [{id: t, type: core.log.Log, message: hi}]
`;
const NAME = { namespace: 'company.team', flowId: 'etl', triggerId: 'yearly' };

type Shown = Record<string, unknown>;

const send = async (method: string, path: string, body?: unknown): Promise<{ status: number; body: Shown }> => {
  const answer = await server.call(method, `${API}${path}`, {
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text.startsWith('{') ? (JSON.parse(text) as Shown) : { text } };
};

const state = async (triggerId = 'yearly'): Promise<Shown> => {
  const { body } = await send('GET', `/company.team/etl?q=${triggerId}`);
  const [found] = body['results'] as Shown[];
  if (!found) throw new Error(`There is no trigger ${triggerId}`);
  return found;
};

beforeAll(async () => {
  server = await startServer({ scheduler: true });
  expect((await server.yaml('POST', '/api/v1/main/flows', FLOW)).status).toBe(200);
  // Its owner answers commands in the order of events: when this one is answered, it knows the flow.
  await send('POST', '/company.team/etl/yearly/restart');
});
afterAll(() => server.stop());

it('are found with their definitions', async () => {
  const { status, body } = await send('GET', '/search?filters[namespace][PREFIX]=company&sort=triggerId:desc');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    total: 2,
    results: [
      {
        abstractTrigger: { id: 'yearly', type: 'core.trigger.Schedule', cron: '0 0 29 2 *' },
        triggerContext: {
          tenantId: 'main',
          ...NAME,
          disabled: false,
          stopAfter: ['FAILED'],
          nextExecutionDate: expect.stringMatching(/-02-29T00:00:00.000Z$/),
        },
      },
      { abstractTrigger: { id: 'dates' }, triggerContext: { nextExecutionDate: '2099-01-01T00:00:00.000Z' } },
    ],
  });
  expect((await send('GET', '/search?q=none')).body).toEqual({ results: [], total: 0 });
  expect((await send('GET', '/search?triggerState=ENABLED')).body).toMatchObject({ total: 2 });
  expect((await send('GET', '/search?filters[state][EQUALS]=x')).status).toBe(422);
});

it('of a flow are listed, in pages', async () => {
  const { body } = await send('GET', '/company.team/etl?size=1&page=2');
  expect(body).toMatchObject({ total: 2, results: [{ triggerId: 'yearly' }] });
  expect((await send('GET', '/company.team/none')).body).toEqual({ results: [], total: 0 });
});

it('are disabled and enabled', async () => {
  const { status, body } = await send('PUT', '', { ...NAME, disabled: true });
  expect([status, body['disabled']]).toEqual([200, true]);
  expect((await state())['disabled']).toBe(true);
  expect((await send('POST', '/set-disabled/by-triggers', { triggers: [NAME], disabled: false })).body).toEqual({
    count: 1,
  });
  expect((await state())['disabled']).toBe(false);
  expect((await send('POST', '/set-disabled/by-query?flowId=etl&disabled=true')).body).toEqual({ count: 2 });
  expect((await state('dates'))['disabled']).toBe(true);
  expect((await send('POST', '/set-disabled/by-query?flowId=etl&disabled=false')).body).toEqual({ count: 2 });
});

it('get a backfill, which is paused, goes on and is deleted', async () => {
  const backfill = {
    start: '2000-01-01T00:00:00Z',
    end: '2024-01-01T00:00:00Z',
    inputs: { a: 1 },
    labels: [{ key: 'x', value: 'y' }],
  };
  await send('PUT', '', { ...NAME, disabled: true });
  const created = await send('PUT', '', { ...NAME, backfill });
  expect(created.status).toBe(200);
  expect(created.body['backfill']).toMatchObject({
    start: '2000-01-01T00:00:00.000Z',
    end: '2024-01-01T00:00:00.000Z',
    currentDate: '2000-02-29T00:00:00.000Z',
    paused: false,
    inputs: { a: 1 },
    labels: [{ key: 'x', value: 'y' }],
    previousNextExecutionDate: expect.any(String),
  });
  // What was shown may be sent back.
  expect((await send('PUT', '', created.body)).status).toBe(200);
  expect((await send('PUT', '/backfill/pause', NAME)).body).toMatchObject({ backfill: { paused: true } });
  expect((await send('PUT', '/backfill/unpause', NAME)).body).toMatchObject({ backfill: { paused: false } });
  expect((await send('POST', '/backfill/pause/by-triggers', [NAME])).body).toEqual({ count: 1 });
  expect((await send('POST', '/backfill/unpause/by-query?flowId=etl')).body).toEqual({ count: 1 });
  expect((await send('POST', '/backfill/delete', NAME)).body).not.toHaveProperty('backfill');
  expect((await send('POST', '/backfill/delete', NAME)).status).toBe(409);
  expect((await send('POST', '/backfill/delete/by-query?flowId=etl')).body).toEqual({ count: 0 });
  await send('PUT', '', { ...NAME, disabled: false });
});

it.each([
  [{ ...NAME, backfill: { start: 'soon' } }, 422],
  [{ ...NAME, backfill: { start: '2024-01-01T00:00:00Z', end: '2023-01-01T00:00:00Z' } }, 422],
  [{ ...NAME, triggerId: 'none', disabled: true }, 404],
  [{ ...NAME, triggerId: 'hook', disabled: true }, 404],
  [{ ...NAME, triggerId: 'none' }, 404],
  [{ namespace: 'company.team' }, 422],
])('refuse %j', async (body, status) => {
  expect((await send('PUT', '', body)).status).toBe(status);
});

it('are unlocked only when they are locked', async () => {
  expect((await send('POST', '/company.team/etl/yearly/unlock')).status).toBe(409);
  expect((await send('POST', '/unlock/by-triggers', [NAME])).body).toEqual({ count: 0 });
  expect((await send('POST', '/unlock/by-query')).body).toEqual({ count: 0 });
  expect((await send('POST', '/company.team/etl/none/unlock')).status).toBe(404);
});

it('are locked by an execution, and started once more when they are unlocked', async () => {
  const waiting = FLOW.replace('id: etl', 'id: locked').replace('core.log.Log, message: hi', 'core.flow.Pause');
  await server.yaml('POST', '/api/v1/main/flows', waiting);
  const name = { ...NAME, flowId: 'locked' };
  await send('PUT', '', { ...name, backfill: { start: '2000-01-01T00:00:00Z', end: '2005-01-01T00:00:00Z' } });
  const shown = async (): Promise<Shown> =>
    ((await send('GET', '/company.team/locked?q=yearly')).body['results'] as Shown[])[0] ?? {};
  while ((await shown())['executionId'] === undefined) await new Promise((resolve) => void setImmediate(resolve));
  const first = await shown();
  expect(first).toMatchObject({
    executionId: expect.any(String),
    backfill: { currentDate: '2004-02-29T00:00:00.000Z' },
  });
});

it('are exported', async () => {
  const answer = await server.get(`${API}/export/by-query/csv?flowId=etl`);
  expect(answer.headers.get('content-type')).toContain('text/csv');
  const [header, ...lines] = (await answer.text()).trim().split('\r\n');
  expect(header).toBe('tenantId,namespace,flowId,triggerId,date,nextExecutionDate,disabled,executionId,workerId');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^main,company.team,etl,dates,.*,2099-01-01T00:00:00.000Z,false,,$/);
});

it('are deleted', async () => {
  expect((await send('DELETE', '/company.team/etl/dates')).status).toBe(200);
  expect((await send('DELETE', '/company.team/etl/dates')).status).toBe(404);
  expect((await send('DELETE', '/delete/by-triggers', [NAME])).body).toEqual({ count: 1 });
  expect((await send('GET', '/company.team/etl')).body).toEqual({ results: [], total: 0 });
  expect((await send('DELETE', '/delete/by-query?flowId=etl')).body).toEqual({ count: 0 });
});

it('go with their flow', async () => {
  await server.yaml('POST', '/api/v1/main/flows', FLOW.replace('id: etl', 'id: gone'));
  await send('POST', '/company.team/gone/yearly/restart');
  await server.call('DELETE', '/api/v1/main/flows/company.team/gone');
  expect((await send('POST', '/company.team/gone/yearly/restart')).status).toBe(404);
  expect((await send('GET', '/company.team/gone')).body).toEqual({ results: [], total: 0 });
});
