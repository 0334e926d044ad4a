import { HELLO, startServer, topics, USER, type TestServer } from './server.js';

let server: TestServer;
beforeEach(async () => (server = await startServer({ scheduler: true })));
afterEach(() => server.stop());

const change = (how: 'enter' | 'exit'): Promise<Response> => server.call('POST', `/api/v1/instance/maintenance/${how}`);

async function start(): Promise<string> {
  const answer = await server.call('POST', '/api/v1/main/executions/company.team/hello');
  expect(answer.status).toBe(200);
  return String(((await answer.json()) as { id: string }).id);
}

async function stateOf(id: string): Promise<string> {
  const execution = (await server.json(`/api/v1/main/executions/${id}`)) as { state: { current: string } };
  return execution.state.current;
}

/** Follows the execution to its end. */
async function ended(id: string): Promise<string> {
  await (await server.get(`/api/v1/main/executions/${id}/follow`)).text();
  return stateOf(id);
}

describe('maintenance mode', () => {
  it('keeps new executions CREATED until it is left, however often it is entered', async () => {
    await server.yaml('POST', '/api/v1/main/flows', HELLO);
    const before = await start();
    expect(await ended(before)).toBe('SUCCESS');

    const entered = (await (await change('enter')).json()) as object;
    expect(entered).toEqual({ inMaintenance: true, by: USER, since: expect.any(String) });
    expect(await (await change('enter')).json()).toEqual(entered);
    expect(await server.json('/api/v1/configs')).toMatchObject({ inMaintenance: true });

    const held = [await start(), await start()];
    for (const id of held) expect(await stateOf(id)).toBe('CREATED');

    expect(await (await change('exit')).json()).toMatchObject({ inMaintenance: false, by: USER });
    for (const id of held) expect(await ended(id)).toBe('SUCCESS');
    expect(await server.json('/api/v1/configs')).toMatchObject({ inMaintenance: false });
  });

  it('lets an execution that waits be killed, or forced to run', async () => {
    await server.yaml('POST', '/api/v1/main/flows', HELLO);
    await change('enter');
    const [killed, forced] = [await start(), await start()];
    expect((await server.call('DELETE', `/api/v1/main/executions/${killed}/kill`)).status).toBe(202);
    expect(await ended(killed)).toBe('KILLED');
    expect((await server.call('POST', `/api/v1/main/executions/${forced}/force-run`)).status).toBe(200);
    expect(await ended(forced)).toBe('SUCCESS');
    await change('exit');
    expect(await stateOf(killed)).toBe('KILLED');
  });

  it('is shown by the heartbeats of the servers', async () => {
    await change('enter');
    const active = await server.queue.view(topics.services);
    const isShown = (): boolean =>
      [...active.keys()].some((key) => [...active.records(key).values()].some(({ state }) => state === 'MAINTENANCE'));
    expect(await active.waitFor(isShown, 30_000)).toBe(true);
    expect(await server.json('/api/v1/instance/status')).toMatchObject({ maintenance: { active: true, by: USER } });
  });

  it('is left by who never entered it, and nothing happens', async () => {
    expect(await (await change('exit')).json()).toMatchObject({ inMaintenance: false });
  });
});
