import type { InlineTask } from '@millrace/executor-core';
import { checkProperties, cutLine, TaskFailure, type TaskTypeRegistry } from '@millrace/plugin-api';

/** The task types that are pure functions of their properties, ready for decisions; made once for each type. */
export function inlineTasks(registry: TaskTypeRegistry): (type: string) => InlineTask | undefined {
  const made = new Map<string, InlineTask | undefined>();
  return (type) => {
    if (!made.has(type)) made.set(type, inlineTask(registry, type));
    return made.get(type);
  };
}

function inlineTask(registry: TaskTypeRegistry, type: string): InlineTask | undefined {
  const taskType = registry.find(type);
  const decide = taskType?.inline;
  if (!taskType || !decide) return undefined;
  return (rendered, context) => {
    const checked = checkProperties(taskType, rendered);
    if (!checked.ok) throw new TaskFailure(checked.errors.join('; '));
    const { logs, ...result } = decide(checked.properties, context);
    return logs
      ? { ...result, logs: logs.map(({ level, message }) => ({ level, message: cutLine(message) })) }
      : result;
  };
}
