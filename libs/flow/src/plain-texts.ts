import { FlowSource, Input, isPlainObject, type PlainObject } from '@millrace/model';
import type { Path } from './fault.js';
import type { Report } from './report.js';
import { COMMON_SCHEMA } from './checks/tasks.js';
import type { WrittenTask } from './task-tree.js';

/**
 * Reads numbers, and `true` and `false`, as the text that is written where a text is meant: `format: 1` is `format: "1"`.
 * Words that YAML reads as booleans (`on`, `no`) stay what they are, so that the schema tells of them. Changes the flow,
 * which is the caller's own.
 */
export function readPlainTexts(flow: PlainObject, tasks: readonly WrittenTask[], report: Report): void {
  const { inputs } = flow;
  readInside(flow, FlowSource, [], report);
  if (Array.isArray(inputs)) {
    inputs.forEach((input: unknown, index) => readInside(input, Input, ['inputs', index], report));
  }
  for (const { value, path, description } of tasks) {
    readInside(value, description?.schema ?? COMMON_SCHEMA, path, report);
  }
}

function readInside(value: unknown, schema: unknown, path: Path, report: Report): void {
  if (!isPlainObject(schema)) return;
  if (Array.isArray(value)) {
    const own: unknown[] = value;
    own.forEach((item, index) => {
      own[index] = read(item, schema['items'], [...path, index], report);
    });
    return;
  }
  if (!isPlainObject(value)) return;
  const own: Record<string, unknown> = value;
  const { properties } = schema;
  const known = isPlainObject(properties) ? properties : {};
  const others = isPlainObject(schema['patternProperties'])
    ? Object.values(schema['patternProperties'])[0]
    : schema['additionalProperties'];
  for (const name of Object.keys(own)) {
    own[name] = read(own[name], Object.hasOwn(known, name) ? known[name] : others, [...path, name], report);
  }
}

function read(value: unknown, schema: unknown, path: Path, report: Report): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') {
    if (!meansText(schema)) return value;
    const written = report.writtenAt(path) ?? String(value);
    return typeof value === 'number' || /^(?:true|false)$/i.test(written) ? written : value;
  }
  // Tasks inside are read by themselves, with the schema of their own type.
  if (typeof value === 'object' && value !== null && isPlainObject(schema) && schema['x-tasks'] === undefined) {
    readInside(value, shapeOf(schema, Array.isArray(value) ? 'array' : 'object'), path, report);
  }
  return value;
}

/** Of alternatives the first for lists or for maps. */
function shapeOf(schema: PlainObject, type: 'array' | 'object'): unknown {
  const { anyOf } = schema;
  return Array.isArray(anyOf) ? anyOf.find((one: unknown) => isPlainObject(one) && one['type'] === type) : schema;
}

const NARROWER = ['enum', 'const', 'format'];

/** A text of the author's choice, and nothing that a number or boolean could be itself. */
function meansText(schema: unknown): boolean {
  if (!isPlainObject(schema)) return false;
  const { anyOf, type } = schema;
  if (Array.isArray(anyOf)) return anyOf.some(meansText) && !anyOf.some(acceptsScalars);
  return type === 'string' && NARROWER.every((keyword) => schema[keyword] === undefined);
}

function acceptsScalars(schema: unknown): boolean {
  if (!isPlainObject(schema)) return true;
  const { anyOf, type } = schema;
  if (Array.isArray(anyOf)) return anyOf.some(acceptsScalars);
  const types = Array.isArray(type) ? type : [type];
  return types.some((one) => one === undefined || one === 'number' || one === 'integer' || one === 'boolean');
}
