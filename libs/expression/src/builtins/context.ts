import type { Run } from '../run.js';
import { hasKey, isList, isMapValue, keysOf, putEntry, typeName, valueOf, type MapValue } from '../values.js';
import { booleanArgument, textArgument } from './arguments.js';
import type { BuiltinFunction, Functions } from './definition.js';

/**
 * The variable behind `errorLogs()`: what the host's variables answer for this name, a list of maps with at least
 * `taskId` and `message`. It is no name that a template could write, and not part of `fetchContext()`.
 */
export const ERROR_LOGS_VARIABLE = 'errorLogs()';

const fetchContext: BuiltinFunction = { parameters: [], call: (_, run) => context(run) };

/** Functions that read the variables of the execution or render with them. */
export const CONTEXT_FUNCTIONS: Functions = {
  render: {
    parameters: ['toRender', 'recursive'],
    required: 1,
    call: ([value, recursive], run) =>
      renderAll(value ?? null, run, booleanArgument(recursive, 'recursive', run, true)),
  },
  renderOnce: { parameters: ['toRender'], required: 1, call: ([value], run) => renderAll(value ?? null, run, false) },
  block: { parameters: ['name'], required: 1, call: ([name], run) => block(textArgument(name, 'name', run), run) },
  fetchContext,
  printContext: fetchContext,
  errorLogs: { parameters: [], call: (_, run) => variable(ERROR_LOGS_VARIABLE, run) ?? [] },
  currentEachOutput: {
    parameters: ['outputs'],
    required: 1,
    call: ([outputs], run) => currentEachOutput(outputs, run),
  },
  tasksWithState: {
    parameters: ['state'],
    required: 1,
    call: ([state], run) => tasksWithState(textArgument(state, 'state', run).toUpperCase(), run),
  },
};

/** Renders all texts in a value, keys of maps too; what is not text, list or map is left as it is. */
function renderAll(value: unknown, run: Run, recursive: boolean): unknown {
  run.step();
  if (typeof value === 'string') return run.engine.renderText(value, run, recursive);
  if (!isList(value) && !isMapValue(value)) return value;
  run.enter(1);
  const rendered = isList(value)
    ? value.map((item) => renderAll(item, run, recursive))
    : renderMap(value, run, recursive);
  run.leave(1);
  return rendered;
}

function renderMap(map: MapValue, run: Run, recursive: boolean): unknown {
  const rendered: Record<string, unknown> = {};
  for (const key of keysOf(map)) {
    const name = run.engine.renderText(key, run, recursive);
    if (!Object.hasOwn(rendered, name)) putEntry(rendered, name, renderAll(valueOf(map, key), run, recursive));
  }
  return rendered;
}

function block(name: string, run: Run): string {
  const found = run.blocks.get(name);
  if (found === undefined) return run.fail('function', `there is no block '${name}' in this template`);
  return run.engine.executeBlock(found, run);
}

function context(run: Run): unknown {
  const all: Record<string, unknown> = {};
  for (const name of run.variables.names()) {
    if (name !== ERROR_LOGS_VARIABLE) putEntry(all, name, variable(name, run));
  }
  return all;
}

function variable(name: string, run: Run): unknown {
  return run.variables.has(name) ? (run.variables.get(name) ?? null) : null;
}

/** Follows the values of the loops around the task run, outermost first, then its own. */
function currentEachOutput(outputs: unknown, run: Run): unknown {
  const parents = variable('parents', run);
  const taskrun = variable('taskrun', run);
  let current = outputs;
  for (const parent of isList(parents) ? [...parents].reverse() : []) {
    const value = loopValue(isMapValue(parent) ? valueOf(parent, 'taskrun') : null, run);
    // A parent that is no loop repeats the value of the loop around it: it adds no level to the outputs.
    if (value !== undefined && isMapValue(current) && hasKey(current, value)) current = valueOf(current, value);
  }
  const own = loopValue(taskrun, run);
  if (own === undefined) return current;
  if (!isMapValue(current))
    return run.fail('type', `currentEachOutput needs the outputs of a task, but got ${typeName(current)}`);
  if (!hasKey(current, own)) return run.fail('undefined', `there are no outputs for the current value '${own}'`);
  return valueOf(current, own);
}

function loopValue(taskrun: unknown, run: Run): string | undefined {
  const value = isMapValue(taskrun) ? valueOf(taskrun, 'value') : null;
  return value === null ? undefined : run.text(value);
}

/** `{taskId, state, value?}` for each task run in that state; `tasks` has a level for each value of a loop. */
function tasksWithState(state: string, run: Run): unknown {
  const tasks = variable('tasks', run);
  const found: unknown[] = [];
  if (!isMapValue(tasks)) return found;
  for (const taskId of keysOf(tasks)) collectTasks(taskId, undefined, valueOf(tasks, taskId), state, found, run);
  return found;
}

function collectTasks(
  taskId: string,
  value: string | undefined,
  node: unknown,
  state: string,
  found: unknown[],
  run: Run,
): void {
  if (!isMapValue(node)) return;
  run.step();
  const actual = valueOf(node, 'state');
  if (typeof actual === 'string') {
    if (actual.toUpperCase() === state)
      found.push({ taskId, state: actual, ...(value === undefined ? {} : { value }) });
    return;
  }
  run.enter(1);
  for (const key of keysOf(node)) collectTasks(taskId, key, valueOf(node, key), state, found, run);
  run.leave(1);
}
