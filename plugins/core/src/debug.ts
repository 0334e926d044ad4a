import { Type } from '@sinclair/typebox';
import { Dynamic, taskSchema } from '@millrace/model';
import { defineTask } from '@millrace/plugin-api';
import { levelProperty } from './log.js';

const format = (description: string) => Type.Optional(Dynamic(Type.String({ description })));

/** `core.debug.Return`: its output is a rendered text. */
export const returnTask = defineTask({
  type: 'core.debug.Return',
  aliases: ['io.kestra.core.tasks.debugs.Return'],
  kind: 'runnable',
  title: 'Gives a rendered text as its output.',
  schema: taskSchema(
    { format: format('The text; without it there is no output.') },
    'Gives a rendered text as its output.',
  ),
  outputs: Type.Object({ value: Type.Optional(Type.String({ description: 'The rendered text.' })) }),
  inline({ format: value }) {
    if (value === undefined) return {};
    return {
      outputs: { value },
      metrics: [
        { type: 'counter', name: 'length', value: value.length },
        // The text is there when the task starts, and a pure function has no clock.
        { type: 'timer', name: 'duration', value: 0 },
      ],
    };
  },
});

/** `core.debug.Echo`: logs a rendered text. Older name for `core.log.Log`. */
export const echoTask = defineTask({
  type: 'core.debug.Echo',
  aliases: ['io.kestra.core.tasks.debugs.Echo'],
  kind: 'runnable',
  deprecated: true,
  title: 'Writes a rendered text into the log; use core.log.Log.',
  schema: taskSchema(
    { format: format('The text; without it nothing is logged.'), level: levelProperty('Level of the entry.') },
    'Writes a rendered text into the log of the execution.',
  ),
  inline: ({ format: message, level = 'INFO' }) => (message === undefined ? {} : { logs: [{ level, message }] }),
});
