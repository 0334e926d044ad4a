import type { Position } from './error.js';
import { ExpressionError } from './error.js';
import { suggestion } from './nearest.js';
import { FILTERS, FUNCTIONS, HOST_FUNCTIONS, TESTS, UNAVAILABLE } from './builtins/registry.js';
import type { Run } from './run.js';
import { Suspended } from './suspended.js';
import type { Arguments, FunctionCall, TestCall } from './syntax.js';

interface Bindable {
  readonly parameters: readonly string[];
  readonly required?: number;
  readonly variadic?: boolean;
}

/** The result of `input | name(args)`. */
export function applyFilter(name: string, input: unknown, args: Arguments, at: Position, run: Run): unknown {
  const filter = own(FILTERS, name);
  if (filter === undefined) {
    run.at = at;
    return unknownName('filter', name, Object.keys(FILTERS), run);
  }
  const bound = bind(filter, `filter '${name}'`, args, at, run);
  if (input === null && filter.acceptsNull !== true) return null;
  run.at = at;
  return filter.apply(input, bound, run);
}

/** Whether `input is name(args)`; the caller negates for `is not`. */
export function applyTest(node: TestCall, input: unknown, run: Run): boolean {
  const test = own(TESTS, node.name);
  if (test === undefined) {
    run.at = node.at;
    return unknownName('test', node.name, Object.keys(TESTS), run);
  }
  const bound = bind(test, `test '${node.name}'`, node.args, node.at, run);
  run.at = node.at;
  return test.holds(input, bound, run);
}

/** The result of `name(args)`: a macro of the template, a function, or a function of the host. */
export function callFunction(node: FunctionCall, run: Run): unknown {
  const { name, args, at } = node;
  const macro = run.macros.get(name);
  if (macro !== undefined) {
    const parameters = macro.parameters.map((parameter) => parameter.name);
    return run.engine.callMacro(macro, bind({ parameters }, `macro '${name}'`, args, at, run), run);
  }
  const builtin = own(FUNCTIONS, name);
  if (builtin !== undefined) {
    const bound = bind(builtin, `function '${name}'`, args, at, run);
    run.at = at;
    return builtin.call(bound, run);
  }
  const host = own(HOST_FUNCTIONS, name);
  if (host !== undefined) return callHost(node, host, run);
  run.at = at;
  return unknownName(
    'function',
    name,
    [...run.macros.keys(), ...Object.keys(FUNCTIONS), ...Object.keys(HOST_FUNCTIONS)],
    run,
  );
}

function callHost(node: FunctionCall, signature: Bindable, run: Run): unknown {
  const { name, args, at } = node;
  checkArguments(signature, `function '${name}'`, args, at, run);
  const positional = args.positional.map((argument) => run.engine.evaluate(argument, run));
  const named: Record<string, unknown> = {};
  for (const argument of args.named) named[argument.name] = run.engine.evaluate(argument.value, run);
  run.at = at;
  const { host } = run.environment;
  if (host === undefined) {
    return run.fail('function', `the function '${name}' needs a worker and cannot be used in this place`);
  }
  run.hostCall();
  try {
    return host.call(name, positional, named) ?? null;
  } catch (error) {
    if (error instanceof Suspended) throw error;
    if (error instanceof ExpressionError) return run.fail(error.kind, error.reason, error);
    return run.fail('function', error instanceof Error ? error.message : `the function '${name}' failed`, error);
  }
}

/** Argument values in the order of the parameters; `undefined` where none is given. */
function bind(target: Bindable, what: string, args: Arguments, at: Position, run: Run): unknown[] {
  checkArguments(target, what, args, at, run);
  const bound = args.positional.map((argument) => run.engine.evaluate(argument, run));
  for (const argument of args.named)
    bound[target.parameters.indexOf(argument.name)] = run.engine.evaluate(argument.value, run);
  return bound;
}

function checkArguments(target: Bindable, what: string, args: Arguments, at: Position, run: Run): void {
  const { parameters, required = 0 } = target;
  const given = args.positional.length;
  if (given > parameters.length && target.variadic !== true) {
    run.at = at;
    const takes = parameters.length === 0 ? 'no arguments' : `at most ${parameters.length} (${parameters.join(', ')})`;
    run.fail('function', `the ${what} takes ${takes}, but ${given} are given`);
  }
  for (const { name } of args.named) {
    const index = parameters.indexOf(name);
    if (index >= given) continue;
    run.at = at;
    if (index >= 0) run.fail('function', `the argument '${name}' of the ${what} is given twice`);
    run.fail('function', `the ${what} has no argument '${name}'${suggestion(name, parameters) || listed(parameters)}`);
  }
  for (let index = given; index < required; index++) {
    if (args.named.some((argument) => argument.name === parameters[index])) continue;
    run.at = at;
    run.fail('function', `the ${what} needs the argument '${parameters[index] ?? ''}'`);
  }
}

function listed(parameters: readonly string[]): string {
  return parameters.length === 0 ? '' : `; it has ${parameters.join(', ')}`;
}

function unknownName(what: 'filter' | 'test' | 'function', name: string, known: readonly string[], run: Run): never {
  if (UNAVAILABLE[what].has(name))
    return run.fail('function', `the ${what} '${name}' is not available in this version`);
  return run.fail('function', `unknown ${what} '${name}'${suggestion(name, known)}`);
}

/** Names come from the template: an inherited property (`toString`) is not an entry. */
function own<T>(registry: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(registry, name) ? registry[name] : undefined;
}
