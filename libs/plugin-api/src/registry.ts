import { aliasesOf, ENGINE_TASKS, shortType, taskTypeCatalog, type TaskTypeCatalog } from '@millrace/model';
import { compileProperties } from './properties.js';
import type { ExpressionFunction, Plugin, TaskType } from './task-type.js';

/** The task types of an installation: what a flow may name, and the code that runs it. */
export interface TaskTypeRegistry {
  /** Every type, those with children included. */
  readonly catalog: TaskTypeCatalog;
  /** By any accepted spelling; undefined for unknown types and for those with children, which no worker runs. */
  find(type: string): TaskType | undefined;
  /** A function of expressions; absent in registries that run none. */
  readonly findFunction?: (name: string) => ExpressionFunction | undefined;
}

/**
 * The registry over `plugins`.
 * @throws Error when two types share a name, or a type's schema uses what properties cannot be checked by
 */
export function createTaskTypeRegistry(plugins: readonly Plugin[]): TaskTypeRegistry {
  const taskTypes = plugins.flatMap((plugin) => plugin.tasks);
  const byName = new Map<string, TaskType>();
  for (const taskType of taskTypes) {
    compileProperties(taskType);
    for (const name of [taskType.type, ...aliasesOf(taskType.type, taskType.aliases)])
      byName.set(shortType(name), taskType);
  }
  const functions = new Map(plugins.flatMap((plugin) => Object.entries(plugin.functions ?? {})));
  return {
    catalog: taskTypeCatalog([...ENGINE_TASKS, ...taskTypes.filter(({ internal }) => internal !== true)]),
    find: (type) => byName.get(shortType(type)),
    findFunction: (name) => functions.get(name),
  };
}
