import { HELLO, startServer, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.yaml('POST', '/api/v1/main/flows', HELLO);
});
afterAll(() => server.stop());

interface Started {
  readonly id: string;
  readonly taskRunList: readonly { readonly id: string }[];
}

async function started(): Promise<Started> {
  const answer = await server.call('POST', '/api/v1/main/executions/company.team/hello?wait=true');
  return (await answer.json()) as Started;
}

const evaluate = (id: string, taskRunId: string, body: string, type = 'text/plain') =>
  server.call('POST', `/api/v1/main/executions/${id}/eval/${taskRunId}`, { body, headers: { 'content-type': type } });

describe('trying an expression', () => {
  it('answers its result, or why there is none', async () => {
    const { id, taskRunList } = await started();
    const taskRunId = taskRunList[0]?.id ?? '';
    const answer = async (expression: string) => (await evaluate(id, taskRunId, expression)).json();
    expect(await answer('{{ flow.id }} {{ execution.id }}')).toEqual({ result: `hello ${id}` });
    expect(await answer('{{ nothing }}')).toEqual({
      error: expect.stringContaining("unable to find 'nothing'"),
      stackTrace: expect.stringContaining('at line 1, column 4'),
    });
    expect(await answer("{{ secret('A') }}")).toMatchObject({ error: expect.stringContaining('needs a worker') });
    expect(await answer('{{ 1')).toMatchObject({ error: expect.stringContaining('line 1') });
  });

  it('is refused for what is not there, too large, or of another type', async () => {
    const { id, taskRunList } = await started();
    const taskRunId = taskRunList[0]?.id ?? '';
    expect((await evaluate(id, 'unknown', 'x')).status).toBe(404);
    expect((await evaluate('unknown', taskRunId, 'x')).status).toBe(404);
    expect((await evaluate(id, taskRunId, 'x'.repeat(70_000))).status).toBe(413);
    expect((await evaluate(id, taskRunId, '{}', 'application/json')).status).toBe(415);
  });
});
