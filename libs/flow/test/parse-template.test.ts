import { parseTemplate } from '../src/index.js';
import { catalog } from './catalog.js';

const TEMPLATE = `id: shared
namespace: company.team
description: Said by many
tasks:
  - {id: say, type: core.log.Log, message: hello}
errors:
  - {id: sorry, type: core.log.Log, message: sorry}
`;

it('a template is lists of tasks under a name', () => {
  const { definition, faults } = parseTemplate(TEMPLATE, { catalog });
  expect(faults).toEqual([]);
  expect(definition).toMatchObject({ id: 'shared', namespace: 'company.team', tasks: [{ id: 'say' }] });
  expect(definition).toHaveProperty('errors');
});

it('what only flows have is refused, with its place', () => {
  const { definition, faults } = parseTemplate(`${TEMPLATE}inputs:\n  - {id: a, type: STRING}\n`, { catalog });
  expect(definition).toBeUndefined();
  expect(faults).toMatchObject([{ line: 8, path: 'inputs', message: expect.stringContaining("has no 'inputs'") }]);
});

it('its tasks are checked as those of a flow', () => {
  expect(parseTemplate(TEMPLATE.replace('core.log.Log', 'no.such.Type'), { catalog }).faults).toMatchObject([
    { line: 5, path: 'tasks[0].type' },
  ]);
});
