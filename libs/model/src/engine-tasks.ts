import { CHILD_EXECUTION_TASKS } from './child-execution-tasks.js';
import { FLOWABLE_TASKS } from './flowable-tasks.js';
import type { TaskTypeDescription } from './task-types.js';
import { UPDATING_TASKS } from './updating-tasks.js';

/** Every task type that the engine itself decides; no plugin brings them. */
export const ENGINE_TASKS: readonly TaskTypeDescription[] = [
  ...FLOWABLE_TASKS,
  ...CHILD_EXECUTION_TASKS,
  ...UPDATING_TASKS,
];
