import { Type } from '@sinclair/typebox';
import { TaskList, TaskListMap, taskSchema } from './flow.js';
import { Dynamic } from './schema.js';
import type { TaskTypeDescription } from './task-types.js';
import { WORKING_DIRECTORY_TASK } from './working-directory-task.js';

const branches = {
  errors: Type.Optional(TaskList('Run one after the other when a task of this block failed.')),
  finally: Type.Optional(TaskList('Run after the tasks of this block in every outcome.')),
} as const;

const condition = Dynamic(Type.Union([Type.String(), Type.Boolean(), Type.Number(), Type.Null()]));

/** The task types with children (spec tasks.md §1); what they do is in libs/executor-core/src/tasks. */
export const FLOWABLE_TASKS: readonly TaskTypeDescription[] = [
  WORKING_DIRECTORY_TASK,
  {
    type: 'core.flow.Sequential',
    aliases: ['io.kestra.core.tasks.flows.Sequential'],
    kind: 'flowable',
    title: 'Runs its tasks one after the other.',
    schema: taskSchema({ tasks: TaskList('Run in order.', 1), ...branches }, 'Runs its tasks one after the other.'),
  },
  {
    type: 'core.flow.Parallel',
    aliases: ['io.kestra.core.tasks.flows.Parallel'],
    kind: 'flowable',
    title: 'Runs its tasks at the same time.',
    schema: taskSchema(
      {
        tasks: TaskList('Run side by side.', 1),
        concurrent: Type.Optional(
          Type.Integer({ minimum: 0, default: 0, description: 'At most so many at a time; 0 is no limit.' }),
        ),
        ...branches,
      },
      'Runs its tasks at the same time.',
    ),
  },
  {
    type: 'core.flow.ForEach',
    kind: 'flowable',
    title: 'Runs its tasks for each value of a list.',
    schema: taskSchema(
      {
        values: Dynamic(
          Type.Union([Type.String(), Type.Array(Type.Unknown())], {
            description: 'A list, or an expression that gives one.',
          }),
        ),
        concurrencyLimit: Type.Optional(
          Type.Integer({ minimum: 0, default: 1, description: 'Values at a time; 0 is no limit.' }),
        ),
        tasks: TaskList('Run in order for each value.', 1),
        ...branches,
      },
      'Runs its tasks for each value of a list.',
    ),
  },
  {
    type: 'core.flow.If',
    aliases: ['io.kestra.core.tasks.flows.If'],
    kind: 'flowable',
    title: 'Takes one of two branches.',
    schema: taskSchema(
      {
        condition,
        then: TaskList('Run when the condition is truthy.', 1),
        else: Type.Optional(TaskList('Run otherwise.')),
        ...branches,
      },
      'Takes one of two branches.',
    ),
  },
  {
    type: 'core.flow.Switch',
    aliases: ['io.kestra.core.tasks.flows.Switch'],
    kind: 'flowable',
    title: 'Takes the branch whose name equals a value.',
    schema: taskSchema(
      {
        value: Dynamic(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
        cases: Type.Optional(TaskListMap('A list of tasks for each value.')),
        defaults: Type.Optional(TaskList('Run when no case matches.')),
        ...branches,
      },
      'Takes the branch whose name equals a value.',
    ),
  },
  {
    type: 'core.flow.AllowFailure',
    aliases: ['io.kestra.core.tasks.flows.AllowFailure'],
    kind: 'flowable',
    title: 'Runs its tasks in order; a failure inside is only a warning.',
    schema: taskSchema(
      { tasks: TaskList('Run in order.', 1), ...branches },
      'A block whose failure is only a warning.',
    ),
  },
];
