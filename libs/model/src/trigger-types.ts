import { Type, type SchemaOptions, type Static, type TSchema } from '@sinclair/typebox';
import { ConditionList } from './conditions.js';
import { ID_PATTERN, LabelsAsWritten, LOG_LEVELS, WorkerGroupChoice } from './flow.js';
import { Duration, Dynamic, MapOf } from './schema.js';
import { STATES } from './states.js';
import { shortType } from './task-types.js';

/**
 * Who evaluates a trigger: `schedule` the scheduler by its clock, `polling` a worker again and again, `flow` the executor when
 * an execution changes, `webhook` the webserver when it is called.
 */
export type TriggerKind = 'schedule' | 'polling' | 'flow' | 'webhook';

/** What the flow's validator and the documentation know of a trigger type: data, no code. */
export interface TriggerTypeDescription {
  /** The short form, such as `core.trigger.Schedule`. */
  readonly type: string;
  /** Older names, in the short form. */
  readonly aliases: readonly string[];
  readonly kind: TriggerKind;
  /** One sentence for people. */
  readonly title: string;
  /** Object schema made by `triggerSchema`. */
  readonly schema: TSchema;
  readonly deprecated?: boolean;
}

const literals = <const Name extends string>(names: readonly Name[], description: string) =>
  Type.Unsafe<Name>({ type: 'string', enum: [...names], description });

const states = (description: string) =>
  Type.Array(Type.Unsafe<(typeof STATES)[number]>({ type: 'string', enum: [...STATES] }), { description });

/** The schema with other words for people. */
const withOptions = <Schema extends TSchema>(schema: Schema, options: SchemaOptions): Schema => ({
  ...schema,
  ...options,
});

/** What every trigger has (spec triggers.md §1). */
export const CommonTriggerProperties = {
  id: Type.String({ pattern: ID_PATTERN, maxLength: 256, description: 'Name of the trigger, unique in the flow.' }),
  type: Type.String({ description: 'Trigger type, such as core.trigger.Schedule.' }),
  version: Type.Optional(Type.String({ description: 'Version of the plugin.' })),
  description: Type.Optional(Type.String({ description: 'Markdown for people.' })),
  conditions: Type.Optional(ConditionList('All must hold for the trigger to start an execution.')),
  disabled: Type.Optional(Type.Boolean({ default: false, description: 'The trigger is not evaluated.' })),
  workerGroup: Type.Optional(WorkerGroupChoice),
  logLevel: Type.Optional(literals(LOG_LEVELS, 'Least level of log entries that are kept.')),
  labels: Type.Optional(
    Dynamic(withOptions(LabelsAsWritten, { description: 'Labels of the executions; values are rendered.' })),
  ),
  stopAfter: Type.Optional(states('The trigger is disabled when its execution ends in one of these states.')),
  logToFile: Type.Optional(Type.Boolean({ default: false, description: 'The log goes to a file.' })),
  failOnTriggerError: Type.Optional(
    Type.Boolean({ default: false, description: 'An evaluation that fails makes a FAILED execution.' }),
  ),
  allowConcurrent: Type.Optional(
    Type.Boolean({ default: false, description: 'The trigger does not wait for the end of its last execution.' }),
  ),
  assets: Type.Optional(MapOf(Type.Unknown())),
} as const;

const CommonTrigger = Type.Object(CommonTriggerProperties);

/** A trigger as written; the properties of its own type are beside the common ones. */
export type TriggerDefinition = Static<typeof CommonTrigger> & Readonly<Record<string, unknown>>;

/** The schema of a trigger type: the common properties and `properties`, nothing else. */
export const triggerSchema = <Properties extends Record<string, TSchema>>(
  properties: Properties,
  description: string,
) => Type.Object({ ...CommonTriggerProperties, ...properties }, { additionalProperties: false, description });

const inputs = Type.Optional(Dynamic(MapOf(Type.Unknown(), { description: 'Inputs of the executions; rendered.' })));
export const MISSED_SCHEDULES = ['ALL', 'LAST', 'NONE'] as const;
/** What becomes of dates at which nobody looked. */
export type MissedSchedules = (typeof MISSED_SCHEDULES)[number];
const recoverMissedSchedules = Type.Optional(
  literals(MISSED_SCHEDULES, 'Which of the dates that were missed are run later. Default ALL.'),
);
const timezone = Type.Optional(Type.String({ description: 'Name of a time zone, such as Europe/Paris.' }));

