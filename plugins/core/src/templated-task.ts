import { Dynamic, isPlainObject, taskSchema, type PlainObject, type TaskDefinition } from '@millrace/model';
import { defineTask, TaskFailure } from '@millrace/plugin-api';
import { Type } from '@sinclair/typebox';
import { parseDocument } from 'yaml';

const TYPE = 'core.templating.TemplatedTask';
const OLD_TYPE = 'io.kestra.core.tasks.templating.TemplatedTask';

/** Properties that say how a task is run and not what it does: those of the TemplatedTask itself hold. */
const OF_THE_OUTER_TASK = [
  'retry',
  'timeout',
  'runIf',
  'disabled',
  'allowFailure',
  'allowWarning',
  'workerGroup',
  'taskCache',
  'logToFile',
];

/** `core.templating.TemplatedTask`: a task whose text is rendered before it is known what task it is. */
export const templatedTask = defineTask({
  type: TYPE,
  aliases: [OLD_TYPE],
  kind: 'runnable',
  title: 'Runs a task that is given as a template.',
  schema: taskSchema(
    {
      spec: Dynamic(
        Type.String({ description: 'One task that a worker runs, as YAML; rendered, then read, then run.' }),
      ),
    },
    "Runs a task that is given as a template; its outputs are that task's.",
  ),
  run: ({ spec }, { runTask, log }) => {
    const definition = taskOf(spec);
    const ignored = OF_THE_OUTER_TASK.filter((name) => definition[name] !== undefined);
    if (ignored.length > 0)
      log.write('WARN', `In 'spec' these have no effect, set them on the task itself: ${ignored.join(', ')}`);
    return runTask(definition);
  },
});

function taskOf(spec: string): TaskDefinition {
  const task = parsed(spec);
  const { id = 'templated', type } = task;
  if (typeof type !== 'string') throw new TaskFailure("The task in 'spec' has no 'type'");
  if (typeof id !== 'string') throw new TaskFailure("The 'id' of the task in 'spec' must be text");
  if (type === TYPE || type === `io.kestra.plugin.${TYPE}` || type === OLD_TYPE)
    throw new TaskFailure("The task in 'spec' must not be a TemplatedTask again: put its 'spec' here");
  return { ...task, id, type };
}

function parsed(spec: string): PlainObject {
  // As flows are read: the words of YAML 1.1, and no aliases that grow.
  const document = parseDocument(spec, { version: '1.1' });
  const [error] = document.errors;
  if (error)
    throw new TaskFailure(`The text of 'spec' is not YAML once it is rendered: ${error.message.split('\n')[0]}`);
  const task: unknown = document.toJS({ maxAliasCount: 100 });
  if (!isPlainObject(task)) throw new TaskFailure("The text of 'spec' must be one task: a map with a 'type'");
  return task;
}
