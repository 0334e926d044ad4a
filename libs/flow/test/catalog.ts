import { Type } from '@sinclair/typebox';
import {
  DagTaskList,
  Duration,
  Dynamic,
  ENGINE_TASKS,
  LOG_LEVELS,
  MapOf,
  OneTask,
  SecretText,
  TaskList,
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
        tasks: DagTaskList('Each after those that it depends on.'),
        before: Type.Optional(OneTask('Run first.')),
      },
      'Holds tasks one level deeper.',
    ),
  },
];

/** Of types that others bring: as much as the checks of flows look at. */
const STAND_INS: readonly TaskTypeDescription[] = [
  {
    type: 'core.flow.Dag',
    kind: 'flowable',
    title: 'By dependencies.',
    schema: taskSchema({ tasks: DagTaskList('Each after those that it depends on.') }, 'By dependencies.'),
  },
  {
    type: 'core.flow.Pause',
    kind: 'flowable',
    title: 'Waits for somebody.',
    schema: taskSchema({ onPause: Type.Optional(OneTask('Run when the pause begins.')) }, 'Waits for somebody.'),
  },
  {
    type: 'core.flow.WorkingDirectory',
    kind: 'runnable',
    title: 'Runs tasks in one folder.',
    schema: taskSchema({ tasks: TaskList('Run in order.', 1) }, 'Runs tasks in one folder.'),
  },
  {
    type: 'core.flow.Subflow',
    kind: 'flowable',
    title: 'Starts a flow.',
    schema: taskSchema(
      {
        namespace: Dynamic(Type.String()),
        flowId: Dynamic(Type.String()),
        inputs: Type.Optional(MapOf(Type.Unknown())),
      },
      'Starts a flow.',
    ),
  },
  {
    type: 'test.Login',
    kind: 'runnable',
    title: 'Logs in.',
    schema: taskSchema(
      {
        auth: Type.Optional(
          Type.Object({ user: Type.Optional(Type.String()), password: Dynamic(SecretText(Type.String())) }),
        ),
      },
      'Logs in.',
    ),
  },
];

const standIns = STAND_INS.filter(({ type }) => !ENGINE_TASKS.some((known) => known.type === type));

/** The flowable tasks of the model and enough runnable ones to write flows with. */
export const catalog = taskTypeCatalog([...ENGINE_TASKS, ...standIns, ...RUNNABLE]);

export const parse = (source: string): ParsedFlow => parseFlow(source, { catalog });

/** A flow around a piece of YAML. */
export const flowWith = (yaml: string): string => `id: demo\nnamespace: team\n${yaml}`;

export const HELLO = 'tasks:\n  - {id: hello, type: core.log.Log, message: hi}\n';
