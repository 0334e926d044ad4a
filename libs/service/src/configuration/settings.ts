import {
  ALIASES,
  CONFIGURATION_ROOT,
  camelCase,
  configurationLeaves,
  writtenPath,
  type Leaf,
  type SchemaNode,
} from './schema.js';
import type { ConfigurationProblem } from './problem.js';
import { nearestKey } from './nearest-key.js';

/** A value somebody gave, and where. */
export interface Setting {
  /** In camel case, aliases resolved. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** `millrace.yml:3:5`, the name of an environment variable or of a flag. */
  readonly where: string;
}

/** What one source gave, and what of it cannot be used. */
export interface Settings {
  readonly settings: readonly Setting[];
  readonly problems: readonly ConfigurationProblem[];
}

const LEAVES: readonly Leaf[] = configurationLeaves();
const KNOWN_KEYS: readonly string[] = LEAVES.map(({ path }) => writtenPath(path));
const REFERENCE_PREFIX = 'kestra';

/** The schema's path for a path as written: camel case, aliases replaced. */
export function schemaPath(written: readonly string[]): readonly string[] {
  const path = written.map(camelCase);
  for (const [alias, target] of Object.entries(ALIASES)) {
    const names = alias.split('.');
    if (names.every((name, index) => path[index] === name)) return [...target.split('.'), ...path.slice(names.length)];
  }
  return path;
}

/** The node of the schema at `path`; undefined when there is none. */
export function schemaAt(path: readonly string[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = CONFIGURATION_ROOT;
  for (const name of path) {
    node = node?.properties && Object.hasOwn(node.properties, name) ? node.properties[name] : undefined;
  }
  return node;
}

/** Why a key as written is refused, and what to write instead. */
export function unknownKeyMessage(written: readonly string[]): string {
  const key = written.join('.');
  if (written[0] === REFERENCE_PREFIX || key.startsWith(`${REFERENCE_PREFIX}.`)) return referenceKeyMessage(key);
  const nearest = nearestKey(key, KNOWN_KEYS);
  return `'${key}' is not a configuration key${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`;
}

function referenceKeyMessage(key: string): string {
  const withoutPrefix = key.slice(REFERENCE_PREFIX.length + 1);
  const renamed = writtenPath(schemaPath(withoutPrefix.split('.')));
  if (withoutPrefix !== '' && KNOWN_KEYS.some((known) => known === renamed || known.startsWith(`${renamed}.`))) {
    return `'${key}' is called '${renamed}' here: write it without the prefix '${REFERENCE_PREFIX}.'`;
  }
  return `'${key}': keys are written without the prefix '${REFERENCE_PREFIX}.' here, and there is no '${withoutPrefix}'`;
}
