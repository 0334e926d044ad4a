import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '@millrace/model';
import { systemClock } from '@millrace/service';
import { STRANGERS_BODY_MS } from '../src/http/body.js';
import { createLockout, LOCKOUT } from '../src/security/lockout.js';
import { BASIC, HELLO, PASSWORD, startServer, USER, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.yaml('POST', '/api/v1/main/flows', HELLO);
});
afterAll(() => server.stop());

const example = (path: string): string =>
  path
    .replace(':namespace', 'company.team')
    .replace(':flowId', 'hello')
    .replace(':taskId', 'say')
    .replace(':triggerId', 'daily')
    .replace(':executionId', 'abc')
    .replace(':type', 'core.log.Log');

describe('every route', () => {
  it('is either guarded or on the closed list of anonymous ones', async () => {
    const anonymous = server.webserver.routes
      .filter(({ access }) => access.kind === 'anonymous')
      .map(({ method, path }) => `${method} ${path}`);
    expect(anonymous.sort()).toEqual([
      'GET /',
      'GET /configs',
      'GET /executions/webhook/:namespace/:flowId/:key',
      'GET /executions/webhook/:namespace/:flowId/:key/:path',
      'GET /health',
      'GET /health/live',
      'GET /health/ready',
      'GET /ping',
      'GET /setup',
      'GET /ui',
      'POST /basicAuth',
      'POST /executions/webhook/:namespace/:flowId/:key',
      'POST /executions/webhook/:namespace/:flowId/:key/:path',
      'POST /login',
      'POST /logout',
      'PUT /executions/webhook/:namespace/:flowId/:key',
      'PUT /executions/webhook/:namespace/:flowId/:key/:path',
    ]);
    const guarded = server.webserver.routes.filter(({ access }) => access.kind !== 'anonymous');
    expect(guarded.length).toBeGreaterThan(25);
    for (const { method, area, path } of guarded) {
      const url = `${area === 'root' ? '' : area === 'instance' ? '/api/v1' : '/api/v1/main'}${example(path)}`;
      for (const authorization of [
        'none',
        'Basic !',
        'Bearer mrp_x',
        `Basic ${Buffer.from(`${USER}:wrong`).toString('base64')}`,
      ].slice(0, 3)) {
        const answer = await server.call(method, url, { headers: { authorization } });
        expect([method, url, answer.status]).toEqual([method, url, 401]);
        expect(await answer.json()).toHaveProperty('message');
      }
    }
  });

  it('is documented with its permission', () => {
    expect(readFileSync(join(__dirname, '../../../docs/permissions.md'), 'utf8')).toBe(
      server.webserver.permissionsDocument(),
    );
  });

  it('is in the OpenAPI document with its permission', async () => {
    const { paths } = (await server.json('/api/v1/openapi.json')) as { paths: Record<string, Record<string, object>> };
    expect(paths['/api/v1/{tenant}/executions/{namespace}/{flowId}']?.['post']).toMatchObject({
      'x-permission': 'FLOW:EXECUTE',
    });
    expect(Object.values(paths).flatMap((path) => Object.keys(path))).toHaveLength(server.webserver.routes.length);
  });

  it('hides tenants that are not the caller’s, whatever is asked of them', async () => {
    const answers = await Promise.all(
      [
        '/api/v1/acme/flows/search',
        '/api/v1/acme/executions/abc',
        '/api/v1/acme/flows/company.team/hello',
        '/api/v1/MAIN/flows/search',
        '/api/v1/%6dain/flows/search',
      ].map(server.get),
    );
    for (const answer of answers)
      expect([answer.status, ((await answer.json()) as { message: string }).message]).toEqual([
        404,
        'tenant not found',
      ]);
  });

  it('is not reached with other cases, and unknown ones need a login too', async () => {
    expect((await server.get('/api/v1/main/Flows/search')).status).toBe(404);
    expect((await server.call('GET', '/api/v1/main/nothing', { headers: { authorization: 'none' } })).status).toBe(401);
    expect((await server.get('/api/v1/main/nothing')).status).toBe(404);
  });
});

