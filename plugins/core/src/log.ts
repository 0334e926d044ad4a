import { Type } from '@sinclair/typebox';
import { Dynamic, LOG_LEVELS, taskSchema, type LogLevel } from '@millrace/model';
import { defineTask } from '@millrace/plugin-api';

/** A level of log entries, as a property. */
export const levelProperty = (description: string) =>
  Type.Optional(
    Dynamic(Type.Unsafe<LogLevel>({ type: 'string', enum: [...LOG_LEVELS], default: 'INFO', description })),
  );

/** `core.log.Log`: one entry in the log for each message. */
export const logTask = defineTask({
  type: 'core.log.Log',
  aliases: ['io.kestra.core.tasks.log.Log'],
  kind: 'runnable',
  title: 'Writes messages into the log of the execution.',
  schema: taskSchema(
    {
      message: Dynamic(
        Type.Union([Type.String(), Type.Array(Type.String())], { description: 'The message, or a list of messages.' }),
      ),
      level: levelProperty('Level of the entries.'),
    },
    'Writes messages into the log of the execution, one entry for each message.',
  ),
  inline({ message, level = 'INFO' }) {
    const messages = typeof message === 'string' ? [message] : message;
    return { logs: messages.map((text) => ({ level, message: text })) };
  },
});
