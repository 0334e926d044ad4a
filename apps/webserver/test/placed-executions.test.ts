import { HELLO, SLEEPY, startServer, topics, type TestServer } from './server.js';

/** A cluster whose partitions have become more: ids of new executions name their placement. */
let server: TestServer;
beforeAll(async () => {
  topics.executions.cluster.tell({ format: 2, placements: [{ partitions: 2 }, { partitions: 4 }], current: 1 });
  server = await startServer();
  for (const source of [HELLO, SLEEPY]) await server.yaml('POST', '/api/v1/main/flows', source);
});
afterAll(() => server.stop());

const base = '/api/v1/main/executions';

async function started(flow: string, wait: boolean): Promise<string> {
  const response = await server.call('POST', `${base}/company.team/${flow}?wait=${wait}`);
  const { id } = (await response.json()) as { readonly id: string };
  expect(id).toMatch(/^[0-9A-Za-z]{22}-1$/);
  return id;
}

describe('an execution whose id names a placement', () => {
  it('is answered, with its log and its outputs, and found by its id', async () => {
    const id = await started('hello', true);
    const execution = await server.json(`${base}/${id}`);
    expect(execution).toMatchObject({ id, state: { current: 'SUCCESS' } });
    const logs = await server.call('GET', `/api/v1/main/logs/${id}`);
    expect([logs.status, await logs.text()]).toEqual([200, expect.stringContaining('Hello world')]);
    expect(await server.json(`${base}/search?filters[q][EQUALS]=${id}`)).toMatchObject({ total: 1, results: [{ id }] });
    const again = await server.call('POST', `${base}/${id}/replay`);
    expect(again.status).toBe(200);
  });

  it('is operated: alone and with others', async () => {
    const [one, other] = [await started('sleepy', false), await started('sleepy', false)];
    for (const id of [one, other]) expect((await server.call('GET', `${base}/${id}`)).status).toBe(200);
    expect((await server.call('DELETE', `${base}/${one}/kill`)).status).toBeLessThan(300);
    const bulk = await server.call('DELETE', `${base}/kill/by-ids`, {
      body: JSON.stringify([other]),
      headers: { 'content-type': 'application/json' },
    });
    expect([bulk.status, await bulk.json()]).toEqual([200, expect.objectContaining({ count: 1 })]);
  });

  it('is none when its mark is none', async () => {
    const id = await started('hello', true);
    for (const wrong of [`${id}1`, id.slice(0, -1), `${id}-1`]) {
      expect((await server.call('GET', `${base}/${wrong}`)).status).toBe(404);
    }
  });
});