describe('answers', () => {
  it('carry the security headers', async () => {
    const { headers } = await server.get('/api/v1/main/flows/search');
    const shown = [
      'content-security-policy',
      'referrer-policy',
      'cross-origin-opener-policy',
      'cross-origin-resource-policy',
      'x-content-type-options',
      'x-frame-options',
      'cache-control',
      'strict-transport-security',
      'x-powered-by',
      'etag',
    ];
    expect(Object.fromEntries(shown.map((name) => [name, headers.get(name)]))).toEqual({
      'content-security-policy': expect.stringContaining("default-src 'self';"),
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'strict-transport-security': null,
      'x-powered-by': null,
      etag: null,
    });
  });

  it('ask for a password only clients that are no page', async () => {
    // Not with fetch, which sends a header that browsers send.
    const challenge = (headers: Record<string, string>): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        get(`${server.url}/api/v1/me`, { headers }, (answer) =>
          resolve(answer.resume().headers['www-authenticate']),
        ).on('error', reject);
      });
    expect(await challenge({})).toBe('Basic realm="Millrace"');
    expect(await challenge({ 'x-requested-with': 'XMLHttpRequest' })).toBeUndefined();
    expect(await challenge({ 'sec-fetch-mode': 'cors' })).toBeUndefined();
    expect(await challenge({ accept: 'text/html' })).toBeUndefined();
  });

  it('do not tell an unknown user from a wrong password', async () => {
    const bodyFor = async (credentials: string): Promise<string> => {
      const answer = await server.call('GET', '/api/v1/me', {
        headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      });
      expect(answer.status).toBe(401);
      return answer.text();
    };
    expect(await bodyFor(`${USER}:wrong`)).toBe(await bodyFor('nobody:wrong'));
  });
});

