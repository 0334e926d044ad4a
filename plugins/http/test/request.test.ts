import { gzipSync } from 'node:zlib';
import { aContext, bodyOf, closeServers, echo, failure, request, serve } from './support.js';

afterEach(closeServers);

/** What the echoing server got. */
const got = (outputs: unknown) =>
  JSON.parse((outputs as { body: string }).body) as {
    method: string;
    url: string;
    headers: Record<string, string>;
    body: string;
  };

describe('A request', () => {
  it('gives code, headers, body and address of the answer', async () => {
    const address = await serve((_, response) => {
      response.writeHead(201, { 'Set-Cookie': ['a=1', 'b=2'], 'Content-Type': 'text/plain; charset=utf-8' });
      response.end('grüß');
    });
    const { outputs } = await request({ uri: `${address}/x` });
    expect(outputs).toMatchObject({
      uri: `${address}/x`,
      code: 201,
      body: 'grüß',
      headers: { 'set-cookie': ['a=1', 'b=2'], 'content-type': ['text/plain; charset=utf-8'] },
    });
  });

  it.each([
    [
      'a body is JSON unless said otherwise',
      { method: 'post', body: '{"a":1}' },
      { method: 'POST', body: '{"a":1}' },
      { 'content-type': 'application/json' },
    ],
    ['a map as body is sent as JSON', { method: 'PUT', body: { a: 1 } }, { method: 'PUT', body: '{"a":1}' }, {}],
    [
      'parameters are added to the query',
      { uri: '/p?x=1', params: { y: 'ä&', z: ['1', 2] } },
      { method: 'GET', url: '/p?x=1&y=%C3%A4%26&z=1&z=2' },
      {},
    ],
    ['headers are sent', { headers: { 'X-One': 1, Accept: 'text/csv' } }, {}, { 'x-one': '1', accept: 'text/csv' }],
    [
      'a form is sent',
      { method: 'POST', formData: { a: 'x y', b: 2 } },
      { body: 'a=x+y&b=2' },
      { 'content-type': 'application/x-www-form-urlencoded' },
    ],
    [
      'BASIC',
      { options: { auth: { type: 'BASIC', username: 'ada', password: 'p:w' } } },
      {},
      { authorization: `Basic ${Buffer.from('ada:p:w').toString('base64')}` },
    ],
    ['BEARER', { options: { auth: { type: 'bearer', token: 'abc' } } }, {}, { authorization: 'Bearer abc' }],
  ])('%s', async (_, properties, expected, headers) => {
    const address = await serve(echo);
    const { outputs } = await request({
      ...properties,
      uri: `${address}${'uri' in properties ? properties.uri : '/'}`,
    });
    expect(got(outputs)).toMatchObject(expected);
    expect(got(outputs).headers).toMatchObject(headers);
  });

  it('sends files of a form as multipart, quoting what could break out', async () => {
    const address = await serve(echo);
    const { outputs } = await request(
      {
        uri: address,
        method: 'POST',
        contentType: 'multipart/form-data',
        formData: { 'na"me': 'value', file: { name: 'a\r\nb.csv', content: 'kestra:///in.csv' } },
      },
      aContext({ 'kestra:///in.csv': '1,2\n' }),
    );
    const { headers, body } = got(outputs);
    const boundary = headers['content-type']?.split('boundary=')[1];
    expect(body).toBe(
      `--${boundary}\r\nContent-Disposition: form-data; name="na%22me"\r\n\r\nvalue\r\n` +
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a%0D%0Ab.csv"\r\nContent-Type: application/octet-stream\r\n\r\n1,2\n\r\n--${boundary}--\r\n`,
    );
  });

  it('takes user and password out of the address', async () => {
    const address = await serve(echo);
    const { outputs } = await request({ uri: address.replace('//', '//ada:pa%24s@') });
    expect(got(outputs).headers).toMatchObject({
      authorization: `Basic ${Buffer.from('ada:pa$s').toString('base64')}`,
    });
    expect(outputs).toMatchObject({ uri: `${address}/` });
  });

  it('unpacks a compressed answer', async () => {
    const address = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('hello')),
    );
    expect((await request({ uri: address })).outputs).toMatchObject({ body: 'hello' });
  });

  it.each([
    ['the charset that the answer names', { 'content-type': 'text/plain; charset=iso-8859-1' }, {}],
    ['the default charset', { 'content-type': 'text/plain' }, { defaultCharset: 'ISO-8859-1' }],
    [
      'the default charset for an unknown one',
      { 'content-type': 'text/plain; charset=none' },
      { defaultCharset: 'ISO-8859-1' },
    ],
  ])('reads the body in %s', async (_, headers, options) => {
    const address = await serve((__, response) => response.writeHead(200, headers).end(Buffer.from([0xe4])));
    expect((await request({ uri: address, options })).outputs).toMatchObject({ body: 'ä' });
  });

  it('logs what it is told to, without credentials', async () => {
    const context = aContext();
    const address = await serve((incoming, response) => void bodyOf(incoming).then(() => response.end('answer')));
    await request(
      {
        uri: address,
        method: 'POST',
        body: 'question',
        headers: { Authorization: 'Bearer hush' },
        options: { logs: ['REQUEST_HEADERS', 'REQUEST_BODY', 'RESPONSE_HEADERS', 'RESPONSE_BODY'] },
      },
      context,
    );
    const text = context.lines.map(({ message }) => message).join('\n');
    expect(text).toContain('authorization: ******');
    expect(text).not.toContain('hush');
    expect(text).toContain('Request body: question');
    expect(text).toContain('Response headers: 200 OK');
    expect(text).toContain('Response body: answer');
  });
});

