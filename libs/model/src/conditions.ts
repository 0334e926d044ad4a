import { Type, type TSchema } from '@sinclair/typebox';
import { MapOf, Duration, Dynamic } from './schema.js';
import { STATES } from './states.js';
import { shortType } from './task-types.js';

/** What the validator and the documentation know of a condition type: data, no code. */
export interface ConditionTypeDescription {
  /** The short form, such as `core.condition.DayWeek`. */
  readonly type: string;
  /** Older names, in the short form. */
  readonly aliases: readonly string[];
  /** One sentence for people. */
  readonly title: string;
  /** Object schema; conditions inside are opaque and are checked against their own. */
  readonly schema: TSchema;
  /** It filters the dates of schedules. */
  readonly isOnDates: boolean;
  readonly deprecated?: boolean;
}

/** Conditions inside a condition or trigger: each is checked against the schema of its own type. */
export const ConditionList = (description: string, minItems = 0) =>
  Type.Unsafe<readonly Condition[]>({ type: 'array', items: { type: 'object' }, minItems, description });

/** A condition as written; what else it holds is its type's. */
export type Condition = { readonly type: string } & Readonly<Record<string, unknown>>;

const DAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;
export type DayOfWeek = (typeof DAYS)[number];
/** Monday first, as ISO-8601 counts. */
export const DAYS_OF_WEEK: readonly DayOfWeek[] = DAYS;

const choice = (names: readonly string[], description: string) =>
  Type.Unsafe<string>({ type: 'string', enum: [...names], description });
const choices = (names: readonly string[], description: string) =>
  Type.Array(Type.Unsafe<string>({ type: 'string', enum: [...names] }), { description });

const testedDate = Type.Optional(
  Dynamic(Type.String({ default: '{{ trigger.date }}', description: 'The date to test, in ISO-8601.' })),
);
const namespace = Dynamic(Type.String({ description: 'Namespace of the flow.' }));
const flowId = Dynamic(Type.String({ description: 'Id of the flow.' }));
const states = {
  in: Type.Optional(choices(STATES, 'One of these states. Empty: any.')),
  notIn: Type.Optional(choices(STATES, 'None of these states.')),
} as const;
const comparison = {
  comparison: Type.Optional(choice(['EQUALS', 'PREFIX', 'SUFFIX'], 'How the namespace is compared. Default EQUALS.')),
  prefix: Type.Optional(Type.Boolean({ default: false, description: 'The same as comparison PREFIX.' })),
} as const;

/** Older names of the windows of preconditions, on `MultipleCondition` itself. */
const window = {
  timeWindow: Type.Optional(MapOf(Type.Unknown(), { description: 'When the conditions must hold together.' })),
  window: Type.Optional(Duration({ deprecated: true })),
  windowAdvance: Type.Optional(Duration({ deprecated: true })),
} as const;

interface Shape {
  readonly name: string;
  readonly title: string;
  readonly properties: Record<string, TSchema>;
  readonly isOnDates?: true;
  readonly deprecated?: true;
  readonly aliases?: readonly string[];
}

/** `X` was `XCondition`, in two packages. */
const oldNames = (name: string): readonly string[] => [
  `io.kestra.core.models.conditions.types.${name}Condition`,
  `core.condition.${name}Condition`,
];

function described({ name, title, properties, isOnDates, deprecated, aliases }: Shape): ConditionTypeDescription {
  return {
    type: `core.condition.${name}`,
    aliases: aliases ?? oldNames(name),
    title,
    isOnDates: isOnDates === true,
    ...(deprecated === true ? { deprecated: true } : {}),
    schema: Type.Object(
      { type: Type.String({ description: 'Condition type.' }), ...properties },
      { additionalProperties: false, description: title },
    ),
  };
}

const OF_EXECUTIONS: readonly Shape[] = [
  { name: 'ExecutionFlow', title: 'The execution is of this flow.', properties: { namespace, flowId } },
  {
    name: 'ExecutionNamespace',
    title: 'The execution is of this namespace.',
    properties: { namespace, ...comparison },
  },
  { name: 'ExecutionStatus', title: 'The execution is in one of these states.', properties: states },
  {
    name: 'ExecutionLabels',
    title: 'The execution has all these labels.',
    properties: {
      labels: Type.Unsafe<unknown>({
        anyOf: [
          { type: 'object', additionalProperties: true, minProperties: 1 },
          { type: 'array', items: { type: 'object' }, minItems: 1 },
        ],
        description: 'A map, or a list of key and value.',
      }),
    },
  },
  {
    name: 'ExecutionOutputs',
    title: 'An expression over the outputs of the execution is true.',
    properties: { expression: Dynamic(Type.String({ description: 'May read trigger.outputs.' })) },
  },
  {
    name: 'HasRetryAttempt',
    title: 'Some task was tried again, and an attempt is in one of these states.',
    properties: states,
  },
  {
    name: 'FlowCondition',
    title: 'The flow is this one.',
    properties: { namespace, flowId },
    deprecated: true,
    aliases: ['io.kestra.core.models.conditions.types.FlowCondition'],
  },
  {
    name: 'FlowNamespaceCondition',
    title: 'The flow is of this namespace.',
    properties: { namespace, ...comparison },
    deprecated: true,
    aliases: ['io.kestra.core.models.conditions.types.FlowNamespaceCondition'],
  },
];

