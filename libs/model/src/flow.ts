import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { Duration, Dynamic, MapOf } from './schema.js';

/**
 * The flow as users write it: one JSON Schema per shape, from which come the types, the validation, the editor's
 * completion and the OpenAPI document. Lists of tasks are opaque here (`TaskList`): each task is checked against the
 * schema of its own type, so that an error names the task and not a union of all types.
 */

/** A property that holds tasks. `x-tasks` tells the validator and the graph to look inside. */
export const TaskList = (description: string, minItems = 0) =>
  Type.Unsafe<readonly TaskDefinition[]>({
    type: 'array',
    items: { type: 'object' },
    minItems,
    'x-tasks': 'list',
    description,
  });

/** A map of lists of tasks (`cases` of Switch). */
export const TaskListMap = (description: string) =>
  Type.Unsafe<Readonly<Record<string, readonly TaskDefinition[]>>>({
    type: 'object',
    additionalProperties: { type: 'array', items: { type: 'object' } },
    'x-tasks': 'map',
    description,
  });

/** One task (`onPause` of Pause). */
export const OneTask = (description: string) =>
  Type.Unsafe<TaskDefinition>({ type: 'object', 'x-tasks': 'one', description });

/** A task of a Dag and the ids of those that must have ended before it. */
export interface DagTask {
  readonly task: TaskDefinition;
  readonly dependsOn?: readonly string[];
}

/** The tasks of a Dag: a list of `{ task, dependsOn }`. */
export const DagTaskList = (description: string) =>
  Type.Unsafe<readonly DagTask[]>({
    type: 'array',
    items: {
      type: 'object',
      properties: {
        task: { type: 'object' },
        dependsOn: { type: 'array', items: { type: 'string' }, description: 'Ids of tasks that end before it starts.' },
      },
      required: ['task'],
      additionalProperties: false,
    },
    minItems: 1,
    'x-tasks': 'dag',
    description,
  });

export const ID_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9_-]*$';
export const FLOW_ID_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9._-]*$';
export const NAMESPACE_PATTERN = '^[a-z0-9][a-z0-9._-]*$';
export const TENANT_PATTERN = '^[a-z0-9][a-z0-9_-]{0,62}$';

export const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const literals = <const Name extends string>(names: readonly Name[]) =>
  Type.Unsafe<Name>({ type: 'string', enum: [...names] });

/** How often and when a failed task is tried again (spec flow.md §2.1). */
export const Retry = Type.Object(
  {
    type: literals(['constant', 'exponential', 'random']),
    interval: Type.Optional(Duration({ description: 'constant: the wait; exponential: the first wait.' })),
    maxInterval: Type.Optional(Duration({ description: 'exponential, random: the longest wait.' })),
    minInterval: Type.Optional(Duration({ description: 'random: the shortest wait.' })),
    delayFactor: Type.Optional(
      Type.Number({ minimum: 1, description: 'exponential: what each wait is multiplied with. Default 2.' }),
    ),
    maxAttempts: Type.Optional(Type.Integer({ minimum: 1, description: 'Attempts in all, the first included.' })),
    maxAttempt: Type.Optional(Type.Integer({ minimum: 1, deprecated: true, description: 'Old name of maxAttempts.' })),
    maxDuration: Type.Optional(Duration({ description: 'No retry starts later than this after the first attempt.' })),
    warningOnRetry: Type.Optional(Type.Boolean({ description: 'A success after a retry is a WARNING.' })),
    behavior: Type.Optional(literals(['RETRY_FAILED_TASK', 'CREATE_NEW_EXECUTION'])),
  },
  { additionalProperties: false, description: 'How a failed task is tried again.' },
);
export type Retry = Static<typeof Retry>;

export const WorkerGroupChoice = Type.Object(
  {
    key: Type.Optional(Dynamic(Type.String())),
    fallback: Type.Optional(literals(['FAIL', 'WAIT', 'CANCEL'])),
    waitAtMost: Type.Optional(
      Duration({ description: 'With the fallback WAIT: the task run fails after so long without a worker.' }),
    ),
  },
  { additionalProperties: false },
);

/** What every task has (spec flow.md §2). The schema of a task type is this and its own properties. */
export const CommonTaskProperties = {
  id: Type.String({ pattern: ID_PATTERN, maxLength: 256, description: 'Name of the task, unique in the flow.' }),
  type: Type.String({ description: 'Task type, such as core.log.Log.' }),
  version: Type.Optional(Type.String({ description: 'Version of the plugin.' })),
  description: Type.Optional(Type.String({ description: 'Markdown for people.' })),
  retry: Type.Optional(Retry),
  timeout: Type.Optional(Dynamic(Duration({ description: 'An attempt that runs longer is stopped and FAILED.' }))),
  disabled: Type.Optional(Type.Boolean({ description: 'The task is left out.' })),
  runIf: Type.Optional(
    Dynamic(Type.Union([Type.String(), Type.Boolean(), Type.Number()], { description: 'Falsy: the task is SKIPPED.' })),
  ),
  allowFailure: Type.Optional(Type.Boolean({ description: 'FAILED becomes WARNING and the flow goes on.' })),
  allowWarning: Type.Optional(Type.Boolean({ description: 'WARNING becomes SUCCESS.' })),
  logLevel: Type.Optional(literals(LOG_LEVELS)),
  logToFile: Type.Optional(Type.Boolean({ description: 'The log goes to one file in internal storage.' })),
  workerGroup: Type.Optional(WorkerGroupChoice),
  taskCache: Type.Optional(
    Type.Object({ enabled: Type.Boolean(), ttl: Type.Optional(Duration()) }, { additionalProperties: false }),
  ),
  assets: Type.Optional(MapOf(Type.Unknown())),
} as const;

