import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { httpProxy, socksProxy } from './proxies.js';
import { aContext, bodyOf, closeServers, failure, listening, request, serve } from './support.js';

afterEach(closeServers);

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const port = await listening(createServer());
  closeServers();
  return port;
}

describe('A request that gets no answer', () => {
  it('tells host and port when nobody listens, and neither path nor query', async () => {
    const port = await freePort();
    const { message } = await failure({ uri: `http://127.0.0.1:${port}/secret?token=hush` });
    expect(message).toBe(`Nothing listens at 127.0.0.1:${port}: the connection was refused`);
  });

  it('says when a host is not known', async () => {
    const { message } = await failure({ uri: 'http://no-such-host.invalid/' });
    expect(message).toMatch(/^The host 'no-such-host\.invalid' (is not known|could not be looked up)/);
  });

  it('ends after the idle time when the server is silent', async () => {
    const address = await serve(() => undefined);
    const { message } = await failure({ uri: address, options: { timeout: { readIdleTimeout: 'PT0.05S' } } });
    expect(message).toMatch(/ sent nothing for 0\.05 s, the readIdleTimeout$/);
  });

  it('ends after the idle time when the answer stops in the middle', async () => {
    const address = await serve(
      (_, response) => void response.writeHead(200, { 'content-length': '100' }).write('half'),
    );
    const { message } = await failure({ uri: address, options: { timeout: { readIdleTimeout: 'PT0.05S' } } });
    expect(message).toMatch(/ sent nothing for 0\.05 s, the readIdleTimeout$/);
  });

  it('ends after the connect time when the TLS handshake hangs', async () => {
    const port = await listening(createServer());
    const { message } = await failure({
      uri: `https://127.0.0.1:${port}/`,
      options: { timeout: { connectTimeout: 'PT0.05S' } },
    });
    expect(message).toBe(`No connection to 127.0.0.1:${port} within 0.05 s, the connectTimeout`);
  });

  it.each([
    ['before the answer', (socket: { destroy(): void; write(text: string): void }) => socket.destroy()],
    [
      'in the middle of the answer',
      (socket: { destroy(): void; end(text: string): void }) =>
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'),
    ],
  ])('says that the connection was closed %s', async (_, answer) => {
    const port = await listening(
      createServer((socket) => socket.once('data', () => answer(socket)).on('error', () => undefined)),
    );
    expect((await failure({ uri: `http://127.0.0.1:${port}/` })).message).toBe(
      `127.0.0.1:${port} closed the connection before its answer was complete`,
    );
  });

  it('says when the answer is not HTTP', async () => {
    const port = await listening(
      createServer((socket) => socket.once('data', () => socket.end('SSH-2.0\r\n\r\n')).on('error', () => undefined)),
    );
    expect((await failure({ uri: `http://127.0.0.1:${port}/` })).message).toBe(
      `What 127.0.0.1:${port} answered is not HTTP: is it https instead of http?`,
    );
  });

  const answering = async (answer: string): Promise<number> =>
    listening(createServer((socket) => socket.once('data', () => socket.write(answer)).on('error', () => undefined)));

  it.each([
    [
      'switches to another protocol',
      'GET',
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
      /^127\.0\.0\.1:\d+ answered 101 and goes on with the protocol 'websocket'.*: leave out the header 'Upgrade'$/,
    ],
    [
      'switches to a protocol that it does not name',
      'GET',
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      /^127\.0\.0\.1:\d+ answered 101 and goes on with another protocol/,
    ],
    [
      'opens a tunnel',
      'CONNECT',
      'HTTP/1.1 200 OK\r\n\r\n',
      /^127\.0\.0\.1:\d+ answered 200 to the method CONNECT, which opens a tunnel.*: use another method$/,
    ],
    [
      'refuses a tunnel',
      'CONNECT',
      'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n',
      /^127\.0\.0\.1:\d+ answered 403 to the method CONNECT/,
    ],
  ])('ends when the server %s', async (_, method, answer, message) => {
    const port = await answering(answer);
    expect((await failure({ uri: `http://127.0.0.1:${port}/`, method })).message).toMatch(message);
  });

  it('stops at once while the server goes on with early hints', async () => {
    const context = aContext();
    const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
    const port = await listening(
      createServer((socket) => {
        socket.once('data', () => socket.write(hints, () => context.controller.abort(new Error('killed'))));
        socket.on('error', () => undefined);
      }),
    );
    await expect(request({ uri: `http://127.0.0.1:${port}/` }, context)).rejects.toThrow('killed');
  });

  it('stops at once when the attempt is stopped', async () => {
    const context = aContext();
    const address = await serve(() => context.controller.abort(new Error('killed')));
    await expect(request({ uri: address }, context)).rejects.toThrow('killed');
  });
});

