import { startServer, type TestServer } from './server.js';

let server: TestServer;

const flow = (id: string, trigger: string, rest = ''): string => `id: ${id}
namespace: demo
labels: {team: red}
triggers:
  - {id: w, type: io.kestra.plugin.core.trigger.Webhook, ${trigger}}
tasks:
  - {id: t, type: core.debug.Return, format: "{{ trigger.body.name ?? 'none' }}"}
outputs:
  - {id: hello, type: STRING, value: "{{ outputs.t.value }}"}
${rest}`;

const save = async (source: string): Promise<void> => {
  const answer = await server.yaml('POST', '/api/v1/main/flows', source);
  if (answer.status !== 200) throw new Error(await answer.text());
};

interface Called {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

const call = (path: string, { method = 'POST', body, headers = {} }: Called = {}): Promise<Response> =>
  server.call(method, `/api/v1/main/executions/webhook/${path}`, {
    headers: { authorization: 'none', ...headers },
    ...(body === undefined ? {} : { body }),
  });

beforeAll(async () => {
  server = await startServer();
  await save(flow('hook', 'key: s3cret, wait: true, returnOutputs: true'));
  await save(flow('plain', 'key: "{{ flow.id }}-key", labels: {from: "{{ trigger.parameters.a[0] ?? \'none\' }}"}'));
  await save(flow('text', 'key: k, wait: true, returnOutputs: true, responseContentType: text/plain'));
  await save(flow('code', 'key: k, wait: true, responseCode: "{{ outputs.t.value == \'Al\' ? 201 : 202 }}"'));
  await save(flow('waiting', 'key: k, wait: true'));
  await save(
    flow(
      'some',
      'key: k, conditions: [{type: core.condition.Expression, expression: "{{ trigger.body.name == \'Al\' }}"}]',
    ),
  );
  await save(flow('stopped', 'key: k', 'disabled: true'));
  await save(flow('offtrigger', 'key: k, disabled: true'));
  await save(flow('needy', 'key: k, inputs: {n: "{{ trigger.body.n }}"}', 'inputs: [{id: n, type: INT}]'));
  await save(
    'id: fails\nnamespace: demo\ntriggers: [{id: w, type: core.trigger.Webhook, key: k, wait: true}]\ntasks: [{id: f, type: core.execution.Fail}]',
  );
});
afterAll(() => server.stop());

const execution = async (answer: Response): Promise<Record<string, unknown>> => {
  const { id } = (await answer.json()) as { id: string };
  return server.json(`/api/v1/main/executions/${id}`);
};

it('the worked example: outputs are answered, a wrong key is not found (spec example 27)', async () => {
  const answer = await call('demo/hook/s3cret', {
    body: '{"name":"Al"}',
    headers: { 'content-type': 'application/json' },
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ hello: 'Al' });
  expect((await call('demo/hook/wrong', { body: '{}' })).status).toBe(404);
});

it.each(['GET', 'POST', 'PUT'])('%s starts an execution without an account', async (method) => {
  const answer = await call('demo/plain/plain-key?a=1&a=2&b=', {
    method,
    headers: { 'x-mine': 'yes', cookie: 'session=secret' },
  });
  expect(answer.status).toBe(200);
  const shown = (await answer.clone().json()) as Record<string, unknown>;
  expect(shown).toMatchObject({
    tenantId: 'main',
    namespace: 'demo',
    flowId: 'plain',
    flowRevision: 1,
    state: { current: 'CREATED' },
  });
  expect(shown['url']).toBe(`/ui/main/executions/demo/plain/${String(shown['id'])}`);
  const stored = await execution(answer);
  expect(stored).toMatchObject({
    trigger: {
      id: 'w',
      type: 'io.kestra.plugin.core.trigger.Webhook',
      variables: { parameters: { a: ['1', '2'], b: [''] } },
    },
  });
  const { headers } = (stored['trigger'] as { variables: { headers: Record<string, string[]> } }).variables;
  expect(headers).toMatchObject({ 'x-mine': ['yes'] });
  expect(headers).not.toHaveProperty('cookie');
  expect(headers).not.toHaveProperty('authorization');
  expect(stored['trigger']).not.toHaveProperty('hasState');
  expect(stored['labels']).toEqual(
    expect.arrayContaining([
      { key: 'team', value: 'red' },
      { key: 'from', value: '1' },
      { key: 'system.from', value: 'trigger' },
      { key: 'system.correlationId', value: stored['id'] },
    ]),
  );
});

it.each([
  ['{"a":[1]}', { a: [1] }],
  ['[1,2]', [1, 2]],
  ['5', '5'],
  ['no json', 'no json'],
  ['', undefined],
])('the body %j is %j', async (body, expected) => {
  const stored = await execution(await call('demo/plain/plain-key', { body }));
  expect((stored['trigger'] as { variables: { body?: unknown } }).variables.body).toEqual(expected);
});

it('can answer as text, with a code of its own, or as the execution ends', async () => {
  const text = await call('demo/text/k', { body: '{"name":"Al"}' });
  expect(text.headers.get('content-type')).toContain('text/plain');
  expect(await text.text()).toBe('Al');
  expect((await call('demo/code/k', { body: '{"name":"Al"}' })).status).toBe(201);
  expect((await call('demo/code/k', { body: '{"name":"Bo"}' })).status).toBe(202);
  const waited = await call('demo/waiting/k', { body: '{"name":"Al"}' });
  expect(waited.status).toBe(200);
  expect(await waited.json()).toMatchObject({ state: { current: 'SUCCESS' }, outputs: { hello: 'Al' } });
  const failed = await call('demo/fails/k');
  expect(failed.status).toBe(500);
  expect(await failed.json()).toMatchObject({ state: { current: 'FAILED' } });
});

it('answers 204 when conditions do not hold or cannot be evaluated', async () => {
  expect((await call('demo/some/k', { body: '{"name":"Al"}' })).status).toBe(200);
  const unmet = await call('demo/some/k', { body: '{"name":"Bo"}' });
  expect([unmet.status, await unmet.text()]).toEqual([204, '']);
  expect((await call('demo/some/k', { body: 'text' })).status).toBe(204);
  expect(server.entries).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringContaining("trigger 'w'") }),
  );
});

