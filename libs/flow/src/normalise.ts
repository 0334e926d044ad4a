import { FlowSource, Input, isPlainObject, taskSchema, type PlainObject } from '@millrace/model';
import type { Path } from './fault.js';
import type { Report } from './report.js';
import type { WrittenTask } from './task-tree.js';

/** Properties of a flow, a task or an input for which nothing is a value. */
const NULL_ALLOWED = new Set(['defaults', 'prefill', 'value', 'condition']);

/**
 * Removes optional properties that are written without a value (`description:`), with a warning for each: an empty line
 * is a slip, not a mistake. A required one stays, so that the schema refuses it. Changes the flow, which is the
 * caller's own.
 */
export function dropEmptyProperties(flow: PlainObject, tasks: readonly WrittenTask[], report: Report): void {
  dropEmpty(flow, FlowSource, [], report);
  const { inputs } = flow;
  if (Array.isArray(inputs))
    inputs.forEach((input: unknown, index) => dropEmpty(input, Input, ['inputs', index], report));
  for (const { value, path, description } of tasks) dropEmpty(value, description?.schema ?? ANY_TASK, path, report);
}

const ANY_TASK = taskSchema({}, 'Any task.');

function dropEmpty(value: unknown, schema: unknown, path: Path, report: Report): void {
  if (!isPlainObject(value)) return;
  const own: Record<string, unknown> = value;
  for (const name of Object.keys(own)) {
    if (own[name] !== null || NULL_ALLOWED.has(name) || !isOptional(schema, name)) continue;
    report.warning([...path, name], `'${name}' has no value and is ignored: give it one, or remove the line.`, {
      part: 'name',
    });
    delete own[name];
  }
}

function isOptional(schema: unknown, name: string): boolean {
  if (!isPlainObject(schema) || !isPlainObject(schema['properties'])) return false;
  const { required } = schema;
  return Object.hasOwn(schema['properties'], name) && !(Array.isArray(required) && required.includes(name));
}

/** The old names of properties, by where they stand, replaced by the current ones. Types stay as written. */
export function withCurrentNames(flow: PlainObject): PlainObject {
  const result = renamed(flow, 'taskDefaults', 'pluginDefaults');
  const { inputs } = result;
  if (!Array.isArray(inputs)) return withCurrentRetries(result);
  const current = inputs.map((input: unknown) =>
    isPlainObject(input) ? renamed(renamed(input, 'name', 'id'), 'options', 'values') : input,
  );
  return withCurrentRetries({ ...result, inputs: current });
}

function renamed(map: PlainObject, old: string, current: string): PlainObject {
  if (map[old] === undefined) return map;
  const entries = Object.entries(map).filter(([name]) => name !== old);
  return Object.fromEntries(map[current] === undefined ? [...entries, [current, map[old]]] : entries);
}

/** Retries stand on the flow and on tasks at any depth: they are told by their name and their `type`. */
function withCurrentRetries(value: PlainObject): PlainObject {
  const visit = (member: unknown, name: string): unknown => {
    if (Array.isArray(member)) return member.map((item: unknown) => visit(item, ''));
    if (!isPlainObject(member)) return member;
    if (name === 'retry' && typeof member['maxAttempt'] === 'number')
      return renamed(member, 'maxAttempt', 'maxAttempts');
    return Object.fromEntries(Object.entries(member).map(([key, inner]) => [key, visit(inner, key)]));
  };
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, visit(member, name)]));
}
