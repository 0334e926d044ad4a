import { Type } from '@sinclair/typebox';
import { taskSchema, type PlainObject } from '@millrace/model';
import { defineTask, type Plugin, type TaskContext, type TaskResult } from '@millrace/plugin-api';

/** A plugin with one task `test.Task` that does what a test says. */
export function pluginOf(run: (context: TaskContext, properties: PlainObject) => Promise<TaskResult>): Plugin {
  const schema = taskSchema({ text: Type.Optional(Type.String()) }, 'Does what a test says.');
  const task = defineTask({
    type: 'test.Task',
    kind: 'runnable',
    title: 'Does what a test says.',
    schema,
    run: (properties, context) => run(context, properties),
  });
  return { name: 'test', tasks: [task] };
}

/** A promise with its ends outside. */
export function gate<Value = void>() {
  let open: (value: Value) => void = () => undefined;
  const opened = new Promise<Value>((resolve) => {
    open = resolve;
  });
  return { opened, open: (value: Value) => open(value) };
}

/** Rejects when the attempt is stopped, as a task should. */
export const untilStopped = ({ signal }: TaskContext): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
  });
