import { Type } from '@sinclair/typebox';
import {
  Duration,
  Dynamic,
  ENGINE_TASKS,
  LOG_LEVELS,
  MapOf,
  taskSchema,
  taskTypeCatalog,
  type LogLevel,
  type TaskTypeDescription,
} from '@millrace/model';
import { parseFlow, type ParsedFlow } from '@millrace/flow';

const level = Type.Optional(Dynamic(Type.Unsafe<LogLevel>({ type: 'string', enum: [...LOG_LEVELS] })));
const truth = Dynamic(Type.Union([Type.String(), Type.Boolean()]));

const RUNNABLE: readonly TaskTypeDescription[] = [
  {
    type: 'core.log.Log',
    aliases: ['io.kestra.core.tasks.log.Log'],
    kind: 'runnable',
    title: 'Writes log entries.',
    schema: taskSchema({ message: Dynamic(Type.Union([Type.String(), Type.Array(Type.String())])), level }, 'Logs.'),
  },
  {
    type: 'core.debug.Return',
    kind: 'runnable',
    title: 'Gives back a text.',
    schema: taskSchema({ format: Type.Optional(Dynamic(Type.String())) }, 'Returns.'),
  },
  {
    type: 'core.debug.Echo',
    kind: 'runnable',
    title: 'Logs a text.',
    schema: taskSchema(
      { format: Dynamic(Type.String()), level: Type.Optional(Type.String({ deprecated: true })) },
      'Echoes.',
    ),
    deprecated: true,
  },
  {
    type: 'core.flow.Sleep',
    kind: 'runnable',
    title: 'Waits.',
    schema: taskSchema({ duration: Dynamic(Duration()) }, 'Waits.'),
  },
  {
    type: 'core.execution.Fail',
    kind: 'runnable',
    title: 'Fails.',
    schema: taskSchema(
      { condition: Type.Optional(truth), errorMessage: Type.Optional(Dynamic(Type.String())) },
      'Fails.',
    ),
  },
  {
    type: 'core.output.OutputValues',
    kind: 'runnable',
    title: 'Outputs values.',
    schema: taskSchema({ values: Dynamic(MapOf(Type.Unknown())) }, 'Outputs values.'),
  },
  {
    type: 'test.Typed',
    kind: 'runnable',
    title: 'Has typed dynamic properties.',
    schema: taskSchema(
      {
        counts: Type.Optional(Dynamic(Type.Array(Type.Integer({ minimum: 1 })))),
        limits: Type.Optional(Dynamic(MapOf(Type.Number()))),
        options: Type.Optional(
          Dynamic(Type.Object({ wait: Type.Optional(Duration()) }, { additionalProperties: false })),
        ),
      },
      'Has typed dynamic properties.',
    ),
  },
  {
    type: 'scripts.shell.Commands',
    kind: 'runnable',
    title: 'Runs commands.',
    schema: taskSchema(
      {
        commands: Type.Array(Type.String()),
        taskRunner: Type.Optional(Type.Object({ type: Type.String() }, { additionalProperties: true })),
        runner: Type.Optional(Type.String()),
        targetOS: Type.Optional(Dynamic(Type.String())),
        namespaceFiles: Type.Optional(MapOf(Type.Unknown())),
      },
      'Runs commands.',
    ),
  },
  {
    type: 'test.Graph',
    kind: 'flowable',
    title: 'Holds tasks one level deeper.',
    schema: taskSchema(
      {
        tasks: Type.Array(
          Type.Object(
            {
              task: Type.Unsafe<object>({ type: 'object', 'x-tasks': 'task' }),
              dependsOn: Type.Optional(Type.Array(Type.String())),
            },
            { additionalProperties: false },
          ),
        ),
      },
      'Holds tasks one level deeper.',
    ),
  },
];

/** The flowable tasks of the model and enough runnable ones to write flows with. */
export const catalog = taskTypeCatalog([...ENGINE_TASKS, ...RUNNABLE]);

export const parse = (source: string): ParsedFlow => parseFlow(source, { catalog });

/** A flow around a piece of YAML. */
export const flowWith = (yaml: string): string => `id: demo\nnamespace: team\n${yaml}`;

export const HELLO = 'tasks:\n  - {id: hello, type: core.log.Log, message: hi}\n';
