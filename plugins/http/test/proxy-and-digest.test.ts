import { createHash } from 'node:crypto';
import { createServer as createTcpServer } from 'node:net';
import { digestAuthorization, digestChallenge } from '../src/digest.js';
import { httpProxy, socksProxy, type Seen } from './proxies.js';
import { aContext, closeServers, echo, failure, listening, request, serve } from './support.js';

afterEach(closeServers);

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

describe('DIGEST', () => {
  // The examples of RFC 7616, part 3.9.1.
  const header = (algorithm: string): string =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
  const credentials = { username: 'Mufasa', password: 'Circle of Life' };
  const challenged = { method: 'GET', url: new URL('http://www.example.org/dir/index.html') };
  const nonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';

  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('answers a challenge with %s', (algorithm, response) => {
    const challenge = digestChallenge([header(algorithm)]) ?? new Map();
    const answer = digestAuthorization(challenge, credentials, challenged, nonce);
    expect(answer).toContain(`response="${response}"`);
    expect(answer).toContain('uri="/dir/index.html"');
    expect(answer).toContain('opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"');
  });

  it('takes the strongest of several challenges, in one header or more, and none that it does not know', () => {
    const both = `Basic realm="x", ${header('MD5')}, ${header('SHA-256')}`;
    expect(digestChallenge([both])?.get('algorithm')).toBe('SHA-256');
    expect(digestChallenge(['Basic realm="x"', header('MD5')])?.get('algorithm')).toBe('MD5');
    expect(digestChallenge(['Basic realm="x"', header('SHA-999')])).toBeUndefined();
    expect(digestChallenge([`Digest realm="a \\"b\\"", nonce=n`])?.get('realm')).toBe('a "b"');
  });

  it('refuses what it cannot do', () => {
    const challenge = digestChallenge(['Digest realm="x", nonce="n", qop="auth-int"']) ?? new Map();
    expect(() => digestAuthorization(challenge, credentials, challenged)).toThrow("'auth-int', which is not supported");
  });

  /** Lets in who knows the password, and tells the nonce of each request. */
  const guarded = (seen: string[], qop: string): Promise<string> =>
    serve((incoming, response) => {
      const given = new Map(
        [...(incoming.headers.authorization ?? '').matchAll(/(\w+)="?([^",]*)"?/g)].map(([, name = '', value = '']) => [
          name,
          value,
        ]),
      );
      seen.push(incoming.headers.authorization?.split(' ')[0] ?? 'none');
      const first = md5('ada:here:secret');
      const second = md5(`${incoming.method}:${incoming.url}`);
      const middle = qop === '' ? '' : `${given.get('nc')}:${given.get('cnonce')}:${given.get('qop')}:`;
      if (given.get('response') === md5(`${first}:n1:${middle}${second}`)) return echo(incoming, response);
      const protection = qop === '' ? '' : `, qop="${qop}"`;
      response.writeHead(401, { 'www-authenticate': `Digest realm="here", nonce="n1"${protection}` }).end('who?');
    });
  const auth = { type: 'DIGEST', username: 'ada', password: 'secret' };

  it.each(['auth', ''])('is answered with a second request (%j), body included', async (qop) => {
    const seen: string[] = [];
    const uri = `${await guarded(seen, qop)}/path?x=1`;
    const { outputs } = await request({ uri, method: 'POST', body: 'hello', options: { auth } });
    expect(outputs).toMatchObject({ code: 200, uri, body: expect.stringContaining('"body":"hello"') });
    expect(seen).toEqual(['none', 'Digest']);
  });

  it('is tried once', async () => {
    const seen: string[] = [];
    const uri = await guarded(seen, 'auth');
    const error = await failure({ uri, options: { auth: { ...auth, password: 'wrong' } } });
    expect(error.message).toMatch(/answered 401 Unauthorized: who\?$/);
    expect(seen).toHaveLength(2);
  });
});

