import { Socket } from 'node:net';
import express, { type Request } from 'express';
import type { Clock, UserAccount } from '@millrace/model';
import { checkRoutes } from '../src/http/registry.js';
import { anonymous, permission, self, type Route } from '../src/http/route.js';
import { splitTenant } from '../src/http/tenant-path.js';
import { createAuthentication } from '../src/security/authentication.js';
import { createCredentialCache } from '../src/security/credential-cache.js';
import { networkOf } from '../src/security/lockout.js';
import { createPasswords, passwordFaults } from '../src/security/passwords.js';
import { createSessions, SESSION_LIMITS } from '../src/security/sessions.js';
import { CHEAP } from './server.js';

const route = (rest: Partial<Route>): Route => ({
  method: 'GET',
  area: 'tenant',
  path: '/things',
  access: permission('FLOW', 'LIST', 'filter'),
  summary: '',
  handle: () => undefined,
  ...rest,
});

/** A clock that stands until it is moved. */
function standingClock(): Clock & { move(byMs: number): void } {
  let now = 1_000;
  return { now: () => now, after: () => () => undefined, move: (byMs) => (now += byMs) };
}

const userOf = (rest: Partial<UserAccount> = {}): UserAccount => ({
  id: 'u1',
  username: 'ada',
  passwordHash: '',
  passwordChangedAt: 1,
  superAdmin: true,
  status: 'ACTIVE',
  createdAt: 1,
  ...rest,
});

describe('routes that cannot be guarded stop the start', () => {
  const { access: _access, ...unguarded } = route({});
  it.each<[string, readonly Route[], RegExp]>([
    ['no declaration', [unguarded as Route], /neither a permission nor why/],
    [
      'an action that the resource does not have',
      [route({ access: permission('FLOW', 'KILL', 'filter') })],
      /unknown permission FLOW:KILL/,
    ],
    ['no namespace in the path', [route({ access: permission('FLOW', 'VIEW', 'path') })], /no namespace/],
    ['no reason', [route({ access: anonymous(' ') })], /does not say why/],
    ['no reason for everybody', [route({ access: self('') })], /does not say why/],
    ['no tenant', [route({ area: 'instance' })], /not below one/],
    ['an unchecked parameter', [route({ path: '/things/:thing' })], /'thing', which has no pattern/],
    ['the same place', [route({ path: '/a/:executionId' }), route({ path: '/a/:flowId' })], /exists twice/],
  ])('%s', (_what, routes, reason) => expect(() => checkRoutes(routes)).toThrow(reason));

  it('good ones do not', () => expect(() => checkRoutes([route({}), route({ path: '/others' })])).not.toThrow());
});

it.each([
  ['/api/v1/main/flows/search?a=b', { tenant: 'main', url: '/api/v1/flows/search?a=b' }],
  ['/api/v1/flows/search', { tenant: undefined, url: '/api/v1/flows/search' }],
  ['/api/v1/Main/flows', { tenant: null, url: '/api/v1/flows' }],
  ['/api/v1/ma%69n/flows', { tenant: null, url: '/api/v1/flows' }],
  ['/api/v1/../flows', { tenant: null, url: '/api/v1/flows' }],
  ['/api/v1//flows', { tenant: null, url: '/api/v1/flows' }],
  ['/api/v1/main', { tenant: undefined, url: '/api/v1/main' }],
  ['/ping', { tenant: undefined, url: '/ping' }],
])('the tenant of %s', (url, expected) => expect(splitTenant(url, new Set(['flows']))).toEqual(expected));

describe('verified credentials', () => {
  it('are known for five minutes, for that password and that user', () => {
    const clock = standingClock();
    const cache = createCredentialCache(clock);
    let user: UserAccount | undefined = userOf();
    const find = (password = 'secret') => cache.find('ada', password, () => user);
    expect(find()).toBeUndefined();
    cache.keep('ada', 'secret', user);
    expect(find()).toBe(user);
    expect(find('other')).toBeUndefined();
    clock.move(5 * 60_000);
    expect(find()).toBeUndefined();
  });

  it.each<[string, UserAccount | undefined]>([
    ['changed password', userOf({ passwordChangedAt: 2 })],
    ['disabled user', userOf({ status: 'DISABLED' })],
    ['removed user', undefined],
  ])('are forgotten with a %s', (_what, now) => {
    const cache = createCredentialCache(standingClock());
    cache.keep('ada', 'secret', userOf());
    expect(cache.find('ada', 'secret', () => now)).toBeUndefined();
  });

  it('are at most 1,000, the oldest goes first', () => {
    const cache = createCredentialCache(standingClock());
    for (let at = 0; at <= 1_000; at++) cache.keep(`user${at}`, 'secret', userOf());
    expect(cache.find('user0', 'secret', () => userOf())).toBeUndefined();
    expect(cache.find('user1', 'secret', () => userOf())).toBeDefined();
  });
});

