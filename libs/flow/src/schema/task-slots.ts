import { isPlainObject, type PlainObject } from '@millrace/model';
import type { Path } from '../fault.js';

/** A place of a task that holds other tasks. `path` is counted from the task. */
export interface ChildSlot {
  readonly path: Path;
  readonly value: unknown;
}

/**
 * The tasks directly inside a value, found by `x-tasks` in its schema: `list` (a list of tasks), `map` (lists by
 * name), `one` or `task` (one task), `dag` (a list of `{ task, dependsOn }`); at any depth of the schema.
 */
export function childSlots(schema: unknown, value: unknown): readonly ChildSlot[] {
  const slots: ChildSlot[] = [];
  collect(schema, value, [], slots);
  return slots;
}

function collect(schema: unknown, value: unknown, path: Path, slots: ChildSlot[]): void {
  if (!isPlainObject(schema) || value === null || typeof value !== 'object') return;
  const kind = schema['x-tasks'];
  if (kind === 'one' || kind === 'task') slots.push({ path, value });
  else if (kind === 'list') slots.push(...items(value, path));
  else if (kind === 'dag') slots.push(...dagItems(value, path));
  else if (kind === 'map')
    for (const [name, list] of Object.entries(value)) slots.push(...items(list, [...path, name]));
  else collectBelow(schema, value, path, slots);
}

function collectBelow(schema: PlainObject, value: object, path: Path, slots: ChildSlot[]): void {
  if (Array.isArray(value)) {
    if (!holdsTasks(schema['items'])) return;
    value.forEach((item, index) => collect(schema['items'], item, [...path, index], slots));
    return;
  }
  const properties = schema['properties'];
  if (!isPlainObject(properties) || !isPlainObject(value)) return;
  for (const [name, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, name) && holdsTasks(property)) collect(property, value[name], [...path, name], slots);
  }
}

function items(list: unknown, path: Path): ChildSlot[] {
  return Array.isArray(list) ? list.map((value: unknown, index) => ({ path: [...path, index], value })) : [];
}

function dagItems(list: unknown, path: Path): ChildSlot[] {
  return items(list, path).flatMap(({ path: place, value }) =>
    isPlainObject(value) && value['task'] !== undefined ? [{ path: [...place, 'task'], value: value['task'] }] : [],
  );
}

const known = new WeakMap<object, boolean>();

function holdsTasks(schema: unknown): boolean {
  if (!isPlainObject(schema)) return false;
  const before = known.get(schema);
  if (before !== undefined) return before;
  const inside = [schema['items'], ...(isPlainObject(schema['properties']) ? Object.values(schema['properties']) : [])];
  const holds = schema['x-tasks'] !== undefined || inside.some(holdsTasks);
  known.set(schema, holds);
  return holds;
}

/** Where a task of an unknown type surely has tasks: lists of maps that have an id and a type. */
export function guessedSlots(task: PlainObject): readonly ChildSlot[] {
  return Object.entries(task).flatMap(([name, value]) => {
    if (Array.isArray(value)) return items(value, [name]).flatMap((slot) => looksLikeTask(slot));
    if (!isPlainObject(value) || name === 'retry') return [];
    return Object.entries(value).flatMap(([key, list]) =>
      items(list, [name, key]).flatMap((slot) => looksLikeTask(slot)),
    );
  });
}

function looksLikeTask(slot: ChildSlot): readonly ChildSlot[] {
  if (!isPlainObject(slot.value)) return [];
  const inner = slot.value['task'];
  if (isPlainObject(inner)) return looksLikeTask({ path: [...slot.path, 'task'], value: inner });
  return typeof slot.value['id'] === 'string' &&
    typeof slot.value['type'] === 'string' &&
    /[.]/.test(slot.value['type'])
    ? [slot]
    : [];
}