const SCHEDULE = {
  cron: Type.String({ description: 'Minute, hour, day of the month, month, day of the week; or @daily and the like.' }),
  withSeconds: Type.Optional(Type.Boolean({ default: false, description: 'The expression begins with the second.' })),
  timezone,
  inputs,
  lateMaximumDelay: Type.Optional(Duration({ description: 'Dates that are later than this are left out.' })),
  recoverMissedSchedules,
  scheduleConditions: Type.Optional(
    withOptions(ConditionList('The old place of conditions on dates.'), { deprecated: true }),
  ),
  backfill: Type.Optional(
    MapOf(Type.Unknown(), { description: 'Backfills are created by the API.', deprecated: true }),
  ),
} as const;

const SCHEDULE_ON_DATES = {
  dates: Dynamic(
    Type.Union([Type.Array(Type.String()), Type.String()], {
      description: 'Dates in ISO-8601; those without an offset are of the time zone.',
    }),
  ),
  timezone,
  inputs,
  recoverMissedSchedules,
} as const;

const WEBHOOK = {
  key: Dynamic(Type.String({ minLength: 1, maxLength: 256, description: 'The last part of the URL: keep it secret.' })),
  inputs,
  wait: Type.Optional(Type.Boolean({ default: false, description: 'Answered when the execution has ended.' })),
  returnOutputs: Type.Optional(
    Type.Boolean({ default: false, description: 'The answer is the outputs of the flow; needs wait.' }),
  ),
  responseContentType: Type.Optional(
    literals(['application/json', 'text/plain'], 'Content type of the answer. Default application/json.'),
  ),
  responseCode: Type.Optional(
    Dynamic(
      Type.Integer({ minimum: 100, maximum: 599, description: 'Status of the answer; rendered when it has ended.' }),
    ),
  ),
} as const;

const FILTER_TYPES = [
  'EQUAL_TO',
  'NOT_EQUAL_TO',
  'IN',
  'NOT_IN',
  'IS_TRUE',
  'IS_FALSE',
  'IS_NULL',
  'IS_NOT_NULL',
  'STARTS_WITH',
  'ENDS_WITH',
  'REGEX',
  'CONTAINS',
] as const;

const closed = { additionalProperties: false } as const;
const idOf = (description: string) => Type.String({ pattern: ID_PATTERN, description });

const localTime = Type.String({
  pattern: '^([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,9})?)?(Z|[+-]\\d{2}(:?\\d{2})?)?$',
});

/** The types of windows, and which properties each demands and allows (spec triggers.md §4). */
export const WINDOW_TYPES = {
  DURATION_WINDOW: { needs: [], allows: ['window', 'windowAdvance'] },
  SLIDING_WINDOW: { needs: [], allows: ['window'] },
  DAILY_TIME_DEADLINE: { needs: ['deadline'], allows: ['deadline'] },
  DAILY_TIME_WINDOW: { needs: ['startTime', 'endTime'], allows: ['startTime', 'endTime'] },
} as const satisfies Readonly<Record<string, { needs: readonly string[]; allows: readonly string[] }>>;

/** A window of time in which all parts of a condition must hold. */
export const TimeWindow = Type.Object(
  {
    type: Type.Optional(literals(Object.keys(WINDOW_TYPES), 'Default DURATION_WINDOW.')),
    window: Type.Optional(Duration({ description: 'Length of the window. Default P1D.' })),
    windowAdvance: Type.Optional(Duration({ description: 'How far the window is moved from its aligned start.' })),
    deadline: Type.Optional(withOptions(localTime, { description: 'Each day from midnight to this time.' })),
    startTime: Type.Optional(withOptions(localTime, { description: 'Each day from this time …' })),
    endTime: Type.Optional(withOptions(localTime, { description: '… to this time.' })),
  },
  closed,
);