describe('sessions', () => {
  const login = (headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${server.url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ username: USER.toUpperCase(), password: PASSWORD }),
    });

  it('begin with a login and end with a logout', async () => {
    const answer = await login();
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect([answer.status, await answer.json()]).toEqual([200, { username: USER, roles: ['admin'] }]);
    expect(cookie).toMatch(/^millrace=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=86400$/);
    const headers = { authorization: 'none', cookie: cookie.split(';', 1)[0] ?? '' };
    expect(await (await server.call('GET', '/api/v1/me', { headers })).json()).toMatchObject({
      superAdmin: true,
      tenants: [{ id: 'main' }],
    });
    expect(
      (await server.call('POST', '/logout', { headers: { ...headers, 'sec-fetch-site': 'same-origin' } })).status,
    ).toBe(204);
    expect((await server.call('GET', '/api/v1/me', { headers })).status).toBe(401);
  });

  it('are also begun by a form', async () => {
    const answer = await fetch(`${server.url}/login`, {
      method: 'POST',
      body: new URLSearchParams({ username: USER, password: PASSWORD }),
    });
    expect(answer.status).toBe(200);
  });

  it('are not begun by pages of other sites', async () => {
    expect((await login({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  });

  it.each([
    ['session', { 'sec-fetch-site': 'same-origin' }, 422],
    ['session', { 'sec-fetch-site': 'same-site' }, 403],
    ['session', { 'sec-fetch-site': 'none' }, 403],
    ['session', { origin: 'https://evil.example' }, 403],
    ['session', { origin: 'null' }, 403],
    ['session', { referer: 'https://evil.example/page' }, 403],
    ['session', {}, 403],
    ['basic', {}, 422],
    ['basic', { origin: 'https://evil.example' }, 403],
    ['basic', { 'sec-fetch-site': 'cross-site' }, 403],
  ])('with %s and %j: a change is answered %i', async (credential, headers, status) => {
    const cookie = ((await login()).headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
    const who = credential === 'session' ? { authorization: 'none', cookie } : { authorization: BASIC };
    const answer = await server.call('POST', '/api/v1/main/flows', {
      headers: { ...who, ...headers, 'content-type': 'application/x-yaml' },
      body: 'id: x',
    });
    expect(answer.status).toBe(status);
  });

  it('pass from the own origin', async () => {
    const cookie = ((await login()).headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
    const answer = await server.call('POST', '/api/v1/main/flows', {
      headers: { authorization: 'none', cookie, origin: server.url, 'content-type': 'application/x-yaml' },
      body: 'id: x',
    });
    expect(answer.status).toBe(422);
  });

  it('lose against a header that is not valid', async () => {
    const cookie = ((await login()).headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
    expect((await server.call('GET', '/api/v1/me', { headers: { authorization: 'Basic !', cookie } })).status).toBe(
      401,
    );
  });
});

describe('with an address under which browsers reach it, a server', () => {
  let behindProxy: TestServer;
  beforeAll(async () => {
    behindProxy = await startServer({
      configuration: {
        url: 'https://millrace.example.com/base/',
        security: { allowedOrigins: ['https://other.example.com'] },
      },
    });
  });
  afterAll(() => behindProxy.stop());

  it.each([
    ['https://millrace.example.com', 422],
    ['https://other.example.com', 422],
    ['http://millrace.example.com', 403],
    ['own', 403],
  ])('answers a change from a page of %s with %i', async (origin, status) => {
    const answer = await behindProxy.call('POST', '/api/v1/main/flows', {
      headers: { origin: origin === 'own' ? behindProxy.url : origin, 'content-type': 'application/x-yaml' },
      body: 'id: x',
    });
    expect(answer.status).toBe(status);
  });
});

it('a burst of requests with the right password is answered', async () => {
  const fresh = await startServer();
  const answers = await Promise.all(Array.from({ length: 80 }, () => fresh.get('/api/v1/me')));
  expect(answers.map(({ status }) => status)).toEqual(Array(80).fill(200));
  await fresh.stop();
});

it.each(['/login', '/api/v1/main/basicAuth'])(
  'a body for %s that does not arrive in time is given up',
  async (path) => {
    // Half a minute and what follows it are over at once; everything else takes its time.
    const clock: Clock = {
      now: () => systemClock.now(),
      after: (ms, run) => systemClock.after(ms === STRANGERS_BODY_MS || ms === 2_000 ? 0 : ms, run),
    };
    const slow = await startServer({ clock });
    const { hostname, port } = new URL(slow.url);
    const socket = connect(Number(port), hostname);
    const head = [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json', 'Content-Length: 100'];
    socket.write([...head, '', '{"user'].join('\r\n'));
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toMatch(/connection: close/i);
    await slow.stop();
  },
);

describe('an installation without an account', () => {
  let fresh: TestServer;
  beforeAll(async () => {
    fresh = await startServer({ account: false });
  });
  afterAll(() => fresh.stop());
  const create = (body: object, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${fresh.url}/api/v1/main/basicAuth`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  it('answers nothing else, then takes its first account once', async () => {
    expect(await fresh.json('/api/v1/setup')).toMatchObject({ done: false });
    const refused = await fresh.get('/api/v1/main/flows/search');
    expect([refused.status, await refused.json()]).toEqual([401, expect.objectContaining({ code: 'setup-required' })]);

    const weak = await create({ username: 'a:b', password: 'short' });
    expect([weak.status, ((await weak.json()) as { _embedded: { errors: object[] } })._embedded.errors.length]).toEqual(
      [422, 2],
    );

    expect((await create({ username: USER, password: PASSWORD }, { 'x-forwarded-for': '10.0.0.1' })).status).toBe(403);
    expect(
      (
        await create(
          { username: USER, password: PASSWORD, setupCode: 'WRONGWRONGWRONGW' },
          { 'x-forwarded-for': '10.0.0.1' },
        )
      ).status,
    ).toBe(403);
    const code = fresh.entries.map(({ message }) => /set-up code (\w{16})/.exec(message)?.[1]).find(Boolean);
    expect(
      (await create({ username: USER, password: PASSWORD, setupCode: code }, { 'x-forwarded-for': '10.0.0.1' })).status,
    ).toBe(204);

    expect(await fresh.json('/api/v1/setup')).toMatchObject({ done: true });
    expect((await create({ username: 'eve', password: PASSWORD })).status).toBe(409);
    expect((await fresh.get('/api/v1/main/flows/search')).status).toBe(200);
  });
});

it('many wrong passwords lock their source out of the account for a while', () => {
  let now = Date.UTC(2026, 10, 22);
  const clock: Clock = { now: () => now, after: () => () => undefined };
  const lockout = createLockout(clock);
  for (let at = 0; at < LOCKOUT.threshold; at++) {
    expect(lockout.check('ada', '10.0.0.1').kind).toBe('open');
    lockout.failed('ADA', '10.0.0.200');
  }
  expect(lockout.check('ada', '10.0.0.7')).toEqual({ kind: 'locked' });
  expect(lockout.check('ada', '10.0.1.7')).toEqual({ kind: 'open' });
  expect(lockout.check('bob', '10.0.0.7')).toEqual({ kind: 'open' });
  now += LOCKOUT.lockMs + 1;
  expect(lockout.check('ada', '10.0.0.7')).toEqual({ kind: 'open' });
  for (let at = 0; at < LOCKOUT.networkThreshold; at++) lockout.failed(`user${at}`, '10.0.0.1');
  expect(lockout.check('carol', '10.0.0.1')).toMatchObject({ kind: 'limited', status: 429 });
  now += LOCKOUT.networkWindowMs + 1;
  for (let at = 0; at < LOCKOUT.verificationsPerSecond; at++) lockout.check('carol', '10.0.0.1');
  expect(lockout.check('carol', '10.0.0.1')).toMatchObject({ kind: 'limited', status: 503 });
});
