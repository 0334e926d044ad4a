import { Type } from '@sinclair/typebox';
import { TaskList, taskSchema } from './flow.js';
import { Dynamic, MapOf } from './schema.js';
import type { TaskTypeDescription } from './task-types.js';

const whole = (minimum: number, description: string) =>
  Dynamic(Type.Union([Type.Integer({ minimum }), Type.String()], { description }));

/** What both have that start executions of another flow (spec tasks.md §1). */
const CHILD_EXECUTION = {
  namespace: Dynamic(Type.String({ description: 'Namespace of the flow.' })),
  flowId: Dynamic(Type.String({ description: 'Id of the flow.' })),
  revision: Type.Optional(whole(1, 'Revision of the flow. Default: the latest.')),
  inputs: Type.Optional(Dynamic(MapOf(Type.Unknown(), { description: 'Inputs of the execution.' }))),
  labels: Type.Optional(
    Dynamic(
      Type.Unsafe<unknown>({
        anyOf: [
          { type: 'string' },
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
        description: 'Labels of the execution: a map, or a list of key and value.',
      }),
    ),
  ),
  wait: Type.Optional(Type.Boolean({ description: 'Waits for the end of the execution. Default true.' })),
  transmitFailed: Type.Optional(
    Type.Boolean({ description: 'A failed, killed or warned execution gives its state to the task. Default true.' }),
  ),
  inheritLabels: Type.Optional(
    Dynamic(
      Type.Union([Type.Boolean(), Type.String()], { description: 'The execution gets the labels of this one, too.' }),
    ),
  ),
  scheduleDate: Type.Optional(
    Dynamic(Type.String({ description: 'When the execution starts, as a date and time with zone.' })),
  ),
  restartBehavior: Type.Optional(
    Type.Unsafe<'RETRY_FAILED' | 'NEW_EXECUTION'>({
      type: 'string',
      enum: ['RETRY_FAILED', 'NEW_EXECUTION'],
      description: 'What a restart of this execution does with the one that failed. Default RETRY_FAILED.',
    }),
  ),
} as const;

/** How a file is split into items; only one of `bytes`, `partitions`, `regexPattern` and `rows` is used, in this order. */
export const Batch = Type.Object(
  {
    rows: Type.Optional(whole(1, 'Lines of an item. Default 1.')),
    bytes: Type.Optional(
      Dynamic(Type.String({ description: 'Size of an item, such as 10KB; a line is never cut in two.' })),
    ),
    partitions: Type.Optional(whole(1, 'Number of items; lines are dealt out in turn.')),
    separator: Type.Optional(Dynamic(Type.String({ description: 'What ends a line. Default: a line feed.' }))),
    regexPattern: Type.Optional(
      Dynamic(Type.String({ description: 'Lines with the same text in its first group form an item.' })),
    ),
  },
  { additionalProperties: false, description: 'How the file is split into items.' },
);

/** Task types that start executions of other flows; what they do is in libs/executor-core/src/executables. */
export const CHILD_EXECUTION_TASKS: readonly TaskTypeDescription[] = [
  {
    type: 'core.flow.Subflow',
    aliases: ['core.flow.Flow', 'io.kestra.core.tasks.flows.Subflow', 'io.kestra.core.tasks.flows.Flow'],
    kind: 'executable',
    title: 'Starts an execution of another flow.',
    schema: taskSchema(
      {
        ...CHILD_EXECUTION,
        outputs: Type.Optional(
          Dynamic(
            MapOf(Type.Unknown(), {
              deprecated: true,
              description: 'Expressions over the execution that was started; declare outputs in its flow instead.',
            }),
          ),
        ),
      },
      'Starts an execution of another flow.',
    ),
    outputs: Type.Object({
      executionId: Type.String({ description: 'Id of the execution.' }),
      state: Type.Optional(Type.String({ description: 'State in which it ended; only when it was waited for.' })),
      outputs: Type.Optional(MapOf(Type.Unknown(), { description: 'Outputs of its flow.' })),
    }),
  },
  {
    type: 'core.flow.ForEachItem',
    aliases: ['io.kestra.core.tasks.flows.ForEachItem'],
    kind: 'flowable',
    title: 'Splits a file and starts an execution of another flow for each part.',
    schema: taskSchema(
      {
        ...CHILD_EXECUTION,
        items: Dynamic(Type.String({ description: 'URI of a file in internal storage.' })),
        batch: Type.Optional(Batch),
        errors: Type.Optional(TaskList('Run one after the other when a task of this block failed.')),
        finally: Type.Optional(TaskList('Run after the tasks of this block in every outcome.')),
      },
      'Splits a file and starts an execution of another flow for each part.',
    ),
  },
];

/**
 * The tasks that a ForEachItem consists of, by the ending of their ids. Nobody writes them: they have no place in the
 * catalog of types.
 */
export const ITEM_TASKS = {
  split: 'core.flow.ForEachItem$ForEachItemSplit',
  items: 'core.flow.ForEachItem$ForEachItemExecutable',
  merge: 'core.flow.ForEachItem$ForEachItemMergeOutputs',
  /** A job of `items`: writes a page of outputs into a file. */
  outputs: 'core.flow.ForEachItem$ForEachItemOutputs',
} as const;

/** Files of one folder: a million of them in one would be slow. */
const FOLDER = 1_000;

/** URI of the item with this index, by the URI of the list of items that the split made. */
export function itemUri(splits: string, index: number): string {
  const folder = splits.slice(0, splits.lastIndexOf('/'));
  const name = splits.slice(folder.length + 1);
  const dot = name.indexOf('.');
  return `${folder}/${itemName(index, dot < 0 ? '' : name.slice(dot))}`;
}

/** The name of an item's file, below the folder of the list of items. */
export const itemName = (index: number, extension: string): string =>
  `${Math.floor(index / FOLDER)}/${index}${extension}`;

/** The name of a file of outputs, below the folder of the outputs of a ForEachItem. */
export const itemOutputsName = (page: number): string => `${Math.floor(page / FOLDER)}/${page}.ion`;
