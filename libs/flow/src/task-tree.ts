import {
  SECTIONS,
  type Section,
  isPlainObject,
  type FlowSource,
  type PlainObject,
  type TaskDefinition,
  type TaskTypeCatalog,
  type TaskTypeDescription,
} from '@millrace/model';
import type { Path } from './fault.js';
import { childSlots, guessedSlots } from './schema/task-slots.js';

/** Which list of the flow a task belongs to; those of listeners run after the end, before `afterExecution`. */
export type TaskPlace = Section | 'listeners';

/** A task as found in a flow, before it is known to be well-formed. */
export interface WrittenTask {
  readonly value: PlainObject;
  readonly path: Path;
  readonly section: TaskPlace;
  readonly parent: WrittenTask | undefined;
  /** Undefined for a type that the catalog does not know. */
  readonly description: TaskTypeDescription | undefined;
}

/**
 * All tasks of a flow, those of listeners last, parents before children; what is no map is left out. Stops after
 * `max` tasks.
 */
export function writtenTasks(
  flow: PlainObject,
  catalog: TaskTypeCatalog,
  max = Number.POSITIVE_INFINITY,
): WrittenTask[] {
  const found: WrittenTask[] = [];
  const visit = (value: unknown, path: Path, section: TaskPlace, parent: WrittenTask | undefined): void => {
    if (!isPlainObject(value) || found.length >= max) return;
    const type = value['type'];
    const description = typeof type === 'string' ? catalog.find(type) : undefined;
    const task: WrittenTask = { value, path, section, parent, description };
    found.push(task);
    const slots = description === undefined ? guessedSlots(value) : childSlots(description.schema, value);
    for (const slot of slots) visit(slot.value, [...path, ...slot.path], section, task);
  };
  const visitList = (list: unknown, path: Path, section: TaskPlace): void => {
    if (Array.isArray(list)) list.forEach((item: unknown, index) => visit(item, [...path, index], section, undefined));
  };
  for (const section of SECTIONS) visitList(flow[section], [section], section);
  const { listeners } = flow;
  if (!Array.isArray(listeners)) return found;
  listeners.forEach((listener: unknown, index) => {
    if (isPlainObject(listener)) visitList(listener['tasks'], ['listeners', index, 'tasks'], 'listeners');
  });
  return found;
}

/** The tasks directly inside a task, of all its lists, in the order of the text. */
export function childTasks(task: PlainObject, catalog: TaskTypeCatalog): readonly unknown[] {
  const { type } = task;
  const description = typeof type === 'string' ? catalog.find(type) : undefined;
  const slots = description === undefined ? guessedSlots(task) : childSlots(description.schema, task);
  return slots.map(({ value }) => value);
}

/** A task of a valid flow and where it stands. */
export interface TaskNode {
  readonly task: TaskDefinition;
  readonly path: Path;
  readonly section: TaskPlace;
  readonly parentId: string | undefined;
  readonly description: TaskTypeDescription | undefined;
}

/** All tasks of a valid flow in the order of the text, parents before children. */
export function taskTree(definition: FlowSource, catalog: TaskTypeCatalog): TaskNode[] {
  return writtenTasks({ ...definition }, catalog).flatMap(({ value, path, section, parent, description }) => {
    if (!isTask(value)) return [];
    const parentId = parent?.value['id'];
    return [{ task: value, path, section, parentId: typeof parentId === 'string' ? parentId : undefined, description }];
  });
}

const isTask = (value: PlainObject): value is TaskDefinition =>
  typeof value['id'] === 'string' && typeof value['type'] === 'string';
