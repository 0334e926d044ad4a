import { plugin } from '../src/index.js';
import { aContext, closeServers, echo, serve } from './support.js';

afterEach(closeServers);

function call(args: Readonly<Record<string, unknown>>): Promise<unknown> {
  const run = plugin.functions?.['http'];
  if (!run) throw new Error('The plugin has no function http');
  return run(args, aContext());
}

const answering = (contentType: string, body: string, status = 200) =>
  serve((_, response) => {
    response.statusCode = status;
    response.setHeader('content-type', contentType);
    response.end(body);
  });

describe('http()', () => {
  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/problem+json; charset=utf-8', '[1]', [1]],
    ['application/yaml', 'a: 1\n', { a: 1 }],
    ['text/plain', '{"a":1}', '{"a":1}'],
    ['application/json', '', ''],
  ])('reads %s', async (contentType, body, expected) => {
    expect(await call({ uri: await answering(contentType, body) })).toEqual(expected);
  });

  it('sends method, query, headers and what it accepts', async () => {
    const uri = await serve(echo);
    const args = { uri, method: 'put', query: { q: ['a', 'b c'] }, body: { x: 1 }, headers: { 'x-one': '1' } };
    expect(await call({ ...args, accept: 'text/html' })).toMatchObject({
      method: 'PUT',
      url: '/?q=a&q=b+c',
      headers: { accept: 'text/html', 'x-one': '1', 'content-type': 'application/json' },
      body: '{"x":1}',
    });
  });

  it('sends a map as a form when the media type says so, and text as it is', async () => {
    const uri = await serve(echo);
    const form = { uri, method: 'POST', contentType: 'application/x-www-form-urlencoded', body: { a: '1 2' } };
    expect(await call(form)).toMatchObject({ body: 'a=1+2' });
    expect(await call({ uri, method: 'POST', contentType: 'text/plain', body: 'hello' })).toMatchObject({
      headers: { 'content-type': 'text/plain' },
      body: 'hello',
    });
  });

  it('takes a status of 400 or more for a failure, unless it is told otherwise', async () => {
    const uri = await answering('application/json', '{"why":"not here"}', 404);
    await expect(call({ uri })).rejects.toThrow(/answered 404 .*not here/);
    expect(await call({ uri, options: { allowFailed: true } })).toEqual({ why: 'not here' });
    expect(await call({ uri, options: { allowedResponseCodes: [404] } })).toEqual({ why: 'not here' });
  });

  it.each([
    [{ uri: 'ftp://host/x' }, /begins with http:\/\/ or https:\/\//],
    [{ uri: 5 }, /'5' is not a URI/],
    [{}, /http\(\): .*uri/],
    [{ uri: 'http://127.0.0.1:1/', options: { nothing: 1 } }, /http\(\): .*nothing/],
  ])('refuses %j', async (args, message) => {
    await expect(call(args)).rejects.toThrow(message);
  });

  it('refuses an answer that is too large, or not what it says', async () => {
    const large = await answering('text/plain', 'x'.repeat(5 * 1024 * 1024));
    await expect(call({ uri: large })).rejects.toThrow(/larger than 4194304 bytes/);
    await expect(call({ uri: await answering('application/json', '{') })).rejects.toThrow(
      /says that it is JSON, and is not/,
    );
  });
});
