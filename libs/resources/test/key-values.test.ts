import { decide, Scope, type Principal } from '@millrace/authorization';
import { withParents } from '@millrace/model';
import { createKeyValues, ResourceRefusedError, type KeyValues } from '../src/index.js';
import { createInstallation, MAIN, type Installation } from './installation.js';

let installation: Installation;
let here: KeyValues;
let elsewhere: KeyValues;

beforeEach(async () => {
  installation = await createInstallation();
  here = createKeyValues(await installation.server('one'), installation.clock);
  elsewhere = createKeyValues(await installation.server('two'), installation.clock);
});
afterEach(() => installation.stop());

const set = (namespace: string, key: string, value: unknown, rest: object = {}) =>
  here.set(MAIN, { namespace, key, type: 'JSON', value, ...rest });

/** The scope of somebody who holds everything on one namespace of `main`. */
function scopeOn(namespace: string): Scope {
  const principal: Principal = {
    id: 'p',
    username: 'p',
    active: true,
    superAdmin: false,
    tenants: ['main'],
    grants: [{ tenant: 'main', role: 'admin', namespace }],
  };
  const decision = decide(principal, { resource: 'KVSTORE', action: 'VIEW' }, 'main');
  if (!decision.allowed) throw new Error(decision.hint);
  return decision.scope;
}

it('what one server has set is what another gets', async () => {
  await set('team', 'n', { deep: [1] });
  expect(await elsewhere.find(MAIN, 'team', 'n')).toMatchObject({ value: { deep: [1] }, version: 1 });
  await elsewhere.set(MAIN, { namespace: 'team', key: 'n', type: 'NUMBER', value: 2 });
  expect(await here.find(MAIN, 'team', 'n')).toMatchObject({ value: 2, version: 2, type: 'NUMBER' });
  expect(await here.remove(MAIN, 'team', 'n')).toBe(true);
  expect(await elsewhere.find(MAIN, 'team', 'n')).toBeUndefined();
  expect(await elsewhere.remove(MAIN, 'team', 'n')).toBe(false);
});

it('tenants and namespaces are apart', async () => {
  await set('team', 'n', 1);
  expect(await here.find(Scope.system('acme'), 'team', 'n')).toBeUndefined();
  expect(await here.list(Scope.system('acme'))).toEqual([]);
  const other = scopeOn('other');
  expect(await here.find(other, 'team', 'n')).toBeUndefined();
  expect(await here.list(other)).toEqual([]);
  await expect(here.remove(other, 'team', 'n')).rejects.toThrow(ResourceRefusedError);
  await expect(here.purge(other, { namespace: 'team', key: 'n' }, { whole: 'always' })).rejects.toThrow();
  await expect(here.set(other, { namespace: 'team', key: 'n', type: 'JSON', value: 1 })).rejects.toThrow();
});

it('a value is found in the nearest namespace above, and an expired one hides those above it', async () => {
  await set('a', 'n', 'far');
  await set('a', 'm', 'far');
  await set('a.b', 'n', 'near', { ttlMs: 10 });
  expect(withParents('a.b.c')).toEqual(['a.b.c', 'a.b', 'a']);
  expect(await here.findInherited(MAIN, 'a.b.c', 'n')).toMatchObject({ value: 'near' });
  expect(await here.findInherited(MAIN, 'a.b.c', 'm')).toMatchObject({ value: 'far' });
  expect(await here.findInherited(MAIN, 'ab', 'm')).toBeUndefined();
  expect((await here.listInherited(MAIN, 'a.b')).map(({ key, value }) => [key, value])).toEqual([
    ['m', 'far'],
    ['n', 'far'],
  ]);
  expect((await here.listInherited(scopeOn('a.b'), 'a.b')).map(({ key }) => key)).toEqual(['m', 'n']);
  installation.pass(10);
  expect(await here.findInherited(MAIN, 'a.b.c', 'n')).toMatchObject({ value: 'near', expiresAt: expect.any(Number) });
});

it('lists are sorted, and leave out what is gone unless it is asked for', async () => {
  await set('b', 'x', 1);
  await set('a', 'z', 1);
  await set('a', 'y', 1, { ttlMs: 5 });
  installation.pass(5);
  expect((await elsewhere.list(MAIN)).map(({ namespace, key }) => `${namespace}:${key}`)).toEqual(['a:z', 'b:x']);
  expect((await elsewhere.listAll(MAIN, 'a')).map(({ key }) => key)).toEqual(['y', 'z']);
  expect(await here.purge(MAIN, { namespace: 'a', key: 'y' }, { whole: 'expired' })).toBe(1);
  expect(await here.purge(MAIN, { namespace: 'a', key: 'nothing' }, { whole: 'expired' })).toBe(0);
  expect((await elsewhere.listAll(MAIN, 'a')).map(({ key }) => key)).toEqual(['z']);
});

it.each([
  ['a key of other characters', { key: 'a b' }],
  ['a key that begins with a dot', { key: '.a' }],
  ['a key that is too long', { key: 'x'.repeat(257) }],
  ['a time to live of nothing', { ttlMs: 0 }],
  ['a description that is too long', { description: 'x'.repeat(1_001) }],
  ['a value that is too long', { value: 'x'.repeat(256 * 1024) }],
])('%s is refused', async (_what, rest) => {
  await expect(set('team', 'n', 1, rest)).rejects.toMatchObject({ reason: 'invalid' });
});

it('what must not be overwritten is not', async () => {
  await set('team', 'n', 1);
  await expect(set('team', 'n', 2, { overwrite: false })).rejects.toMatchObject({ reason: 'exists' });
});