it('answers 409 for what is disabled, and for inputs that cannot be used', async () => {
  expect((await call('demo/stopped/k')).status).toBe(409);
  expect((await call('demo/offtrigger/k')).status).toBe(409);
  expect((await call('demo/needy/k', { body: '{"n": 3}' })).status).toBe(200);
  expect((await call('demo/needy/k', { body: '{"n": "x"}' })).status).toBe(409);
  expect((await call('demo/needy/k', { body: '{}' })).status).toBe(409);
});

it.each([
  'none/hook/s3cret',
  'demo/none/s3cret',
  'demo/stopped/wrong',
  'demo/hook/s3cret/more',
  'demo/hook/S3CRET',
  'demo/plain/%7B%7B%20flow.id%20%7D%7D-key',
])('answers 404 for %s', async (path) => {
  const answer = await call(path);
  expect(answer.status).toBe(404);
});

it('of another tenant is not there', async () => {
  const answer = await server.call('POST', '/api/v1/second/executions/webhook/demo/hook/s3cret', {
    headers: { authorization: 'none' },
  });
  expect(answer.status).toBe(404);
});

it('refuses a body that is too large, compressed or not UTF-8', async () => {
  expect((await call('demo/plain/plain-key', { body: 'x'.repeat(512 * 1024 + 1) })).status).toBe(413);
  expect((await call('demo/plain/plain-key', { body: 'x', headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
  const bytes = await server.call('POST', '/api/v1/main/executions/webhook/demo/plain/plain-key', {
    headers: { authorization: 'none' },
    body: new Uint8Array([0xff, 0xfe]),
  });
  expect(bytes.status).toBe(422);
});

it('heeds a new key at once', async () => {
  const answer = await server.yaml('PUT', '/api/v1/main/flows/demo/hook', flow('hook', 'key: other'));
  expect(answer.status).toBe(200);
  expect((await call('demo/hook/s3cret')).status).toBe(404);
  expect((await call('demo/hook/other')).status).toBe(200);
});
