import type { TSchema } from '@sinclair/typebox';
import { CommonTaskProperties, isPlainObject, type PlainObject, type TaskDefinition } from '@millrace/model';
import type { Convert, Issue } from './conversion.js';
import { compileSchema } from './convert.js';
import type { TaskType } from './task-type.js';

/** Rendered properties, converted to the types of their schema; or what is wrong with them, a sentence for each. */
export type CheckedProperties =
  { readonly ok: true; readonly properties: PlainObject } | { readonly ok: false; readonly errors: readonly string[] };

/** So many mistakes are told; one is enough to fail. */
const ERRORS_MAX = 10;

const compiled = new WeakMap<TaskType, Convert>();

/**
 * Prepares the check of a type's properties; done once for each type.
 * @throws Error when its schema uses a keyword that is not supported
 */
export function compileProperties(taskType: TaskType): Convert {
  let convert = compiled.get(taskType);
  if (!convert) {
    convert = compileSchema(taskType.schema, `task type ${taskType.type}`);
    compiled.set(taskType, convert);
  }
  return convert;
}

/**
 * Converts rendered properties to the types that the schema names (text to numbers, booleans, lists and so on) and
 * checks them. `rendered` has the task's own properties; those common to all tasks may be there and are not checked.
 */
export function checkProperties(taskType: TaskType, rendered: PlainObject): CheckedProperties {
  const issues: Issue[] = [];
  // Names that every task has but that say nothing to its code.
  const given = { ...rendered, id: rendered['id'] ?? 'task', type: rendered['type'] ?? taskType.type };
  const properties = compileProperties(taskType)(given, { path: '', convert: true, issues });
  if (issues.length === 0 && isPlainObject(properties)) return { ok: true, properties };
  const errors = issues.slice(0, ERRORS_MAX).map(({ path, problem }) => `Property '${path}' ${problem}`);
  if (issues.length > ERRORS_MAX) errors.push(`${issues.length - ERRORS_MAX} more mistakes in the properties`);
  return { ok: false, errors };
}

/**
 * What of a task has to be rendered before it runs: the properties of its own type that were given, without those that
 * the task renders itself, and without empty ones (`body:` with nothing behind it is as if it were not there).
 */
export function propertiesToRender(taskType: TaskType, task: TaskDefinition): PlainObject {
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(task)) {
    if (Object.hasOwn(CommonTaskProperties, name) || value === null || value === undefined) continue;
    if (taskType.rendersItself?.includes(name)) continue;
    own[name] = value;
  }
  return own;
}

/** The given properties that the task renders itself, as they were written. */
export function propertiesLeftAsWritten(taskType: TaskType, task: TaskDefinition): PlainObject {
  const names = (taskType.rendersItself ?? []).filter((name) => task[name] !== undefined && task[name] !== null);
  return Object.fromEntries(names.map((name) => [name, task[name]]));
}

/** True for a property that takes nothing but text: what is rendered for it is text, never parsed as JSON. */
export function isTextProperty(taskType: TaskType, name: string): boolean {
  const properties: unknown = taskType.schema['properties'];
  const schema: unknown = isPlainObject(properties) ? properties[name] : undefined;
  return isPlainObject(schema) && (schema as TSchema)['type'] === 'string';
}