describe('A status of 400 or more', () => {
  it.each([
    ['fails', {}, false],
    ['is allowed by allowFailed', { allowFailed: true }, true],
    ['is allowed when it is listed', { allowedResponseCodes: ['404'] }, true],
    ['fails when another is listed', { allowedResponseCodes: [400] }, false],
  ])('%s', async (_, options, allowed) => {
    const address = await serve((__, response) => response.writeHead(404).end('no such thing'));
    if (allowed) expect((await request({ uri: address, options })).outputs).toMatchObject({ code: 404 });
    else {
      const error = await failure({ uri: address, options });
      expect(error.message).toMatch(/^127\.0\.0\.1:\d+ answered 404 Not Found: no such thing$/);
      expect(error.outputs).toMatchObject({ code: 404, body: 'no such thing' });
    }
  });
});

describe('A redirect', () => {
  const redirecting = (code: number, to: string) =>
    serve((incoming, response) => {
      if (incoming.url === '/from') response.writeHead(code, { location: to }).end();
      else echo(incoming, response);
    });

  it.each([
    [302, 'GET', 'GET', ''],
    [301, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', 'x'],
    [308, 'PUT', 'PUT', 'x'],
  ])('%i of a %s goes on with a %s', async (code, method, then, body) => {
    const address = await redirecting(code, '/to');
    const { outputs } = await request({ uri: `${address}/from`, method, ...(method !== 'GET' && { body: 'x' }) });
    expect(got(outputs)).toMatchObject({ method: then, url: '/to', body });
    expect(outputs).toMatchObject({ uri: `${address}/to` });
  });

  it('does not take credentials to another origin', async () => {
    const other = await serve(echo);
    const address = await redirecting(302, `${other}/to`);
    const { outputs } = await request({
      uri: `${address}/from`,
      headers: { Authorization: 'Bearer x', Cookie: 'c', 'X-Own': '1' },
    });
    expect(got(outputs).headers).toMatchObject({ 'x-own': '1' });
    expect(got(outputs).headers).not.toHaveProperty('authorization');
    expect(got(outputs).headers).not.toHaveProperty('cookie');
  });

  it('shows no password of a URI in its outputs, and uses it at the same origin alone', async () => {
    const withPassword = (address: string): string => address.replace('http://', 'http://me:secretpw@');
    const other = await redirecting(302, '/to');
    const elsewhere = await request({ uri: `${await redirecting(302, withPassword(`${other}/to`))}/from` });
    expect(elsewhere.outputs).toMatchObject({ uri: `${other}/to` });
    expect(JSON.stringify(elsewhere.outputs)).not.toContain('secretpw');
    expect(got(elsewhere.outputs).headers).not.toHaveProperty('authorization');

    const same = await serve((incoming, response) => {
      if (incoming.url !== '/from') return echo(incoming, response);
      response.writeHead(302, { location: `${withPassword(`http://${incoming.headers.host}`)}/to` }).end();
    });
    const { outputs } = await request({ uri: `${same}/from` });
    expect(outputs).toMatchObject({ uri: `${same}/to` });
    expect(got(outputs).headers).toMatchObject({
      authorization: `Basic ${Buffer.from('me:secretpw').toString('base64')}`,
    });
  });

  it('leaves the password out of the URI of the output when other credentials are given', async () => {
    const address = await serve(echo);
    const { outputs } = await request({
      uri: address.replace('http://', 'http://me:secretpw@'),
      options: { auth: { type: 'BEARER', token: 'x' } },
    });
    expect(outputs).toMatchObject({ uri: `${address}/` });
  });

  it('is written into the log without the password of its target', async () => {
    const context = aContext();
    const address = await redirecting(302, 'http://me:secretpw@127.0.0.1/to');
    const options = { followRedirects: false, logs: ['RESPONSE_HEADERS'] };
    await request({ uri: `${address}/from`, options }, context);
    expect(context.lines).toHaveLength(1);
    expect(context.lines[0]?.message).toContain('location: http://127.0.0.1/to');
  });

  it('is an answer when redirects are not followed', async () => {
    const address = await redirecting(302, '/to');
    expect((await request({ uri: `${address}/from`, options: { followRedirects: false } })).outputs).toMatchObject({
      code: 302,
    });
  });

  it.each([
    ['goes round in circles', '/from', /redirects more than 10 times$/],
    ['leaves HTTP', 'file:///etc/passwd', /begins with http:\/\/ or https:\/\//],
  ])('that %s fails', async (_, to, message) => {
    const address = await redirecting(302, to);
    expect((await failure({ uri: `${address}/from` })).message).toMatch(message);
  });
});
