import { Type } from '@sinclair/typebox';
import { taskSchema } from './flow.js';
import { Dynamic, MapOf } from './schema.js';
import type { TaskTypeDescription } from './task-types.js';

const LABEL_VALUE = { type: ['string', 'number', 'boolean'] } as const;

/** The task types that change their execution (spec tasks.md §3); what they do is in libs/executor-core/src/updates. */
export const UPDATING_TASKS: readonly TaskTypeDescription[] = [
  {
    type: 'core.execution.Exit',
    kind: 'updating',
    title: 'Ends the execution in a state.',
    schema: taskSchema(
      {
        state: Type.Optional(
          Dynamic(
            Type.Unsafe<string>({
              type: 'string',
              enum: ['SUCCESS', 'WARNING', 'FAILED', 'CANCELLED', 'CANCELED', 'KILLED'],
              default: 'SUCCESS',
              description: 'State of this task, of all around it and of the execution. KILLED kills it.',
            }),
          ),
        ),
      },
      'Ends the execution in a state; what runs already goes on to its end, nothing new starts.',
    ),
  },
  {
    type: 'core.execution.Labels',
    aliases: ['io.kestra.core.tasks.executions.Labels'],
    kind: 'updating',
    title: 'Sets labels of the execution.',
    schema: taskSchema(
      {
        labels: Dynamic(
          Type.Unsafe<unknown>({
            anyOf: [
              { type: 'string' },
              { type: 'object', additionalProperties: LABEL_VALUE },
              {
                type: 'array',
                items: {
                  type: 'object',
                  properties: { key: { type: 'string' }, value: LABEL_VALUE },
                  required: ['key', 'value'],
                  additionalProperties: false,
                },
              },
            ],
            description: 'A map, a list of keys and values, or JSON text of one of them.',
          }),
        ),
      },
      'Sets labels of the execution; those of other keys stay.',
    ),
  },
  {
    type: 'core.execution.SetVariables',
    kind: 'updating',
    title: 'Sets variables of the execution.',
    schema: taskSchema(
      {
        variables: Dynamic(MapOf(Type.Unknown(), { description: 'Laid over the variables, map by map.' })),
        overwrite: Type.Optional(
          Dynamic(Type.Boolean({ default: true, description: 'false: a variable that exists already is an error.' })),
        ),
      },
      'Sets variables of the execution.',
    ),
  },
  {
    type: 'core.execution.UnsetVariables',
    kind: 'updating',
    title: 'Removes variables of the execution.',
    schema: taskSchema(
      {
        variables: Dynamic(Type.Array(Type.String(), { description: 'Their names; a dot names a member of a map.' })),
        ignoreMissing: Type.Optional(
          Dynamic(Type.Boolean({ default: false, description: 'true: a variable that is not there is no error.' })),
        ),
      },
      'Removes variables of the execution.',
    ),
  },
];