describe('A request with what it cannot do', () => {
  it.each([
    ['no URI', { uri: 'example' }, "'example' is not a URI: write it as https://host/path"],
    [
      'a password in what is no URI',
      { uri: 'http://me:secretpw@ho st/' },
      "'http://ho st/' is not a URI: write it as https://host/path",
    ],
    [
      'credentials that cannot be decoded',
      { uri: 'http://%zz:pw@127.0.0.1:1/' },
      "The user or password in the URI has a '%' that begins no code of a character: write it as %25, or give both in 'options.auth'",
    ],
    [
      'another scheme',
      { uri: 'ftp://x/' },
      'A URI of an HTTP request begins with http:// or https://, but this one with ftp:',
    ],
    [
      'a proxy without a port',
      { options: { proxy: { type: 'HTTP', address: 'p' } } },
      "A proxy needs 'address' and 'port': give both in 'options.proxy'",
    ],
    ['encryption without a key', { encryptBody: true }, 'no key'],
    [
      'a header that HTTP does not allow',
      { headers: { a: 'x\r\ny: z' } },
      'A header has a character that HTTP does not allow',
    ],
    [
      'a method that is none',
      { method: 'GET /' },
      expect.stringMatching(/^Property 'method' must be text that matches/),
    ],
    [
      'a file in a plain form',
      { formData: { f: { name: 'a', content: 'kestra:///a' } } },
      "The field 'f' of the form is a file: set contentType to multipart/form-data",
    ],
    [
      'a wrong option',
      { options: { timeout: { connectTimeout: '5' } } },
      "Property 'options.timeout.connectTimeout' must be a duration such as PT5S, but is '5'",
    ],
  ])('refuses %s with a sentence', async (_, properties, message) => {
    expect((await failure({ uri: 'http://127.0.0.1:1/', method: 'POST', ...properties })).message).toEqual(message);
  });

  it('refuses an answer that is too large', async () => {
    const address = await serve((_, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(1024 * 1024)));
        response.once('drain', more);
      };
      more();
    });
    expect((await failure({ uri: address })).message).toBe(
      `The answer is larger than ${16 * 1024 * 1024} bytes, the most that is taken: ask for less, or use core.http.Download`,
    );
  });
});

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  beforeAll(() => {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-subj',
        '/CN=localhost',
        '-days',
        '2',
      ],
      { stdio: 'ignore' },
    );
  });
  const secure = async (): Promise<number> =>
    listening(
      createHttpsServer(
        { key: readFileSync(key), cert: readFileSync(cert) },
        (incoming, response) => void bodyOf(incoming).then(() => response.end('safe')),
      ),
    );

  it('refuses a certificate that nobody signed', async () => {
    const port = await secure();
    expect((await failure({ uri: `https://127.0.0.1:${port}/` })).message).toBe(
      `The certificate of 127.0.0.1:${port} is signed by nobody that is trusted`,
    );
  });

  it('accepts any certificate when it is told to', async () => {
    const port = await secure();
    const options = { ssl: { insecureTrustAllCertificates: true } };
    expect((await request({ uri: `https://127.0.0.1:${port}/`, options })).outputs).toMatchObject({
      code: 200,
      body: 'safe',
    });
  });

  it.each(['HTTP', 'SOCKS'])('works through a proxy of type %s, which sees nothing of it', async (type) => {
    const port = await secure();
    const proxyPort = type === 'HTTP' ? await httpProxy([]) : await socksProxy([]);
    const proxy = { type, address: '127.0.0.1', port: proxyPort };
    const uri = `https://localhost:${port}/`;
    const trusting = { ssl: { insecureTrustAllCertificates: true }, proxy };
    expect((await request({ uri, options: trusting })).outputs).toMatchObject({ code: 200, body: 'safe' });
    expect((await failure({ uri, options: { proxy } })).message).toContain('is signed by nobody that is trusted');
  });
});
