import { namespaceKey, tenantKey, type WorkerGroupWish } from '@millrace/model';
import { followInheritedWorkerGroups, namespaceSettings, tenantSettings, type ResourceAccess } from '../src/index.js';
import { createInstallation, type Installation } from './installation.js';

let installation: Installation;
let server: ResourceAccess;
beforeEach(async () => {
  installation = await createInstallation();
  server = await installation.server('one');
});
afterEach(() => installation.stop());

async function namespace(id: string, workerGroup: WorkerGroupWish, mode: 'create' | 'update' = 'create') {
  const change = { kind: 'save-namespace', mode, namespace: { tenant: 'main', id, workerGroup } } as const;
  const outcome = await server.change(namespaceKey('main', id), change);
  await server.refresh();
  return outcome.kind === 'refused' ? outcome.reason : outcome.kind;
}

async function tenant(id: string, workerGroup: WorkerGroupWish): Promise<void> {
  await server.change(tenantKey(id), { kind: 'save-tenant', tenant: { id, workerGroup } });
  await server.refresh();
}

it('what is inherited is the nearest first, the tenant last, and follows every change', async () => {
  const groups = followInheritedWorkerGroups(server.view);
  expect(groups.wishes('main', 'a.b.c')).toEqual([]);
  await namespace('a', { key: 'far' });
  await tenant('main', { fallback: 'FAIL' });
  await tenant('other', { key: 'foreign' });
  expect(groups.wishes('main', 'a.b.c')).toEqual([{ key: 'far' }, { fallback: 'FAIL' }]);
  await namespace('a.b', { key: 'near' });
  expect(groups.wishes('main', 'a.b.c')).toEqual([{ key: 'near' }, { key: 'far' }, { fallback: 'FAIL' }]);
  expect(groups.wishes('main', 'ab')).toEqual([{ fallback: 'FAIL' }]);
  expect(groups.wishes('other', 'a.b')).toEqual([{ key: 'foreign' }]);
  await server.change(namespaceKey('main', 'a.b'), { kind: 'delete-namespace', id: 'a.b' });
  await server.refresh();
  expect(groups.wishes('main', 'a.b.c')).toEqual([{ key: 'far' }, { fallback: 'FAIL' }]);
  groups.close();
});

it('settings are created once, changed when they are there, and gone when they were deleted', async () => {
  expect(await namespace('a', { key: 'x' }, 'update')).toBe('unknown');
  expect(await namespace('a', { key: 'x' })).toBe('done');
  expect(await namespace('a', { key: 'y' })).toBe('exists');
  expect(await namespace('a', { key: 'y' }, 'update')).toBe('done');
  expect(namespaceSettings(server.view, 'main', 'a')).toEqual({ tenant: 'main', id: 'a', workerGroup: { key: 'y' } });
  expect(tenantSettings(server.view, 'main')).toBeUndefined();
  const remove = { kind: 'delete-namespace', id: 'a' } as const;
  expect(await server.change(namespaceKey('main', 'a'), remove)).toMatchObject({ kind: 'done' });
  expect(await server.change(namespaceKey('main', 'a'), remove)).toMatchObject({ kind: 'refused', reason: 'unknown' });
  expect(await namespace('a', { key: 'z' })).toBe('done');
});
