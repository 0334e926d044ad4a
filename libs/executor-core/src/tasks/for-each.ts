import { excerpt, isPlainObject } from '@millrace/model';
import { limitOf, stopsWhenFailed, type Entered, type Flowable } from './flowable.js';

/** Values of one ForEach; beyond it the task fails, before anything is started. */
export const LOOP_VALUES_MAX = 100_000;

/**
 * ForEach: a lane for each value, `concurrencyLimit` of them at a time; inside a lane the tasks run in order with the
 * value. A failed child stops the start of further children.
 */
export const forEach: Flowable = {
  renders: ['values'],
  entered: (task, rendered) => enteredLoop(task.id, rendered['values'], 1),
  lane: (task) => task.lists.tasks,
  concurrency: (task) => limitOf(task.definition['concurrencyLimit'], 1),
  valueIndex: (_task, lane) => lane,
  childEnded: stopsWhenFailed,
};

/** The lanes of a loop over `rendered`, so many for each value. Values that come again are dropped. */
export function enteredLoop(taskId: string, rendered: unknown, lanesOfValue: number): Entered {
  const list = listOf(rendered);
  if (!list) {
    return refused(
      `The values of '${taskId}' must be a list, but are ${excerpt(rendered)}: give a list, or an expression that gives one.`,
    );
  }
  const values = new Set<string>();
  for (const [index, element] of list.entries()) {
    const text = textOf(element);
    if (text === undefined) {
      return refused(
        `Value ${index} of '${taskId}' is ${excerpt(element)}: a value must be text, a number or a map, and not null.`,
      );
    }
    values.add(text);
  }
  if (values.size > LOOP_VALUES_MAX) {
    return refused(`'${taskId}' has ${values.size} values; at most ${LOOP_VALUES_MAX} are allowed: split the list.`);
  }
  return { kind: 'entered', lanes: values.size * lanesOfValue, values: [...values] };
}

const refused = (message: string): Entered => ({ kind: 'refused', message });

function listOf(rendered: unknown): readonly unknown[] | undefined {
  if (Array.isArray(rendered)) return rendered;
  if (typeof rendered !== 'string') return undefined;
  try {
    const parsed: unknown = JSON.parse(rendered);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function textOf(element: unknown): string | undefined {
  if (typeof element === 'string') return element;
  if (typeof element === 'number' || typeof element === 'boolean') return String(element);
  return isPlainObject(element) || Array.isArray(element) ? JSON.stringify(element) : undefined;
}
