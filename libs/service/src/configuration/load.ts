import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPlainObject } from '@millrace/model';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Environment } from '../environment.js';
import { Secret } from '../secret.js';
import { durationMs } from './duration.js';
import { readEnvironmentSettings } from './environment-settings.js';
import { readConfigurationText } from './file.js';
import { ConfigurationError, type ConfigurationProblem } from './problem.js';
import {
  CONFIGURATION_ROOT,
  CONFIGURATION_SCHEMA,
  writtenPath,
  type Configuration,
  type SchemaNode,
} from './schema.js';
import { elasticsearchProblems } from './relations-elasticsearch.js';
import { schemaAt, type Setting, type Settings } from './settings.js';

/** The file that is read when none is named, in the working directory. */
export const CONFIGURATION_FILE = 'millrace.yml';

export interface ConfigurationSources {
  /** `--config`: must exist. Absent: `millrace.yml` of the working directory, if there is one. */
  readonly file?: string;
  readonly workingDirectory: string;
  readonly environment: Environment;
  /** Values given by flags; `where` is the flag's name. */
  readonly flags: readonly Setting[];
}

/**
 * Loads the configuration: flag over environment over file over default.
 *
 * @throws ConfigurationError with every problem, each with its file, line and column, variable or flag
 */
export function loadConfiguration(sources: ConfigurationSources): Configuration {
  const given: readonly Settings[] = [
    readFile(sources),
    readEnvironmentSettings(sources.environment),
    { settings: sources.flags, problems: [] },
  ];
  const settings = new Map<string, Setting>();
  for (const setting of given.flatMap((source) => source.settings)) settings.set(setting.path.join('.'), setting);

  const raw = withDefaults(CONFIGURATION_ROOT);
  for (const { path, value } of settings.values()) put(raw, path, asList(schemaAt(path), value));
  const problems = [
    ...given.flatMap((source) => source.problems),
    ...check(raw, settings),
    ...missingBrokers(raw, settings),
    ...unencrypted(raw, settings),
    ...elasticsearchProblems(raw, settings),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  // `check` has validated `raw` against the schema from which the type is made.
  return finish(CONFIGURATION_ROOT, raw) as Configuration;
}

function readFile({ file, workingDirectory }: ConfigurationSources): Settings {
  const name = file ?? CONFIGURATION_FILE;
  let text: string;
  try {
    text = readFileSync(file ?? join(workingDirectory, CONFIGURATION_FILE), 'utf8');
  } catch (error) {
    const missing = isPlainObject(error) && error['code'] === 'ENOENT';
    if (missing && file === undefined) return { settings: [], problems: [] };
    const why = missing ? 'there is no such file' : String(error);
    return { settings: [], problems: [{ where: name, message: `Cannot read the configuration file: ${why}` }] };
  }
  return readConfigurationText(name, text);
}

type Tree = { [name: string]: unknown };

function withDefaults(node: SchemaNode): Tree {
  const tree: Tree = {};
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    if (child.properties) tree[name] = withDefaults(child);
    else if (child.default !== undefined) tree[name] = child.default;
  }
  return tree;
}

/** A list may be written as one text with commas, as environment variables must. */
const asList = (schema: SchemaNode | undefined, value: unknown): unknown =>
  schema?.type === 'array' && typeof value === 'string'
    ? value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    : value;

function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const below = tree[name];
  if (typeof below === 'object' && below !== null) put(below as Tree, rest, value);
}

let validator: ValidateFunction | undefined;

function check(raw: Tree, settings: ReadonlyMap<string, Setting>): readonly ConfigurationProblem[] {
  // Compiled at the first use, so that commands that need no configuration do not pay for it.
  validator ??= new Ajv({ allErrors: true, keywords: ['x-secret', 'x-plugin-defaults'], verbose: true })
    .addFormat('duration', (text: string) => durationMs(text) !== undefined)
    .addFormat('host-port', isHostAndPort)
    .addFormat('uri', (text: string) => /^https?:\/\/./.test(text) && URL.canParse(text))
    .compile(CONFIGURATION_SCHEMA);
  const problems = validator(raw) ? [] : (validator.errors ?? []).map((error) => problemOf(error, settings));
  return [...problems, ...conflicts(settings)];
}

