import type { Environment } from '../environment.js';
import type { ConfigurationProblem } from './problem.js';
import { configurationLeaves, isStructured, kebabCase, type SchemaNode } from './schema.js';
import type { Setting, Settings } from './settings.js';

/** `server.basicAuth.username` is set by `MILLRACE_SERVER_BASIC_AUTH_USERNAME`. */
export const environmentName = (path: readonly string[]): string =>
  `MILLRACE_${path.map((name) => kebabCase(name).replaceAll('-', '_').toUpperCase()).join('_')}`;

/**
 * Reads the settings of the environment. Other variables with the prefix are left alone: an orchestrator of containers
 * sets some for a service of our name.
 */
export function readEnvironmentSettings(environment: Environment): Settings {
  const settings: Setting[] = [];
  const problems: ConfigurationProblem[] = [];
  for (const { path, schema } of configurationLeaves()) {
    const where = environmentName(path);
    const text = environment[where];
    if (text === undefined || isStructured(schema)) continue;
    const value = fromText(schema, text);
    if (value === undefined) problems.push({ where, message: `Expected ${expected(schema)}, but it is '${text}'` });
    else settings.push({ path, value, where });
  }
  return { settings, problems };
}

/** A value given as text; undefined when it is not of the schema's type. */
export function fromText(schema: SchemaNode, text: string): string | number | boolean | undefined {
  switch (schema.type) {
    case 'integer':
      return /^-?\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'string':
    case 'array':
      return text;
    case 'object':
      return undefined;
    default:
      return schema.type satisfies never;
  }
}

const expected = (schema: SchemaNode): string => (schema.type === 'integer' ? 'a whole number' : "'true' or 'false'");
