import { stringify } from 'yaml';
import type { Configuration } from './schema.js';
import { CONFIGURATION_ROOT, kebabCase, type SchemaNode } from './schema.js';

type Tree = { [name: string]: unknown };

/** The effective configuration as a file would say it: every value, secrets as `***`, durations in ISO-8601. */
export function printConfiguration(configuration: Configuration): string {
  return stringify(written(CONFIGURATION_ROOT, configuration));
}

function written(schema: SchemaNode, value: unknown): unknown {
  if (schema.properties) {
    const entries = Object.entries(schema.properties).map(([name, child]) => {
      return [kebabCase(name), written(child, (value as Tree)[name])] as const;
    });
    return Object.fromEntries(entries.filter(([, member]) => member !== undefined));
  }
  if (value !== undefined && schema['x-secret']) return String(value);
  if (typeof value === 'number' && schema.format === 'duration') return `PT${value / 1000}S`;
  return value;
}
