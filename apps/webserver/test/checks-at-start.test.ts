import { startServer, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => (server = await startServer()));
afterAll(() => server.stop());

const CHECKED = `id: checked
namespace: company.team
inputs:
  - {id: n, type: INT}
  - {id: data, type: FILE, required: false, allowedFileExtensions: [.csv]}
  - {id: word, type: STRING, defaults: "{{ inputs.n }}-x"}
checks:
  - {condition: "{{ inputs.n < 10 }}", message: at most ten, style: ERROR}
  - {condition: "{{ inputs.n < 5 }}", message: rather small, behavior: FAIL_EXECUTION}
  - {condition: "{{ inputs.n < 2 }}", message: tiny, style: WARNING, behavior: CREATE_EXECUTION}
tasks:
  - {id: say, type: core.log.Log, message: hi}
`;
const EXECUTIONS = '/api/v1/main/executions';

beforeAll(async () => {
  expect((await server.yaml('POST', '/api/v1/main/flows', CHECKED)).status).toBe(200);
});

const form = (fields: Readonly<Record<string, string | Blob>>): FormData => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') body.append(name, value);
    else body.append(name, value, 'data.csv');
  }
  return body;
};
const start = (n: number): Promise<Response> =>
  server.call('POST', `${EXECUTIONS}/company.team/checked?wait=true`, { body: form({ n: String(n) }) });

describe('a start with checks', () => {
  it('runs when they hold, and when they only tell', async () => {
    for (const n of [1, 3]) expect(await (await start(n)).json()).toMatchObject({ state: { current: 'SUCCESS' } });
  });

  it('is FAILED without any task when a check demands that', async () => {
    const execution = (await (await start(7)).json()) as { id: string; taskRunList?: readonly unknown[] };
    expect(execution).toMatchObject({ state: { current: 'FAILED' } });
    expect(execution.taskRunList ?? []).toEqual([]);
    expect(await server.json(`${EXECUTIONS}/${execution.id}`)).toMatchObject({ state: { current: 'FAILED' } });
    const logs = await server.get(`/api/v1/main/logs/${execution.id}`);
    expect(JSON.stringify(await logs.json())).toContain('A check of the flow does not hold: rather small');
  });

  it('is refused with the messages of all checks when one blocks', async () => {
    const response = await start(20);
    expect(response.status).toBe(422);
    const body = (await response.json()) as { message: string; _embedded: { errors: readonly object[] } };
    expect(body.message).toContain('the execution was not created: at most ten');
    expect(body._embedded.errors).toContainEqual({ message: 'at most ten', path: 'checks[0]' });
    expect(body._embedded.errors).toHaveLength(3);
  });
});

describe('the check of inputs', () => {
  const validate = (fields: Readonly<Record<string, string | Blob>>): Promise<Response> =>
    server.call('POST', `${EXECUTIONS}/company.team/checked/validate`, { body: form(fields) });

  it('tells of each input, and of checks that do not hold', async () => {
    const response = await validate({ n: '7', data: new Blob(['a,b']) });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      id: 'checked',
      namespace: 'company.team',
      inputs: [
        { input: { id: 'n', type: 'INT' }, value: 7, enabled: true, isDefault: false, errors: [] },
        { input: { id: 'data' }, value: 'file:///data.csv', enabled: true, errors: [] },
        { input: { id: 'word' }, value: '7-x', isDefault: true, errors: [] },
      ],
      checks: [
        { message: 'rather small', style: 'INFO', behavior: 'FAIL_EXECUTION' },
        { message: 'tiny', style: 'WARNING', behavior: 'CREATE_EXECUTION' },
      ],
    });
  });

  it('tells what is wrong with an input, and judges no checks then', async () => {
    const body = (await (await validate({ n: 'x' })).json()) as { inputs: readonly { errors: readonly object[] }[] };
    expect(body.inputs[0]?.errors).toEqual([{ message: "The input 'n' is the text 'x' but must be a whole number." }]);
    expect(body).toMatchObject({ checks: [] });
  });

  it('knows only flows that are there', async () => {
    expect((await server.call('POST', `${EXECUTIONS}/company.team/none/validate`)).status).toBe(404);
  });
});
