import { isPlainObject, type PlainObject } from '@millrace/model';
import { fromJson, refuse, type Convert, type Issue } from './conversion.js';
import { compileObject } from './convert-object.js';
import { checkText, toBoolean, toNumber, toText } from './convert-scalar.js';

/** Keywords that say something to people or tools and nothing about which values fit. */
const ANNOTATIONS = [
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$id',
  '$comment',
];
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  string: ['type', 'enum', 'const', 'minLength', 'maxLength', 'pattern', 'format'],
  integer: ['type', 'enum', 'const', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  number: ['type', 'enum', 'const', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  boolean: ['type', 'const', 'enum'],
  null: ['type'],
  array: ['type', 'items', 'minItems', 'maxItems'],
  object: ['type', 'properties', 'required', 'additionalProperties', 'patternProperties'],
  any: [],
  union: ['anyOf', 'oneOf'],
};

/**
 * Compiles a schema to a function, once for each task type. Supported is what TypeBox's `Object`, `Record`, `Array`,
 * `Union`, `Literal`, `String`, `Number`, `Integer`, `Boolean`, `Null`, `Unknown` make, and `enum`.
 * @throws Error that names the keyword that is not supported
 */
export function compileSchema(schema: PlainObject, where: string): Convert {
  const kind = kindOf(schema, where);
  for (const keyword of Object.keys(schema)) {
    if (ANNOTATIONS.includes(keyword) || keyword.startsWith('x-') || KEYWORDS[kind]?.includes(keyword)) continue;
    throw new Error(`The schema of ${where} uses '${keyword}' with ${kind}, which properties cannot be checked by`);
  }
  switch (kind) {
    case 'union':
      return compileUnion(schema, where);
    case 'object':
      return compileObject(schema, where, compileSchema);
    case 'array':
      return compileArray(schema, where);
    case 'string':
      return scalar(schema, toText, 'text');
    case 'integer':
      return scalar(schema, (value, convert) => toNumber(value, convert, true), 'a whole number');
    case 'number':
      return scalar(schema, (value, convert) => toNumber(value, convert, false), 'a number');
    case 'boolean':
      return scalar(schema, toBoolean, 'true or false');
    case 'null':
      return (value, at) => (value === null ? null : refuse(at, value, 'nothing'));
    default:
      return (value) => value;
  }
}

function kindOf(schema: PlainObject, where: string): string {
  if (Array.isArray(schema['anyOf']) || Array.isArray(schema['oneOf'])) return 'union';
  const type = schema['type'];
  if (Array.isArray(type)) throw new Error(`The schema of ${where} has a list of types; use a union of schemas`);
  if (typeof type === 'string') {
    if (KEYWORDS[type]) return type;
    throw new Error(`The schema of ${where} has the unknown type '${type}'`);
  }
  const literal =
    schema['const'] ?? (Array.isArray(schema['enum']) ? (schema['enum'] as readonly unknown[])[0] : undefined);
  if (literal !== undefined) return typeof literal;
  return 'any';
}

function scalar(
  schema: PlainObject,
  to: (value: unknown, convert: boolean) => string | number | boolean | undefined,
  expected: string,
): Convert {
  const check = checkText(schema);
  return (value, at) => {
    const converted = to(value, at.convert);
    if (converted === undefined) return refuse(at, value, expected);
    const checked = check(converted, at.convert);
    if ('value' in checked) return checked.value;
    return refuse(at, value, checked.expected);
  };
}

function compileArray(schema: PlainObject, where: string): Convert {
  const items = isPlainObject(schema['items']) ? compileSchema(schema['items'], where) : undefined;
  const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0;
  const most = typeof schema['maxItems'] === 'number' ? schema['maxItems'] : Number.POSITIVE_INFINITY;
  return (given, at) => {
    const value = at.convert ? fromJson(given, '[') : given;
    if (!Array.isArray(value)) return refuse(at, given, 'a list');
    if (value.length < least) return refuse(at, value, `a list of at least ${least}`);
    if (value.length > most) return refuse(at, value, `a list of at most ${most}`);
    if (!items) return value;
    return value.map((item, index) => items(item, { ...at, path: `${at.path}[${index}]` }));
  };
}

/** A value that fits as it is comes first, then one that fits after conversion, both in the order of the schema. */
function compileUnion(schema: PlainObject, where: string): Convert {
  const schemas = [schema['anyOf'], schema['oneOf']].flat().filter(isPlainObject);
  const compiled = schemas.map((alternative) => ({
    text: kindOf(alternative, where) === 'string',
    convert: compileSchema(alternative, where),
  }));
  const alternatives = compiled.map(({ convert }) => convert);
  // A list or map becomes text only when nothing else takes it.
  const textLast = [...compiled]
    .sort((one, other) => Number(one.text) - Number(other.text))
    .map(({ convert }) => convert);
  return (value, at) => {
    let nearest: readonly Issue[] | undefined;
    for (const convert of at.convert ? [false, true] : [false]) {
      for (const alternative of typeof value === 'object' ? textLast : alternatives) {
        const issues: Issue[] = [];
        const converted = alternative(value, { path: at.path, convert, issues });
        if (issues.length === 0) return converted;
        // Mistakes inside a map or list show which alternative was meant.
        if (issues.every(({ path }) => path !== at.path)) nearest = issues;
      }
    }
    if (nearest) at.issues.push(...nearest);
    else refuse(at, value, 'of another type or value; see the documentation of the task');
    return value;
  };
}