function problemOf(error: ErrorObject, settings: ReadonlyMap<string, Setting>): ConfigurationProblem {
  const place = error.instancePath.split('/').slice(1);
  const list = schemaAt(place.slice(0, -1));
  const inList = list?.type === 'array' && list['x-plugin-defaults'] !== true;
  // A list is one setting, with all its items.
  const path = inList ? place.slice(0, -1) : place;
  const setting =
    settings.get(path.join('.')) ??
    [...settings.values()].find((one) => path.every((name, at) => one.path[at] === name)) ??
    [...settings.values()].find((one) => one.path.every((name, at) => path[at] === name));
  const where = setting?.where ?? 'configuration';
  if (error.keyword === 'dependencies') {
    const { property, missingProperty } = error.params as { property: string; missingProperty: string };
    const [present, missing] = [writtenPath([...path, property]), writtenPath([...path, missingProperty])];
    return { where, message: `'${present}' needs '${missing}' beside it` };
  }
  if (inList) {
    const example = path[0] === 'elasticsearch' ? 'https://search-1:9200' : 'broker-1:9092';
    const message = `'${writtenPath(path)}' must list addresses such as '${example}', but '${String(error.data)}' is none`;
    return { where, message };
  }
  if (error.keyword === 'required') {
    const { missingProperty } = error.params as { missingProperty: string };
    return { where, message: `'${writtenPath(path)}' needs '${missingProperty}': add it` };
  }
  const isSecret = schemaAt(path)?.['x-secret'] === true;
  const actual = isSecret ? '' : `, but it is ${JSON.stringify(error.data)}`;
  return { where, message: `'${writtenPath(path)}' ${requirement(error)}${actual}` };
}

function requirement(error: ErrorObject): string {
  const params = error.params as { allowedValues?: readonly string[]; type?: string; format?: string };
  if (error.keyword === 'enum')
    return `must be ${(params.allowedValues ?? []).map((value) => `'${value}'`).join(', ')}`;
  if (error.keyword === 'format') {
    return params.format === 'uri'
      ? "must be an address such as 'https://millrace.example.org'"
      : "must be a duration such as 'PT5M' or '5m'";
  }
  if (error.keyword === 'type')
    return `must be ${{ integer: 'a whole number', boolean: 'true or false', array: 'a list', object: 'a map' }[params.type ?? ''] ?? 'text'}`;
  return error.message ?? 'is not valid';
}

function isHostAndPort(text: string): boolean {
  const [, port] = /^[^:/\s]+:(\d{1,5})$/.exec(text) ?? [];
  return port !== undefined && Number(port) > 0 && Number(port) < 65_536;
}

/** Settings of TLS without TLS: passwords would travel readable for everybody, and nobody would notice. */
function unencrypted(raw: Tree, settings: ReadonlyMap<string, Setting>): readonly ConfigurationProblem[] {
  const { kafka } = raw;
  if (!isPlainObject(kafka) || !isPlainObject(kafka['ssl']) || kafka['ssl']['enabled'] === true) return [];
  // Said of one: the others are settled with it. Whoever writes that TLS is off has decided it.
  if (settings.has('kafka.ssl.enabled')) return [];
  const given = [...settings.values()].find(({ path }) => path[0] === 'kafka' && path[1] === 'ssl');
  if (given === undefined) return [];
  const message = `'${writtenPath(given.path)}' has no effect without TLS: set 'kafka.ssl.enabled' to true, or to false if connections shall not be encrypted`;
  return [{ where: given.where, message }];
}

/** Kafka is of no use without an address. */
function missingBrokers(raw: Tree, settings: ReadonlyMap<string, Setting>): readonly ConfigurationProblem[] {
  const { queue, kafka } = raw;
  if (!isPlainObject(queue) || queue['type'] !== 'kafka' || !isPlainObject(kafka)) return [];
  const { brokers } = kafka;
  if (Array.isArray(brokers) ? brokers.length > 0 : brokers !== undefined) return [];
  const where = settings.get('queue.type')?.where ?? 'configuration';
  return [
    { where, message: "'queue.type' is 'kafka', which needs 'kafka.brokers': addresses such as 'localhost:9092'" },
  ];
}

/** Relations between values that are far apart in the schema. */
function conflicts(settings: ReadonlyMap<string, Setting>): readonly ConfigurationProblem[] {
  const both = (left: string, right: string): readonly ConfigurationProblem[] => {
    const first = settings.get(left);
    const second = settings.get(right);
    if (!first || !second) return [];
    const message = `'${writtenPath(second.path)}' and '${writtenPath(first.path)}' (${first.where}) say the same: keep one`;
    return [{ where: second.where, message }];
  };
  return [
    ...both('security.superAdmin.password', 'security.superAdmin.passwordFile'),
    ...both('security.superAdmin.username', 'server.basicAuth.username'),
    ...both('kafka.sasl.password', 'kafka.sasl.passwordFile'),
    ...both('elasticsearch.password', 'elasticsearch.passwordFile'),
  ];
}

/** Turns secrets into `Secret` and durations into milliseconds, and freezes. */
function finish(schema: SchemaNode, value: unknown): unknown {
  if (schema.properties) {
    const tree = value as Tree;
    const entries = Object.entries(schema.properties)
      .filter(([name]) => tree[name] !== undefined)
      .map(([name, child]) => [name, finish(child, tree[name])] as const);
    return Object.freeze(Object.fromEntries(entries));
  }
  if (typeof value === 'string' && schema['x-secret']) return new Secret(value);
  if (typeof value === 'string' && schema.format === 'duration') return durationMs(value);
  return value;
}
