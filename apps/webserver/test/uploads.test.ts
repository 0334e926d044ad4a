import { once } from 'node:events';
import { channel } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Scope } from '@millrace/authorization';
import { BASIC, HELLO, startServer, type TestServer } from './server.js';

const FILED = `id: filed
namespace: company.team
inputs:
  - id: doc
    type: FILE
  - id: note
    type: STRING
    required: false
tasks:
  - id: say
    type: core.log.Log
    message: "{{ inputs.doc }}"
`;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.yaml('POST', '/api/v1/main/flows', HELLO);
  await server.yaml('POST', '/api/v1/main/flows', FILED);
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => server.stop());

const START = '/api/v1/main/executions/company.team/filed';
const FORM = { 'content-type': 'multipart/form-data; boundary=x' };
const fileHead = (name: string): string =>
  `--x\r\ncontent-disposition: form-data; name="${name}"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\n`;
const field = (name: string, value: string): string =>
  `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

/** The folders of executions of `filed` that have files. */
const stored = async (): Promise<readonly string[]> =>
  (await server.storage.list(Scope.system('main'), 'kestra:///company/team/filed/executions')).map(({ uri }) => uri);

/** The server's side of the next request that reaches it. */
const nextAnswer = (): Promise<ServerResponse> =>
  new Promise((resolve) => {
    const requests = channel('http.server.request.start');
    const take = (message: unknown): void => {
      requests.unsubscribe(take);
      resolve((message as { readonly response: ServerResponse }).response);
    };
    requests.subscribe(take);
  });

const expectAlive = async (): Promise<void> => {
  expect((await fetch(`${server.url}/ping`)).status).toBe(200);
  expect(server.entries.filter(({ level }) => level === 'error')).toEqual([]);
};

describe('a form that cannot be read to its end', () => {
  it.each([
    ['a declared file that is cut off', `${fileHead('doc')}some`],
    ['a file that nobody asked for and is cut off', `${fileHead('other')}some`],
    ['a large declared file that is cut off', `${fileHead('doc')}${'x'.repeat(500_000)}`],
    ['a whole file and one that is cut off', `${fileHead('doc')}some\r\n${fileHead('other')}some`],
    ['a file whose part begins anew with a malformed header', `${fileHead('doc')}some\r\n--x\r\nbad header\r\n\r\n`],
    ['a part without a name', `--x\r\ncontent-disposition: form-data\r\n\r\nAda\r\n--x--\r\n`],
    ['a file without a name', `--x\r\ncontent-disposition: form-data; filename="a.txt"\r\n\r\nAda\r\n--x--\r\n`],
    [
      'a file and a part without a name',
      `${fileHead('doc')}some\r\n--x\r\ncontent-disposition: form-data\r\n\r\nA\r\n--x--`,
    ],
    ['too many fields after a file', `${fileHead('doc')}some\r\n${field('a', 'b').repeat(1_001)}--x--\r\n`],
  ])('is refused, and nothing stays of it: %s', async (_what, body) => {
    const answer = await server.call('POST', START, { headers: FORM, body });
    expect([400, 413, 422]).toContain(answer.status);
    expect(await answer.json()).toMatchObject({ message: expect.stringMatching(/form|name/i) });
    expect(await stored()).toEqual([]);
    await expectAlive();
  });

  const begin = (body: string): Socket => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    const head = [`POST ${START} HTTP/1.1`, 'Host: localhost', `Authorization: ${BASIC}`, 'Content-Length: 9000000'];
    socket.write([...head, `Content-Type: ${FORM['content-type']}`, '', body].join('\r\n'));
    return socket;
  };

  it.each([
    ['a declared file', `${fileHead('doc')}${'x'.repeat(200_000)}`],
    ['a file that nobody asked for', `${fileHead('doc')}some\r\n${fileHead('other')}${'x'.repeat(200_000)}`],
    ['a field', `${fileHead('doc')}some\r\n--x\r\ncontent-disposition: form-data; name="note"\r\n\r\nA`],
  ])('because its sender went away within %s leaves nothing', async (_what, body) => {
    const realPut = server.storage.put;
    const put = jest.spyOn(server.storage, 'put');
    const remove = jest.spyOn(server.storage, 'remove');
    const begun = new Promise<void>((resolve) => {
      put.mockImplementation((...given) => {
        resolve();
        return realPut(...given);
      });
    });
    const answered = nextAnswer();
    const socket = begin(`\r\n${body}`);
    await begun;
    socket.destroy();
    const answer = await answered;
    if (!answer.closed) await once(answer, 'close');
    await Promise.allSettled(put.mock.results.map(({ value }) => value));
    await nextTurn();
    await Promise.allSettled(remove.mock.results.map(({ value }) => value));
    expect(await stored()).toEqual([]);
    await expectAlive();
  });
});

it('a file keeps its name in any alphabet', async () => {
  const form = new FormData();
  form.append('doc', new Blob(['x']), 'Größe 大.txt');
  const answer = (await (await server.call('POST', START, { body: form })).json()) as { inputs: { doc: string } };
  expect(decodeURIComponent(answer.inputs.doc)).toMatch(/\/inputs\/doc\/Größe 大\.txt$/);
});

describe('what is too large to be stored', () => {
  const large = 'x'.repeat(950_000);

  it('is refused as inputs, and its files are removed', async () => {
    const form = new FormData();
    form.append('doc', new Blob(['x']), 'a.txt');
    form.append('note', large);
    const before = await stored();
    const answer = await server.call('POST', START, { body: form });
    expect([answer.status, await answer.json()]).toEqual([
      413,
      expect.objectContaining({
        message: expect.stringMatching(
          /inputs is too large to be stored: 95\d{4} characters, at most 900000; give large/,
        ),
      }),
    ]);
    expect(await stored()).toEqual(before);
    await expectAlive();
  });

  it('is refused as inputs in JSON', async () => {
    const answer = await server.call('POST', '/api/v1/main/executions/company.team/hello', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: large }),
    });
    expect(answer.status).toBe(413);
  });

  it('is refused as a flow', async () => {
    // Small enough as YAML, but each of its quotes is two characters of JSON.
    const source = HELLO.replace('"Hello {{ inputs.name }}"', `'${'"'.repeat(300_000)}'`);
    for (const [method, path, text] of [
      ['POST', '/api/v1/main/flows', source.replace('id: hello', 'id: large')],
      ['PUT', '/api/v1/main/flows/company.team/hello', source],
    ] as const) {
      const answer = await server.yaml(method, path, text);
      expect([answer.status, await answer.json()]).toEqual([
        413,
        expect.objectContaining({
          message: expect.stringMatching(/^The flow is too large .*at most 900000 characters; split it/),
        }),
      ]);
    }
  });
});