describe('equal logins at the same time', () => {
  const loginsOf = async () => {
    const passwords = createPasswords(CHEAP);
    const user = userOf({ passwordHash: await passwords.hash('correct horse battery') });
    const verify = jest.spyOn(passwords, 'verify');
    const accounts = () => ({
      byId: () => user,
      byUsername: (name: string) => (name === 'ada' ? user : undefined),
      size: 1,
      close: () => undefined,
    });
    const rehash = () => undefined;
    const { login } = createAuthentication({ clock: standingClock(), accounts, passwords, origins: () => [], rehash });
    const request: Request = Object.create(express.request, {
      socket: { value: new Socket() },
      headers: { value: {} },
    });
    const burst = (password: string) =>
      Promise.allSettled(Array.from({ length: 60 }, () => login('ada', password, request)));
    return { burst, verify };
  };

  it('are verified once', async () => {
    const { burst, verify } = await loginsOf();
    expect(new Set((await burst('correct horse battery')).map(({ status }) => status))).toEqual(new Set(['fulfilled']));
    expect(verify).toHaveBeenCalledTimes(1);
  });

  it('count as one failure, so they do not lock the account', async () => {
    const { burst } = await loginsOf();
    const refused = await burst('wrong');
    expect(refused.every((result) => result.status === 'rejected' && result.reason.status === 401)).toBe(true);
    expect(new Set((await burst('correct horse battery')).map(({ status }) => status))).toEqual(new Set(['fulfilled']));
  });
});

describe('sessions', () => {
  it.each<[string, (clock: ReturnType<typeof standingClock>) => UserAccount | undefined]>([
    ['idle for too long', (clock) => (clock.move(SESSION_LIMITS.idleMs), userOf())],
    ['of a user with a new password', () => userOf({ passwordChangedAt: 9 })],
    ['of a disabled user', () => userOf({ status: 'DISABLED' })],
  ])('%s have ended', (_what, later) => {
    const clock = standingClock();
    const sessions = createSessions(clock);
    const id = sessions.start(userOf());
    expect(sessions.find(id, () => userOf())).toBeDefined();
    const user = later(clock);
    expect(sessions.find(id, () => user)).toBeUndefined();
  });

  it('end after a day however busy they are', () => {
    const clock = standingClock();
    const sessions = createSessions(clock);
    const id = sessions.start(userOf());
    for (let hour = 0; hour < 23; hour++) {
      clock.move(3_600_000);
      expect(sessions.find(id, () => userOf())).toBeDefined();
    }
    clock.move(3_600_000);
    expect(sessions.find(id, () => userOf())).toBeUndefined();
  });

  it('are at most 20 of one user, the oldest ends', () => {
    const sessions = createSessions(standingClock());
    const ids = Array.from({ length: 21 }, () => sessions.start(userOf()));
    expect(ids.map((id) => sessions.find(id, () => userOf()) !== undefined)).toEqual([
      false,
      ...Array<boolean>(20).fill(true),
    ]);
  });
});

describe('passwords', () => {
  it('are verified, and made anew when the cost has changed', async () => {
    const passwords = createPasswords(CHEAP);
    const hash = await passwords.hash('correct horse battery');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$/);
    expect(await passwords.verify(hash, 'correct horse battery')).toBe(true);
    expect(await passwords.verify(hash, 'wrong')).toBe(false);
    expect(passwords.isOutdated(hash)).toBe(false);
    expect(createPasswords().isOutdated(hash)).toBe(true);
  });

  it('are verified two at a time, fifty wait, the others are refused', async () => {
    const passwords = createPasswords(CHEAP);
    const hash = await passwords.hash('x');
    const results = await Promise.allSettled(Array.from({ length: 60 }, () => passwords.verify(hash, 'x')));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(52);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { status: 503 } });
    expect(await passwords.verify(hash, 'x')).toBe(true);
  });

  it.each([
    ['correct horse battery', 0],
    ['short', 1],
    ['ada-ada-ada-ada', 1],
    ['x'.repeat(257), 1],
    ['Password1234', 1],
    ['millrace', 2],
  ])('%j break %i rules', (password, faults) =>
    expect(passwordFaults(password, 'ada@example.com')).toHaveLength(faults),
  );
});

it.each([
  ['10.1.2.3', '10.1.2'],
  ['::ffff:10.1.2.3', '10.1.2'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
])('the network of %s is %s', (address, network) => expect(networkOf(address)).toBe(network));
