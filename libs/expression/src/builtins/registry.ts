import type { Filters, Functions, HostSignature, Tests } from './definition.js';
import { COLLECTION_FILTERS } from './collections.js';
import { CONTEXT_FUNCTIONS } from './context.js';
import { DECRYPT_FUNCTIONS } from './decrypt.js';
import { DATE_FILTERS, DATE_FUNCTIONS } from './dates.js';
import { ENCODING_FILTERS } from './encoding.js';
import { ION_FILTERS, ION_FUNCTIONS } from './ion.js';
import { JQ_FILTERS } from './jq.js';
import { JSON_FILTERS, JSON_FUNCTIONS } from './json.js';
import { NUMBER_FILTERS, NUMBER_FUNCTIONS } from './numbers.js';
import { RANDOM_FUNCTIONS } from './random.js';
import { REPLACE_FILTERS } from './replace.js';
import { STRING_FILTERS } from './strings.js';
import { TESTS as BUILTIN_TESTS } from './tests.js';
import { YAML_FILTERS, YAML_FUNCTIONS } from './yaml.js';

/** All filters. One file for each family; a new family is one line here. */
export const FILTERS: Filters = {
  ...STRING_FILTERS,
  ...REPLACE_FILTERS,
  ...COLLECTION_FILTERS,
  ...NUMBER_FILTERS,
  ...DATE_FILTERS,
  ...ENCODING_FILTERS,
  ...JSON_FILTERS,
  ...ION_FILTERS,
  ...YAML_FILTERS,
  ...JQ_FILTERS,
};

/** All tests, for `is` and `is not`. */
export const TESTS: Tests = BUILTIN_TESTS;

/** All functions that need nothing but the variables and the environment. */
export const FUNCTIONS: Functions = {
  ...CONTEXT_FUNCTIONS,
  ...NUMBER_FUNCTIONS,
  ...DATE_FUNCTIONS,
  ...JSON_FUNCTIONS,
  ...ION_FUNCTIONS,
  ...YAML_FUNCTIONS,
  ...DECRYPT_FUNCTIONS,
  ...RANDOM_FUNCTIONS,
};

/** Functions that the host answers, because they need files, secrets, key-values, keys or the network. */
export const HOST_FUNCTIONS: Readonly<Record<string, HostSignature>> = {
  read: { parameters: ['path', 'namespace', 'version'], required: 1 },
  fileURI: { parameters: ['path', 'namespace', 'version'], required: 1 },
  fileSize: { parameters: ['path', 'namespace', 'version'], required: 1 },
  fileExists: { parameters: ['path', 'namespace', 'version'], required: 1 },
  isFileEmpty: { parameters: ['path', 'namespace', 'version'], required: 1 },
  secret: { parameters: ['key', 'namespace', 'subkey'], required: 1 },
  kv: { parameters: ['key', 'namespace', 'errorOnMissing'], required: 1 },
  encrypt: { parameters: ['key', 'plaintext'], required: 2 },
  http: {
    parameters: ['uri', 'method', 'query', 'body', 'contentType', 'headers', 'options', 'accept'],
    required: 1,
  },
  randomPort: { parameters: [], required: 0 },
};

/** The names of the arguments of a function of the host, in order; none for a name that is no such function. */
export function hostParameters(name: string): readonly string[] {
  return Object.hasOwn(HOST_FUNCTIONS, name) ? (HOST_FUNCTIONS[name]?.parameters ?? []) : [];
}

/** Known to the language but not built: the error says so instead of "unknown". */
export const UNAVAILABLE: Readonly<Record<'filter' | 'test' | 'function', ReadonlySet<string>>> = {
  filter: new Set(['escape', 'raw', 'numberformat']),
  test: new Set(),
  function: new Set(['i18n', 'parent']),
};
