import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { parseDuration, DYNAMIC, isPlainObject, type PlainObject } from '@millrace/model';

export type SchemaError = ErrorObject<string, Record<string, unknown>, unknown>;

/** The errors of a value against one schema; none when it fits. */
export type SchemaCheck = (value: unknown) => readonly SchemaError[];

/** A text that is rendered before use. */
export const TEMPLATE_PATTERN = '\\{\\{|\\{%';

/** Parts of a schema that hold data or text, not schemas. */
const NOT_SCHEMAS = new Set([
  'default',
  'examples',
  'enum',
  'const',
  'required',
  'type',
  'pattern',
  'title',
  'description',
]);

/**
 * Compiles schemas of task types and of the flow. Where a schema says `x-dynamic`, and everywhere below, a text with an
 * expression is accepted in place of the typed value.
 */
export function createSchemaCompiler(): (schema: object) => SchemaCheck {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: false,
    validateFormats: true,
    logger: false,
    // The schemas come from code, not from users: checking them, and making their checks a little faster, takes longer
    // than all the flows of a short process.
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    code: { optimize: false },
  });
  ajv.addFormat('duration', (text: string) => parseDuration(text) !== undefined);
  return (schema) => {
    const validate: ValidateFunction = ajv.compile(acceptTemplates(schema, false));
    return (value) => (validate(value) ? [] : (validate.errors ?? []).map(asSchemaError));
  };
}

function asSchemaError(error: ErrorObject): SchemaError {
  const params: unknown = error.params;
  return { ...error, params: isPlainObject(params) ? { ...params } : {}, schema: error.schema };
}

/** A copy in which every dynamic schema also accepts a template. */
export function acceptTemplates(schema: object, below: boolean): PlainObject {
  const source: PlainObject = { ...schema };
  const dynamic = below || source[DYNAMIC] === true;
  const copy: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(source)) {
    copy[keyword] = NOT_SCHEMAS.has(keyword) ? value : acceptBelow(keyword, value, dynamic);
  }
  if (!dynamic || copy['x-tasks'] !== undefined) return copy;
  // `if/then/else` and not `anyOf`: the errors of `else` are those of the typed value alone.
  return { if: { type: 'string', pattern: TEMPLATE_PATTERN }, then: true, else: copy };
}

const MAPS_OF_SCHEMAS = new Set(['properties', 'patternProperties', '$defs', 'definitions']);

function acceptBelow(keyword: string, value: unknown, dynamic: boolean): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown) => (isPlainObject(item) ? acceptTemplates(item, dynamic) : item));
  if (!isPlainObject(value)) return value;
  if (!MAPS_OF_SCHEMAS.has(keyword)) return acceptTemplates(value, dynamic);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, isPlainObject(item) ? acceptTemplates(item, dynamic) : item]),
  );
}
