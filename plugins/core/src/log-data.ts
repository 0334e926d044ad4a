import { Readable } from 'node:stream';
import { Type } from '@sinclair/typebox';
import { Dynamic, LOG_LEVELS, taskSchema, type LogLevel } from '@millrace/model';
import { defineTask, TaskFailure } from '@millrace/plugin-api';
import { instantOf, instantProperty } from './instant.js';
import { levelProperty } from './log.js';

const text = (description: string) => Type.Optional(Dynamic(Type.String({ minLength: 1, description })));

/** `core.log.Fetch`: the log of an execution as a file. */
export const fetchLogsTask = defineTask({
  type: 'core.log.Fetch',
  kind: 'runnable',
  title: 'Writes the log of an execution into a file.',
  schema: taskSchema(
    {
      level: levelProperty('Least level of the entries.'),
      executionId: text('The execution; without it this one.'),
      namespace: text('Namespace of the execution, for people: its id says all.'),
      flowId: text('Flow of the execution, for people: its id says all.'),
      tasksId: Type.Optional(
        Dynamic(Type.Array(Type.String(), { maxItems: 1_000, description: 'Only the entries of these tasks.' })),
      ),
    },
    'Writes the log of an execution into a file of internal storage, an entry on each line.',
  ),
  outputs: Type.Object({
    size: Type.Integer({ description: 'Entries.' }),
    uri: Type.String({ description: 'The file, in Ion.' }),
  }),
  async run({ level = 'INFO', executionId, tasksId = [] }, context) {
    let size = 0;
    const { files, services, signal } = context;
    const entries = services.logs.entries(executionId ?? context.executionId, { minLevel: level, taskIds: tasksId });
    async function* lines(): AsyncGenerator<string> {
      for await (const entry of entries) {
        signal.throwIfAborted();
        size += 1;
        // JSON is Ion.
        yield `${JSON.stringify(entry)}\n`;
      }
    }
    const uri = await files.store('logs.ion', Readable.from(lines(), { objectMode: false }));
    return { outputs: { size, uri } };
  },
});

/** `core.log.PurgeLogs`: removes log entries for good. */
export const purgeLogsTask = defineTask({
  type: 'core.log.PurgeLogs',
  kind: 'runnable',
  title: 'Removes log entries for good.',
  schema: taskSchema(
    {
      namespace: text("Namespace of the flows, with those below it; with 'flowId' only itself."),
      flowId: text('The flow.'),
      executionId: text('The execution.'),
      logLevels: Type.Optional(
        Dynamic(
          Type.Array(Type.Unsafe<LogLevel>({ type: 'string', enum: [...LOG_LEVELS] }), {
            description: 'Levels; without them all.',
          }),
        ),
      ),
      startDate: Type.Optional(instantProperty('Entries not before.')),
      endDate: instantProperty('Entries before.'),
    },
    'Removes log entries for good: those that fit all that is given.',
  ),
  outputs: Type.Object({ count: Type.Integer({ description: 'Entries that were removed.' }) }),
  async run({ namespace, flowId, executionId, logLevels, startDate, endDate }, { services }) {
    if (flowId !== undefined && namespace === undefined)
      throw new TaskFailure("'flowId' needs 'namespace' beside it, for flows of two namespaces may share an id");
    const count = await services.logs.purge({
      ...(namespace === undefined ? {} : { namespace }),
      ...(flowId === undefined ? {} : { flowId }),
      ...(executionId === undefined ? {} : { executionId }),
      ...(logLevels === undefined ? {} : { levels: logLevels }),
      ...(startDate === undefined ? {} : { from: instantOf('startDate', startDate) }),
      before: instantOf('endDate', endDate),
    });
    return { outputs: { count } };
  },
});