const CommonTask = Type.Object(CommonTaskProperties);

/** A task as written; the properties of its own type are beside the common ones. */
export type TaskDefinition = Static<typeof CommonTask> & Readonly<Record<string, unknown>>;

/** The schema of a task type: the common properties and `properties`, nothing else. */
export const taskSchema = <Properties extends Record<string, TSchema>>(properties: Properties, description: string) =>
  Type.Object({ ...CommonTaskProperties, ...properties }, { additionalProperties: false, description });

export const INPUT_TYPES = [
  'STRING',
  'EMAIL',
  'ENUM',
  'SELECT',
  'MULTISELECT',
  'INT',
  'FLOAT',
  'BOOL',
  'BOOLEAN',
  'DATETIME',
  'DATE',
  'TIME',
  'DURATION',
  'FILE',
  'JSON',
  'YAML',
  'URI',
  'SECRET',
  'ARRAY',
] as const;
export type InputType = (typeof INPUT_TYPES)[number];

/** One declared input (spec flow.md §3). Which of the optional properties fit which type is checked by libs/flow. */
export const Input = Type.Object(
  {
    id: Type.Optional(Type.String({ pattern: '^[a-zA-Z0-9][.a-zA-Z0-9_-]*$' })),
    name: Type.Optional(Type.String({ deprecated: true, description: 'Old name of id.' })),
    type: literals(INPUT_TYPES),
    description: Type.Optional(Type.String()),
    displayName: Type.Optional(Type.String()),
    required: Type.Optional(Type.Boolean()),
    defaults: Type.Optional(Dynamic(Type.Unknown())),
    prefill: Type.Optional(Dynamic(Type.Unknown())),
    dependsOn: Type.Optional(
      Type.Object(
        { inputs: Type.Optional(Type.Array(Type.String())), condition: Type.Optional(Dynamic(Type.String())) },
        { additionalProperties: false },
      ),
    ),
    validator: Type.Optional(Type.String({ description: 'A regular expression that the whole value must match.' })),
    values: Type.Optional(Type.Array(Type.Unknown())),
    options: Type.Optional(Type.Array(Type.Unknown(), { deprecated: true })),
    expression: Type.Optional(Dynamic(Type.String())),
    allowCustomValue: Type.Optional(Type.Boolean()),
    isRadio: Type.Optional(Type.Boolean()),
    autoSelectFirst: Type.Optional(Type.Boolean()),
    itemType: Type.Optional(literals(INPUT_TYPES)),
    min: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    max: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    after: Type.Optional(Type.String()),
    before: Type.Optional(Type.String()),
    extension: Type.Optional(Type.String({ deprecated: true })),
    allowedFileExtensions: Type.Optional(Type.Array(Type.String())),
    acceptDirectory: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type Input = Static<typeof Input>;

/** One declared output (spec flow.md §4). */
export const Output = Type.Object(
  {
    id: Type.String({ pattern: '^[a-zA-Z0-9][.a-zA-Z0-9_-]*$' }),
    type: Type.Optional(literals(INPUT_TYPES)),
    itemType: Type.Optional(literals(INPUT_TYPES)),
    value: Dynamic(Type.Unknown()),
    description: Type.Optional(Type.String()),
    displayName: Type.Optional(Type.String()),
    required: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type Output = Static<typeof Output>;

export const Label = Type.Object({ key: Type.String(), value: Type.String() }, { additionalProperties: false });
export type Label = Static<typeof Label>;

/** Labels as written: a map or a list (spec flow.md §5). */
export const LabelsAsWritten = Type.Unsafe<readonly Label[] | PlainLabels>({
  anyOf: [
    { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } },
    {
      type: 'array',
      items: {
        type: 'object',
        properties: { key: { type: 'string' }, value: { type: ['string', 'number', 'boolean', 'null'] } },
        required: ['key', 'value'],
        additionalProperties: false,
      },
    },
  ],
});
type PlainLabels = Readonly<Record<string, string | number | boolean | null>>;

export const PluginDefault = Type.Object(
  { type: Type.String(), forced: Type.Optional(Type.Boolean()), values: Type.Optional(MapOf(Type.Unknown())) },
  { additionalProperties: false },
);
export type PluginDefault = Static<typeof PluginDefault>;

export const SLA_TYPES = ['MAX_DURATION', 'EXECUTION_ASSERTION'] as const;
export const SLA_BEHAVIORS = ['FAIL', 'CANCEL', 'NONE'] as const;

/** What an execution must keep (spec flow.md §7). Which of `duration` and `assert` is needed is checked by libs/flow. */
export const Sla = Type.Object(
  {
    id: Type.String({ pattern: ID_PATTERN, maxLength: 256 }),
    type: literals(SLA_TYPES),
    behavior: literals(SLA_BEHAVIORS),
    labels: Type.Optional(LabelsAsWritten),
    duration: Type.Optional(Duration({ description: 'MAX_DURATION: counted from the start of the execution.' })),
    assert: Type.Optional(
      Dynamic(
        Type.String({ description: 'EXECUTION_ASSERTION: falsy at any change of the execution is a violation.' }),
      ),
    ),
  },
  { additionalProperties: false },
);
export type Sla = Static<typeof Sla>;

export const CHECK_STYLES = ['ERROR', 'SUCCESS', 'WARNING', 'INFO'] as const;
/** Weakest first: of the checks that do not hold the strongest decides. */
export const CHECK_BEHAVIORS = ['CREATE_EXECUTION', 'FAIL_EXECUTION', 'BLOCK_EXECUTION'] as const;

/** What must hold before an execution is created (spec flow.md §8). */
export const Check = Type.Object(
  {
    condition: Dynamic(Type.Union([Type.String(), Type.Boolean(), Type.Number()])),
    message: Type.Optional(Type.String({ description: 'Told when the condition does not hold.' })),
    style: Type.Optional(literals(CHECK_STYLES)),
    behavior: Type.Optional(literals(CHECK_BEHAVIORS)),
  },
  { additionalProperties: false },
);
export type Check = Static<typeof Check>;

/** Tasks that run after the end when all conditions hold (spec flow.md §1); the old form of `afterExecution`. */
export const Listener = Type.Object(
  {
    description: Type.Optional(Type.String()),
    conditions: Type.Optional(
      Type.Array(Type.Object({ type: Type.String() }, { additionalProperties: true }), {
        description: 'All must hold.',
      }),
    ),
    tasks: TaskList('Run one after the other.', 1),
  },
  { additionalProperties: false },
);
export type Listener = Static<typeof Listener>;

/** The whole flow as written (spec flow.md §1). `triggers` are checked against their own types. */
export const FlowSource = Type.Object(
  {
    id: Type.String({ pattern: FLOW_ID_PATTERN, minLength: 1, maxLength: 100 }),
    namespace: Type.String({ pattern: NAMESPACE_PATTERN, minLength: 1, maxLength: 150 }),
    tenantId: Type.Optional(Type.String({ pattern: TENANT_PATTERN })),
    revision: Type.Optional(Type.Integer({ minimum: 1, description: 'Given by the server; ignored here.' })),
    updated: Type.Optional(Type.String({ description: 'Given by the server; ignored here.' })),
    description: Type.Optional(Type.String()),
    disabled: Type.Optional(Type.Boolean()),
    deleted: Type.Optional(Type.Boolean()),
    labels: Type.Optional(LabelsAsWritten),
    inputs: Type.Optional(Type.Array(Input)),
    variables: Type.Optional(MapOf(Type.Unknown())),
    tasks: TaskList('Run one after the other.', 1),
    errors: Type.Optional(TaskList('Run when a task failed.')),
    finally: Type.Optional(TaskList('Run after the tasks in every outcome.')),
    afterExecution: Type.Optional(TaskList('Run after the execution has ended.')),
    listeners: Type.Optional(Type.Array(Listener, { deprecated: true })),
    triggers: Type.Optional(
      Type.Array(
        Type.Object({ id: Type.String({ pattern: ID_PATTERN }), type: Type.String() }, { additionalProperties: true }),
      ),
    ),
    pluginDefaults: Type.Optional(Type.Array(PluginDefault)),
    taskDefaults: Type.Optional(Type.Array(PluginDefault, { deprecated: true })),
    concurrency: Type.Optional(
      Type.Object(
        { limit: Type.Integer({ minimum: 1 }), behavior: Type.Optional(literals(['QUEUE', 'CANCEL', 'FAIL'])) },
        { additionalProperties: false },
      ),
    ),
    retry: Type.Optional(Retry),
    sla: Type.Optional(Type.Array(Sla)),
    checks: Type.Optional(Type.Array(Check)),
    outputs: Type.Optional(Type.Array(Output)),
    workerGroup: Type.Optional(WorkerGroupChoice),
  },
  { additionalProperties: false, description: 'A flow: tasks, what starts them and what they leave behind.' },
);
export type FlowSource = Static<typeof FlowSource>;

/** A stored revision of a flow: what was written, as text and parsed. Immutable. */
export interface Flow {
  readonly tenant: string;
  readonly namespace: string;
  readonly id: string;
  /** 1 for the first; grows by one with every change. */
  readonly revision: number;
  /** The YAML as it was written, without a `revision:` line. */
  readonly source: string;
  readonly definition: FlowSource;
  readonly deleted: boolean;
  /** Milliseconds since the epoch. */
  readonly updated: number;
}
