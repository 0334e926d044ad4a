import { createTemplates, templateOf } from '../src/index.js';
import { createInstallation, MAIN, type Installation } from './installation.js';

let installation: Installation;
beforeEach(async () => {
  installation = await createInstallation();
});
afterEach(() => installation.stop());

it('templates are saved, found by others, and deleted', async () => {
  const access = await installation.server('one');
  const templates = createTemplates(access);
  const elsewhere = createTemplates(await installation.server('two'));
  const template = (id: string) => ({
    tenant: 'main',
    namespace: 'team',
    id,
    source: `id: ${id}`,
    definition: { id, namespace: 'team', tasks: [] },
  });
  await templates.save(MAIN, 'create', template('b'));
  await templates.save(MAIN, 'save', template('a'));
  expect(await elsewhere.find(MAIN, 'team', 'b')).toMatchObject({ source: 'id: b', updatedAt: 1_000 });
  expect((await elsewhere.list(MAIN)).map(({ id }) => id)).toEqual(['a', 'b']);
  await access.refresh();
  expect(templateOf(access.view, 'main', 'team', 'a')).toMatchObject({ id: 'a' });
  expect(templateOf(access.view, 'acme', 'team', 'a')).toBeUndefined();
  await expect(templates.save(MAIN, 'create', template('a'))).rejects.toMatchObject({ reason: 'exists' });
  expect(await elsewhere.remove(MAIN, 'team', 'a')).toBe(true);
  expect(await templates.remove(MAIN, 'team', 'a')).toBe(false);
  expect(await templates.find(MAIN, 'team', 'a')).toBeUndefined();
  await access.refresh();
  expect(templateOf(access.view, 'main', 'team', 'a')).toBeUndefined();
});