const Preconditions = Type.Object(
  {
    id: idOf('Name of the preconditions, unique in the flow.'),
    timeWindow: Type.Optional(TimeWindow),
    resetOnSuccess: Type.Optional(Type.Boolean({ default: true, description: 'Each must come again after a start.' })),
    flows: Type.Optional(
      Type.Array(
        Type.Object(
          {
            namespace: Type.String(),
            flowId: Type.Optional(Type.String()),
            states: Type.Optional(states('Default: SUCCESS and WARNING.')),
            labels: Type.Optional(LabelsAsWritten),
          },
          closed,
        ),
      ),
    ),
    where: Type.Optional(
      Type.Array(
        Type.Object(
          {
            id: idOf('Name of this part.'),
            operand: Type.Optional(literals(['AND', 'OR'], 'How the filters are joined. Default AND.')),
            filters: Type.Array(
              Type.Object(
                {
                  field: literals(['FLOW_ID', 'NAMESPACE', 'STATE', 'EXPRESSION'], 'What is compared.'),
                  type: literals(FILTER_TYPES, 'How it is compared.'),
                  value: Type.Optional(Dynamic(Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
                  values: Type.Optional(Type.Array(Type.String())),
                },
                closed,
              ),
              { minItems: 1 },
            ),
          },
          closed,
        ),
      ),
    ),
  },
  closed,
);

const FLOW = {
  inputs,
  states: Type.Optional(states('States of the other execution. Default: all that end it, and PAUSED.')),
  preconditions: Type.Optional(Preconditions),
} as const;

const text = (description: string) => Type.Optional(Dynamic(Type.String({ description })));
const map = (description: string) => Type.Optional(Dynamic(MapOf(Type.Unknown(), { description })));

const HTTP = {
  interval: Type.Optional(Duration({ default: 'PT60S', description: 'How often it asks.' })),
  uri: Dynamic(Type.String({ description: 'Where to, such as https://example.com/path.' })),
  method: text('HTTP method. Default GET.'),
  body: text('Body of the request.'),
  formData: map('Fields of a form.'),
  params: map('Query parameters.'),
  contentType: text('Media type of the body. Default application/json.'),
  headers: map('Headers of the request.'),
  options: map('How the request is sent, as in http.Request.'),
  responseCondition: Type.Optional(
    Dynamic(
      Type.String({
        default: '{{ response.statusCode < 400 }}',
        description: 'An execution is started when this holds; may read response.statusCode, body and headers.',
      }),
    ),
  ),
  encryptBody: Type.Optional(Dynamic(Type.Boolean({ default: false, description: 'The body is encrypted.' }))),
  stopAfter: CommonTriggerProperties.stopAfter,
} as const;

const described = (
  type: string,
  kind: TriggerKind,
  title: string,
  properties: Record<string, TSchema>,
  aliases: readonly string[] = [],
): TriggerTypeDescription => ({ type, kind, title, aliases, schema: triggerSchema(properties, title) });

const OLD = 'io.kestra.core.models.triggers.types.';

/** Every trigger type that ships (spec triggers.md §3 to §5). */
export const TRIGGER_TYPES: readonly TriggerTypeDescription[] = [
  described('core.trigger.Schedule', 'schedule', 'Starts executions at the dates of a cron expression.', SCHEDULE, [
    `${OLD}Schedule`,
  ]),
  described(
    'core.trigger.ScheduleOnDates',
    'schedule',
    'Starts an execution at each of some dates.',
    SCHEDULE_ON_DATES,
  ),
  described('core.trigger.Flow', 'flow', 'Starts an execution when others have ended.', FLOW, [`${OLD}Flow`]),
  described('core.trigger.Webhook', 'webhook', 'Starts an execution when a URL is called.', WEBHOOK, [`${OLD}Webhook`]),
  described('core.http.Trigger', 'polling', 'Starts an execution when a URL answers as wished.', HTTP, [
    'fs.http.Trigger',
  ]),
];

const BY_NAME: ReadonlyMap<string, TriggerTypeDescription> = new Map(
  TRIGGER_TYPES.flatMap((description) =>
    [description.type, ...description.aliases].map((name) => [name, description] as const),
  ),
);

/** The trigger type of a name in any accepted spelling. */
export const findTriggerType = (type: string): TriggerTypeDescription | undefined => BY_NAME.get(shortType(type));
