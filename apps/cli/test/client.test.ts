import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { ServerRefusal, ServerUnreachable, createClient, type Client, type ExecutionAnswer } from '@millrace/cli';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const execution = (current: string): object => ({
  id: 'e1',
  namespace: 'n',
  flowId: 'f',
  flowRevision: 1,
  state: { current, histories: [] },
});

describe('the REST client', () => {
  let server: Server;
  let client: Client;
  let received: Received[];
  let answer: (request: Received) => { status?: number; body?: unknown; raw?: string; type?: string };
  beforeEach(async () => {
    received = [];
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
        received.push(seen);
        const { status = 200, body: content, raw, type = 'application/json' } = answer(seen);
        response.writeHead(status, { 'content-type': type, connection: 'close' });
        response.end(raw ?? (content === undefined ? '' : JSON.stringify(content)));
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    client = createClient({ url: `http://127.0.0.1:${port}/`, credentials: { username: 'ada', password: 'a:ü' } });
  });
  afterEach(() => new Promise<void>((done) => void server.close(() => done())));

  it('logs in with Basic, in UTF-8', async () => {
    answer = () => ({ body: execution('RUNNING') });
    await client.execution('e1');
    expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ada:a:ü').toString('base64')}`);
    expect(received[0]?.url).toBe('/api/v1/main/executions/e1');
  });

  it.each<[string, boolean, string, string]>([
    ['creates a flow that is not there', false, 'POST', '/api/v1/main/flows'],
    ['updates a flow that is there', true, 'PUT', '/api/v1/main/flows/n/f'],
  ])('%s', async (_, isThere, method, url) => {
    const flow = { namespace: 'n', id: 'f', revision: 1 };
    answer = (request) =>
      request.method === 'GET' && !isThere ? { status: 404, body: { message: 'no' } } : { body: flow };
    await client.saveFlow({ namespace: 'n', id: 'f' }, 'id: f');
    expect(received[1]).toMatchObject({
      method,
      url,
      body: 'id: f',
      headers: { 'content-type': 'application/x-yaml' },
    });
  });

  it('starts an execution with inputs, files and labels as multipart', async () => {
    answer = () => ({ body: execution('CREATED') });
    const files = { data: { name: 'sales.csv', content: new Blob(['a,b']) } };
    await client.startExecution({
      namespace: 'n',
      id: 'f',
      inputs: { top: '3' },
      files,
      labels: { team: 'x y' },
      revision: 2,
    });
    const [request] = received;
    expect(request?.url).toBe('/api/v1/main/executions/n/f?revision=2&labels=team%3Ax+y');
    expect(request?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(request?.body).toContain('name="top"\r\n\r\n3\r\n');
    expect(request?.body).toContain('name="data"; filename="sales.csv"');
  });

  it('follows an execution from its start to its end', async () => {
    const events: [string, object][] = [
      ['start', { id: 'e1' }],
      ['progress', execution('RUNNING')],
      ['end', execution('SUCCESS')],
    ];
    answer = () => ({
      type: 'text/event-stream',
      raw: events.map(([id, data]) => `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`).join(''),
    });
    const seen: [ExecutionAnswer['state']['current'], boolean][] = [];
    for await (const { execution: one, isEnd } of client.follow('e1', new AbortController().signal)) {
      seen.push([one.state.current, isEnd]);
    }
    expect(seen).toEqual([
      ['RUNNING', false],
      ['SUCCESS', true],
    ]);
  });

  it('repeats the sentences of a refusal', async () => {
    const details = { errors: [{ path: 'inputs.top', message: 'must be at least 1' }] };
    answer = () => ({ status: 422, body: { message: 'The inputs are not valid', _embedded: details } });
    const refusal = await client.execution('e1').catch((error: unknown) => error);
    expect(refusal).toEqual(new ServerRefusal(422, 'The inputs are not valid\n  inputs.top: must be at least 1'));
  });

  it('says a sentence that is also a detail only once', async () => {
    const [message, other] = ['The password is too short', 'There is more'];
    const details = { errors: [{ path: 'password', message }, { message: other }] };
    answer = () => ({ status: 422, body: { message, _embedded: details } });
    await expect(client.execution('e1')).rejects.toThrow(new ServerRefusal(422, `${message}\n  ${other}`));
  });

  it('follows a log from a level on', async () => {
    answer = () => ({ type: 'text/event-stream', raw: 'event: end\ndata: {}\n\n' });
    for await (const entry of client.followLogs('e1', new AbortController().signal, { minLevel: 'ERROR' })) {
      expect(entry).toBeUndefined();
    }
    expect(received[0]?.url).toBe('/api/v1/main/logs/e1/follow?minLevel=ERROR');
  });

  it('asks whether the server has its first account', async () => {
    answer = () => ({ body: { done: false } });
    expect(await client.isSetUp()).toBe(false);
    expect(received[0]?.url).toBe('/api/v1/setup');
  });

  it('says what to do when the server wants to know who calls', async () => {
    answer = () => ({ status: 401, body: { message: 'Unauthorized' } });
    await expect(client.execution('e1')).rejects.toThrow("does not accept the user 'ada'");
    await expect(createClient({ url: client.url }).execution('e1')).rejects.toThrow(
      'set MILLRACE_USER and MILLRACE_PASSWORD, or use --user',
    );
  });

  it('tells a refusal by a page of a proxy by its status', async () => {
    answer = () => ({ status: 502, raw: '<html>', type: 'text/html' });
    await expect(client.execution('e1')).rejects.toThrow('The server answered 502 Bad Gateway');
  });

  it('says that nobody answers', async () => {
    const nobody = createClient({ url: 'http://127.0.0.1:1' });
    await expect(nobody.execution('e1')).rejects.toThrow(ServerUnreachable);
    await expect(nobody.execution('e1')).rejects.toThrow('No server answers at http://127.0.0.1:1: ');
  });

  it('refuses an answer that is no execution', async () => {
    answer = () => ({ body: { hello: 'world' } });
    await expect(client.execution('e1')).rejects.toThrow(
      'Expected an execution from the server, but it answered {"hello":"world"}',
    );
  });
});
