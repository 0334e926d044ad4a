import { Type } from '@sinclair/typebox';
import { TaskList, taskSchema } from './flow.js';
import { Dynamic, Duration, MapOf } from './schema.js';
import { taskFileProperties } from './task-files.js';
import type { TaskTypeDescription } from './task-types.js';

const title = 'Runs its tasks one after the other on one worker, in one directory.';

/** What a WorkingDirectory has besides its lists of tasks. */
export const workingDirectoryProperties = {
  ...taskFileProperties,
  cache: Type.Optional(
    Type.Object(
      {
        ttl: Type.Optional(Dynamic(Duration({ description: 'An older cache is not used.' }))),
        patterns: Dynamic(
          Type.Array(Type.String(), { minItems: 1, description: 'Patterns of the files that are kept.' }),
        ),
      },
      { additionalProperties: false, description: 'Files that the next execution of the flow finds again.' },
    ),
  ),
} as const;

/** `core.flow.WorkingDirectory` (spec tasks.md §1). */
export const WORKING_DIRECTORY_TASK: TaskTypeDescription = {
  type: 'core.flow.WorkingDirectory',
  aliases: ['io.kestra.core.tasks.flows.WorkingDirectory', 'io.kestra.core.tasks.flows.Worker'],
  kind: 'flowable',
  title,
  schema: taskSchema(
    {
      tasks: TaskList('Run in order in one directory; only tasks that a worker runs.', 1),
      errors: Type.Optional(TaskList('Run one after the other when a task of this block failed.')),
      finally: Type.Optional(TaskList('Run after the tasks of this block in every outcome.')),
      ...workingDirectoryProperties,
    },
    title,
  ),
  outputs: Type.Object({ outputFiles: MapOf(Type.String(), { description: 'URIs of the kept files by name.' }) }),
};
