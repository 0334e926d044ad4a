import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentName } from '../src/configuration/environment-settings.js';
import { configurationLeaves, isStructured, writtenPath } from '../src/configuration/schema.js';

const page = readFileSync(join(__dirname, '../../../docs/configuration.md'), 'utf8');

it.each(configurationLeaves().map(({ path, schema }) => [writtenPath(path), { path, schema }] as const))(
  'docs/configuration.md describes %s as the schema does',
  (key, { path, schema }) => {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${key}\` |`)) ?? '';
    expect(row).toContain(schema.description);
    if (!isStructured(schema)) expect(row).toContain(environmentName(path));
    if (typeof schema.default !== 'object' && schema.default !== undefined)
      expect(row).toContain(`\`${schema.default}\``);
  },
);