describe('A proxy', () => {
  const address = '127.0.0.1';

  it('of type HTTP passes a request on', async () => {
    const [seen, target] = [[] as Seen[], await serve(echo)];
    const proxy = { type: 'http', address, port: await httpProxy(seen, 'me:pw'), username: 'me', password: 'pw' };
    const { outputs } = await request({ uri: `${target}/x?y=1`, method: 'POST', body: 'b', options: { proxy } });
    expect(outputs).toMatchObject({ code: 200, uri: `${target}/x?y=1` });
    const got = JSON.parse(String(outputs?.['body'])) as { url: string; body: string; headers: object };
    expect(got).toMatchObject({ url: '/x?y=1', body: 'b', headers: { host: target.slice('http://'.length) } });
    expect(seen).toEqual([{ method: 'POST', url: `${target}/x?y=1`, authorization: expect.any(String) }]);
  });

  it('of type HTTP gives a tunnel to what speaks TLS', async () => {
    const seen: Seen[] = [];
    const proxy = { type: 'HTTP', address, port: await httpProxy(seen) };
    // The target speaks no TLS, which only one who has reached it can find out.
    const target = new URL(await serve(echo));
    const error = await failure({ uri: `https://${target.host}/`, options: { proxy } });
    expect(error.message).toMatch(/does not speak TLS|closed the connection/);
    expect(seen).toEqual([{ method: 'CONNECT', url: target.host, authorization: undefined }]);
  });

  it.each(['http', 'https'])('of type HTTP that refuses is told apart from its target: %s', async (scheme) => {
    const proxy = { type: 'HTTP', address, port: await httpProxy([], 'me:pw') };
    const error = await failure({ uri: `${scheme}://target.example/`, options: { proxy } });
    expect(error.message).toMatch(
      scheme === 'http'
        ? /answered 407 Proxy Authentication Required: who\?/
        : /^The proxy 127.0.0.1:\d+ gives no connection to target.example: it answered 407/,
    );
  });

  it.each([
    ['without a user', {}, undefined],
    ['with a user', { username: 'me', password: 'pw' }, 'me:pw'],
  ])('of type SOCKS gives a connection %s', async (_, credentials, user) => {
    const seen: string[] = [];
    const port = await socksProxy(seen, user === undefined ? {} : { user });
    const target = new URL(await serve(echo));
    const options = { proxy: { type: 'SOCKS', address, port, ...credentials } };
    expect((await request({ uri: target.href, options })).outputs).toMatchObject({ code: 200 });
    await request({ uri: `http://localhost:${target.port}/`, options });
    expect(seen).toEqual([target.host, `localhost:${target.port}`]);
  });

  it.each([
    [{ user: 'me:pw' }, {}, 'it wants another way to log in'],
    [{ user: 'me:pw' }, { username: 'me', password: 'no' }, 'it does not know the user or password'],
    [{ reply: 2 }, {}, 'its rules do not allow it'],
    [{ reply: 99 }, {}, 'it answered 99'],
  ])('of type SOCKS that refuses says why: %j', async (given, credentials, why) => {
    const port = await socksProxy([], given);
    const proxy = { type: 'SOCKS', address, port, ...credentials };
    const error = await failure({ uri: 'http://target.example/', options: { proxy } });
    expect(error.message).toBe(`The proxy 127.0.0.1 gives no connection to target.example: ${why}`);
  });

  it.each(['HTTP', 'SOCKS'])('of type %s that is not there is named', async (type) => {
    const server = createTcpServer();
    const port = await listening(server);
    server.close();
    for (const scheme of ['http', 'https']) {
      const error = await failure({ uri: `${scheme}://target.example/`, options: { proxy: { type, address, port } } });
      expect(error.message).toBe(`The proxy: Nothing listens at 127.0.0.1:${port}: the connection was refused`);
    }
  });

  it('that never answers is given up after the connectTimeout, and when the task is stopped', async () => {
    const silent = createTcpServer();
    const port = await listening(silent);
    const proxy = { type: 'SOCKS', address, port };
    const timeout = { connectTimeout: 'PT0.05S' };
    const error = await failure({ uri: 'http://target.example/', options: { proxy, timeout } });
    expect(error.message).toBe('No connection to target.example through the proxy within 0.05 s, the connectTimeout');
    const context = aContext();
    const asked = request({ uri: 'http://target.example/', options: { proxy } }, context);
    silent.once('connection', () => context.controller.abort(new Error('stopped')));
    await expect(asked).rejects.toThrow('stopped');
  });

  it('of type DIRECT is none', async () => {
    const uri = await serve(echo);
    expect((await request({ uri, options: { proxy: { type: 'DIRECT' } } })).outputs).toMatchObject({ code: 200 });
  });
});

describe('encryptBody', () => {
  const secretive = () => ({
    ...aContext(),
    encrypt: (text: string) => Promise.resolve({ type: 't', value: `<${text.length}>` }),
  });

  it('keeps the answer out of outputs, log and errors', async () => {
    const uri = await serve((_, response) => response.end('the secret'));
    const context = secretive();
    const { outputs } = await request({ uri, encryptBody: true, options: { logs: ['RESPONSE_BODY'] } }, context);
    expect(outputs).toMatchObject({ code: 200, encryptedBody: { type: 't', value: '<10>' } });
    expect(outputs).not.toHaveProperty('body');
    expect(JSON.stringify(context.lines)).not.toContain('the secret');

    const failing = await serve((_, response) => response.writeHead(500).end('the secret'));
    const error = await failure({ uri: failing, encryptBody: true }, secretive());
    expect(error.message).not.toContain('the secret');
    expect(error.outputs).toMatchObject({ code: 500, encryptedBody: { value: '<10>' } });
  });

  it('sends nothing when there is no key', async () => {
    let asked = 0;
    const uri = await serve((_, response) => {
      asked += 1;
      response.end();
    });
    expect((await failure({ uri, encryptBody: true })).message).toBe('no key');
    expect(asked).toBe(0);
  });
});
