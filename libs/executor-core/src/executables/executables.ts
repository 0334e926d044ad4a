import { ITEM_TASKS } from '@millrace/model';
import type { Executable } from './executable.js';
import { items } from './items.js';
import { subflow } from './subflow.js';

/** Every task type that starts executions, by the short form of its type. */
export const EXECUTABLES: ReadonlyMap<string, Executable> = new Map([
  ['core.flow.Subflow', subflow],
  ['core.flow.Flow', subflow],
  [ITEM_TASKS.items, items],
]);
