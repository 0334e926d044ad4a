import type { TSchema } from '@sinclair/typebox';
import { aliasesOf } from './task-aliases.js';

/**
 * `flowable`: has children, decided by the executor. `runnable`: run by a worker; `inline` ones are pure functions of
 * their rendered properties and are decided by the executor in the same transaction. `updating`: changes the execution,
 * decided by the executor. `executable`: starts executions.
 */
export type TaskKind = 'flowable' | 'runnable' | 'updating' | 'executable';

/** What the flow's validator and the documentation know of a task type: data, no code. */
export interface TaskTypeDescription {
  /** The short form, such as `core.log.Log`. */
  readonly type: string;
  /** Older names, in the short form. */
  readonly aliases?: readonly string[];
  readonly kind: TaskKind;
  /** One sentence for people. */
  readonly title: string;
  /** Object schema made by `taskSchema`. */
  readonly schema: TSchema;
  /** Schema of the outputs; absent when there are none. */
  readonly outputs?: TSchema;
  readonly deprecated?: boolean;
  /** Part of another type: no flow may name it. */
  readonly internal?: true;
}

/** The task types that this installation knows. */
export interface TaskTypeCatalog {
  /** By any accepted spelling (short, with the reference's prefix, alias). */
  find(type: string): TaskTypeDescription | undefined;
  /** Short forms, sorted, for suggestions and documentation. */
  readonly types: readonly string[];
}

const REFERENCE_PREFIX = 'io.kestra.plugin.';

/** The short form of a type's name; names of the reference product are accepted with their prefix. */
export const shortType = (type: string): string =>
  type.startsWith(REFERENCE_PREFIX) ? type.slice(REFERENCE_PREFIX.length) : type;

/** A catalog over `descriptions`; two types of one name are a mistake of the installation and refused. */
export function taskTypeCatalog(descriptions: readonly TaskTypeDescription[]): TaskTypeCatalog {
  const byName = new Map<string, TaskTypeDescription>();
  for (const description of descriptions) {
    for (const name of [description.type, ...aliasesOf(description.type, description.aliases)]) {
      if (byName.has(name))
        throw new Error(`Two task types are called '${name}': remove one of the plugins that bring it`);
      byName.set(name, description);
    }
  }
  return {
    find: (type) => byName.get(shortType(type)),
    types: descriptions.map((description) => description.type).sort(),
  };
}