const OF_DATES: readonly Shape[] = [
  {
    name: 'DateTimeBetween',
    title: 'The date lies between two others.',
    isOnDates: true,
    properties: {
      date: testedDate,
      after: Type.Optional(Dynamic(Type.String({ description: 'Later than this date with its zone.' }))),
      before: Type.Optional(Dynamic(Type.String({ description: 'Earlier than this date with its zone.' }))),
    },
  },
  {
    name: 'TimeBetween',
    title: 'The time of day lies between two others.',
    isOnDates: true,
    properties: {
      date: testedDate,
      after: Type.Optional(Dynamic(Type.String({ description: 'Later than this time, such as 16:19:12+02:00.' }))),
      before: Type.Optional(
        Dynamic(Type.String({ description: 'Earlier than this time; before `after`: the next day.' })),
      ),
    },
  },
  {
    name: 'DayWeek',
    title: 'The date is this day of the week.',
    isOnDates: true,
    properties: { date: testedDate, dayOfWeek: Dynamic(choice(DAYS, 'MONDAY to SUNDAY.')) },
  },
  {
    name: 'DayWeekInMonth',
    title: 'The date is the first to fourth, or last, such day of its month.',
    isOnDates: true,
    properties: {
      date: testedDate,
      dayOfWeek: Dynamic(choice(DAYS, 'MONDAY to SUNDAY.')),
      dayInMonth: Dynamic(choice(['FIRST', 'SECOND', 'THIRD', 'FOURTH', 'LAST'], 'Which of them.')),
    },
  },
  {
    name: 'Weekend',
    title: 'The date is a Saturday or Sunday.',
    isOnDates: true,
    properties: { date: testedDate },
  },
  {
    name: 'PublicHoliday',
    title: 'The date is a public holiday.',
    isOnDates: true,
    properties: {
      date: testedDate,
      country: Type.Optional(Dynamic(Type.String({ description: 'ISO 3166-1 code, such as FR.' }))),
      subDivision: Type.Optional(
        Dynamic(Type.String({ description: 'ISO 3166-2 part after the country, such as BY.' })),
      ),
    },
  },
];

const OF_CONDITIONS: readonly Shape[] = [
  {
    name: 'Not',
    title: 'None of the conditions holds.',
    isOnDates: true,
    properties: { conditions: ConditionList('None of them may hold.', 1) },
  },
  {
    name: 'Or',
    title: 'One of the conditions holds.',
    isOnDates: true,
    properties: { conditions: ConditionList('One of them must hold.', 1) },
  },
  {
    name: 'Expression',
    title: 'An expression is neither blank nor false.',
    properties: { expression: Dynamic(Type.String({ description: 'Rendered; blank and false do not hold.' })) },
    aliases: [
      'io.kestra.core.models.conditions.types.VariableCondition',
      'core.condition.ExpressionCondition',
      'core.condition.VariableCondition',
    ],
  },
  {
    name: 'MultipleCondition',
    title: 'All conditions hold within a window of time; use preconditions.',
    deprecated: true,
    properties: {
      id: Type.String({ pattern: '^[a-zA-Z0-9][a-zA-Z0-9_-]*$', description: 'Name of the window.' }),
      conditions: Type.Unsafe<Readonly<Record<string, Condition>>>({
        type: 'object',
        additionalProperties: { type: 'object' },
        minProperties: 1,
        description: 'By name.',
      }),
      ...window,
      resetOnSuccess: Type.Optional(Type.Boolean({ default: true })),
    },
    aliases: ['io.kestra.core.models.conditions.types.MultipleCondition'],
  },
];

/** Every condition type (spec triggers.md §6). */
export const CONDITION_TYPES: readonly ConditionTypeDescription[] = [
  ...OF_EXECUTIONS,
  ...OF_DATES,
  ...OF_CONDITIONS,
].map(described);

const BY_NAME: ReadonlyMap<string, ConditionTypeDescription> = new Map(
  CONDITION_TYPES.flatMap((description) =>
    [description.type, ...description.aliases].map((name) => [name, description] as const),
  ),
);

/** The condition type of a name in any accepted spelling. */
export const findConditionType = (type: string): ConditionTypeDescription | undefined => BY_NAME.get(shortType(type));
