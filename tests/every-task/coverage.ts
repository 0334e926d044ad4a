import { taskTree } from '@millrace/flow';
import { CommonTaskProperties, isPlainObject, type TaskTypeCatalog } from '@millrace/model';
import { definitionOf, type TaskCase } from './cases.js';

/** Properties that say nothing to the engine. */
const FOR_PEOPLE = new Set(['id', 'type', 'description', 'version']);
/** What all tasks have is tested once, for whichever type. */
const EVERY_TASK = 'every task';

const membersOf = (schema: unknown): readonly string[] => {
  const properties = isPlainObject(schema) ? schema['properties'] : undefined;
  return isPlainObject(properties) ? Object.keys(properties) : [];
};

const isCommon = (name: string): boolean => Object.hasOwn(CommonTaskProperties, name);

/** `type.property` and `type → output` of everything that the schemas of this installation declare. */
export function declared(catalog: TaskTypeCatalog): ReadonlySet<string> {
  const all = new Set(
    Object.keys(CommonTaskProperties)
      .filter((name) => !FOR_PEOPLE.has(name))
      .map((name) => `${EVERY_TASK}.${name}`),
  );
  for (const type of catalog.types) {
    const description = catalog.find(type);
    all.add(type);
    for (const name of membersOf(description?.schema)) if (!isCommon(name)) all.add(`${type}.${name}`);
    for (const name of membersOf(description?.outputs)) all.add(`${type} → ${name}`);
  }
  return all;
}

/** What a case uses in its flows and asserts of its outputs, in the words of `declared`. */
export function usedBy(one: TaskCase, catalog: TaskTypeCatalog): readonly string[] {
  return one.flows.flatMap((yaml) =>
    taskTree(definitionOf(yaml), catalog).flatMap(({ task, description }) => {
      if (!description) return [];
      const { type } = description;
      const outputs = one.tasks[task.id]?.outputs ?? {};
      return [
        type,
        ...Object.keys(task).map((name) => (isCommon(name) ? `${EVERY_TASK}.${name}` : `${type}.${name}`)),
        ...Object.keys(outputs).map((name) => `${type} → ${name}`),
      ];
    }),
  );
}
