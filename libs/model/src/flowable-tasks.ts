import { Type } from '@sinclair/typebox';
import { DagTaskList, Input, OneTask, TaskList, TaskListMap, taskSchema } from './flow.js';
import { Duration, Dynamic, MapOf } from './schema.js';
import type { TaskTypeDescription } from './task-types.js';
import { WORKING_DIRECTORY_TASK } from './working-directory-task.js';

const branches = {
  errors: Type.Optional(TaskList('Run one after the other when a task of this block failed.')),
  finally: Type.Optional(TaskList('Run after the tasks of this block in every outcome.')),
} as const;

const condition = Dynamic(Type.Union([Type.String(), Type.Boolean(), Type.Number(), Type.Null()]));

const values = (description: string) =>
  Dynamic(Type.Union([Type.String(), Type.Array(Type.Unknown())], { description }));

const concurrent = (description: string) => Type.Optional(Type.Integer({ minimum: 0, default: 0, description }));

/** What a Pause becomes when its time is over. */
export const PAUSE_BEHAVIORS = ['RESUME', 'WARN', 'FAIL', 'CANCEL'] as const;

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
        concurrent: concurrent('At most so many at a time; 0 is no limit.'),
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
        values: values('A list, or an expression that gives one.'),
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
  {
    type: 'core.flow.Dag',
    aliases: ['io.kestra.core.tasks.flows.Dag'],
    kind: 'flowable',
    title: 'Runs each task when those on which it depends have ended.',
    schema: taskSchema(
      {
        tasks: DagTaskList('Tasks, each with what it depends on.'),
        concurrent: concurrent('At most so many at a time; 0 is no limit.'),
        ...branches,
      },
      'Runs each task when those on which it depends have ended.',
    ),
  },
  {
    type: 'core.flow.EachSequential',
    aliases: ['io.kestra.core.tasks.flows.EachSequential'],
    kind: 'flowable',
    deprecated: true,
    title: 'Runs its tasks for each value of a list, one value after the other.',
    schema: taskSchema(
      {
        value: values('A list, or an expression that gives one.'),
        tasks: TaskList('Run in order for each value.', 1),
        ...branches,
      },
      'Old name of a ForEach with one value at a time.',
    ),
  },
  {
    type: 'core.flow.EachParallel',
    aliases: ['io.kestra.core.tasks.flows.EachParallel'],
    kind: 'flowable',
    deprecated: true,
    title: 'Runs all its tasks for all values of a list at the same time.',
    schema: taskSchema(
      {
        value: values('A list, or an expression that gives one.'),
        concurrent: concurrent('At most so many tasks at a time; 0 is no limit.'),
        tasks: TaskList('Run side by side for each value.', 1),
        ...branches,
      },
      'Runs all its tasks for all values at the same time: use a ForEach with a Parallel.',
    ),
  },
  {
    type: 'core.flow.LoopUntil',
    aliases: ['core.flow.WaitFor', 'io.kestra.core.tasks.flows.WaitFor'],
    kind: 'flowable',
    title: 'Runs its tasks again and again until a condition holds.',
    schema: taskSchema(
      {
        tasks: TaskList('Run in order, once in each round.', 1),
        condition: { ...condition, description: 'Evaluated after each round; truthy ends the loop.' },
        failOnMaxReached: Type.Optional(
          Dynamic(Type.Boolean({ default: false, description: 'The loop fails when a maximum ended it.' })),
        ),
        checkFrequency: Type.Optional(
          Type.Object(
            {
              maxIterations: Type.Optional(Dynamic(Type.Integer({ minimum: 1, description: 'Rounds in all.' }))),
              maxDuration: Type.Optional(
                Dynamic(Duration({ description: 'No round starts later than this after the first.' })),
              ),
              interval: Type.Optional(Dynamic(Duration({ default: 'PT1M', description: 'Pause between two rounds.' }))),
            },
            { additionalProperties: false },
          ),
        ),
        ...branches,
      },
      'Runs its tasks again and again until a condition holds.',
    ),
    outputs: Type.Object({ iterationCount: Type.Integer({ description: 'Rounds so far; one more after a maximum.' }) }),
  },
  {
    type: 'core.flow.Pause',
    aliases: ['io.kestra.core.tasks.flows.Pause'],
    kind: 'flowable',
    title: 'Waits until somebody resumes the execution, or a time is over.',
    schema: taskSchema(
      {
        pauseDuration: Type.Optional(
          Dynamic(Duration({ description: "Then the pause ends by itself, as 'behavior' says." })),
        ),
        delay: Type.Optional(Dynamic(Duration({ deprecated: true, description: 'Old name of pauseDuration.' }))),
        behavior: Type.Optional(
          Dynamic(
            Type.Unsafe<(typeof PAUSE_BEHAVIORS)[number]>({
              type: 'string',
              enum: [...PAUSE_BEHAVIORS],
              default: 'RESUME',
              description: 'What happens when pauseDuration is over.',
            }),
          ),
        ),
        onPause: Type.Optional(OneTask('Run while it waits: tells somebody, for example.')),
        onResume: Type.Optional(Type.Array(Input, { description: 'Asked of whoever resumes the execution.' })),
        tasks: Type.Optional({ ...TaskList('Run when it was resumed.'), deprecated: true }),
        ...branches,
      },
      'Waits until somebody resumes the execution, or a time is over.',
    ),
    outputs: Type.Object({
      onResume: MapOf(Type.Unknown(), { description: 'What whoever resumed the execution has given.' }),
      resumed: Type.Object(
        {
          by: Type.Optional(Type.String()),
          on: Type.String({ description: 'When, in ISO-8601.' }),
          to: Type.String({ description: 'State in which it went on.' }),
        },
        { description: 'Who resumed it.' },
      ),
    }),
  },
  {
    type: 'core.flow.Template',
    aliases: ['io.kestra.core.tasks.flows.Template'],
    kind: 'flowable',
    deprecated: true,
    title: 'Runs the tasks of a template.',
    schema: taskSchema(
      {
        namespace: Type.String({ description: 'Namespace of the template.' }),
        templateId: Type.String({ description: 'Id of the template.' }),
        args: Type.Optional(Dynamic(MapOf(Type.Unknown(), { description: 'For its tasks, as parent.outputs.args.' }))),
        ...branches,
      },
      'Runs the tasks of a template; use a Subflow.',
    ),
    outputs: Type.Object({ args: MapOf(Type.Unknown()) }),
  },
];
