import {
  aliasesOf,
  DYNAMIC,
  FlowSource,
  isPlainObject,
  type PlainObject,
  type TaskTypeCatalog,
  type TaskTypeDescription,
} from '@millrace/model';
import { TEMPLATE_PATTERN } from './schema/compile.js';

const REFERENCE_PREFIX = 'io.kestra.plugin.';

/**
 * One JSON Schema (draft-07) of the whole flow for editors: completion, hover and marks while typing. Made from the
 * same schemas as `parseFlow` checks with, so it accepts what that accepts, apart from relations between properties.
 */
export function flowJsonSchema(catalog: TaskTypeCatalog): PlainObject {
  const descriptions = catalog.types.flatMap((type) => catalog.find(type) ?? []);
  const definitions = Object.fromEntries(
    descriptions.map((description) => [definitionName(description), taskDefinition(description)]),
  );
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Millrace flow',
    ...asObject(forEditors(FlowSource, false)),
    definitions: {
      task: {
        type: 'object',
        required: ['id', 'type'],
        oneOf: descriptions.map((description) => ({ $ref: `#/definitions/${definitionName(description)}` })),
      },
      ...definitions,
    },
  };
}

const definitionName = (description: TaskTypeDescription): string => `task.${description.type}`;

function taskDefinition(description: TaskTypeDescription): PlainObject {
  const schema = asObject(forEditors(description.schema, false));
  const spellings = [
    description.type,
    `${REFERENCE_PREFIX}${description.type}`,
    ...aliasesOf(description.type, description.aliases),
  ];
  // The current spelling alone is offered; the others are accepted.
  const type = { description: description.title, anyOf: [{ const: description.type }, { enum: spellings }] };
  return {
    ...schema,
    title: description.type,
    properties: { ...asObject(schema['properties']), type },
    ...(description.deprecated === true ? { deprecated: true } : {}),
  };
}

const TASK = { $ref: '#/definitions/task' };
const TASKS_BY_KIND: Readonly<Record<string, PlainObject>> = {
  list: { items: TASK },
  map: { additionalProperties: { type: 'array', items: TASK } },
  one: { allOf: [TASK] },
  task: { allOf: [TASK] },
  dag: {
    items: {
      type: 'object',
      properties: { task: TASK, dependsOn: { type: 'array', items: { type: 'string' } } },
      required: ['task'],
      additionalProperties: false,
    },
  },
};

/** Copies a schema without our own keywords: tasks are referred to, and dynamic places accept a template as well. */
function forEditors(value: unknown, below: boolean): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => forEditors(item, below));
  if (!isPlainObject(value)) return value;
  const dynamic = below || value[DYNAMIC] === true;
  const copy: Record<string, unknown> = {};
  for (const [keyword, member] of Object.entries(value)) {
    if (!keyword.startsWith('x-')) copy[keyword] = keywordForEditors(keyword, member, dynamic);
  }
  const kind = value['x-tasks'];
  if (typeof kind === 'string') return { ...copy, ...TASKS_BY_KIND[kind] };
  const acceptsAll =
    copy['type'] === 'string' &&
    copy['format'] === undefined &&
    copy['pattern'] === undefined &&
    copy['enum'] === undefined;
  if (!dynamic || acceptsAll || !isTyped(copy)) return copy;
  const { description, ...typed } = copy;
  const alternatives = { anyOf: [typed, { type: 'string', pattern: TEMPLATE_PATTERN }] };
  return description === undefined ? alternatives : { description, ...alternatives };
}

const DATA_KEYWORDS = new Set(['default', 'examples', 'enum', 'const', 'required', 'type']);
const MAPS_OF_SCHEMAS = new Set(['properties', 'patternProperties', '$defs', 'definitions']);

function keywordForEditors(keyword: string, member: unknown, dynamic: boolean): unknown {
  if (DATA_KEYWORDS.has(keyword)) return member;
  if (!MAPS_OF_SCHEMAS.has(keyword) || !isPlainObject(member)) return forEditors(member, dynamic);
  return Object.fromEntries(Object.entries(member).map(([name, schema]) => [name, forEditors(schema, dynamic)]));
}

const isTyped = (schema: PlainObject): boolean =>
  ['type', 'anyOf', 'oneOf', 'enum', 'const', 'allOf'].some((keyword) => schema[keyword] !== undefined);

const asObject = (value: unknown): PlainObject => (isPlainObject(value) ? value : {});
