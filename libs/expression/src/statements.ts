import { applyFilter } from './calls.js';
import { evaluate } from './evaluator.js';
import { isTrueInside } from './operators.js';
import { Scope, type Run } from './run.js';
import { TextSink, type Sink } from './sink.js';
import type { Block, Body, FilterTag, For, If, Macro, SetTag, Statement, Tree } from './syntax.js';
import { isList, isMapValue, keysOf, typeName, valueOf } from './values.js';

/** Runs a template from the beginning; its macros and blocks are known in it and in what it renders. */
export function executeTree(tree: Tree, run: Run, sink: Sink): void {
  const saved = run.save();
  run.enter(tree.height);
  run.source = tree.source;
  run.macros = joined(run.macros, tree.macros);
  run.blocks = joined(run.blocks, tree.blocks);
  if (run.scope !== undefined) run.scope = new Scope(run.scope);
  execute(tree.body, run, sink);
  run.restore(saved);
}

function joined<T>(outer: ReadonlyMap<string, T>, inner: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  if (inner.size === 0) return outer;
  return outer.size === 0 ? inner : new Map([...outer, ...inner]);
}

function execute(body: Body, run: Run, sink: Sink): void {
  for (const statement of body) executeOne(statement, run, sink);
}

function executeOne(statement: Statement, run: Run, sink: Sink): void {
  run.step();
  switch (statement.kind) {
    case 'text':
      return sink.text(statement.text, statement.raw);
    case 'print': {
      const value = evaluate(statement.expression, run);
      run.at = statement.at;
      return sink.value(value);
    }
    case 'if':
      return ifTag(statement, run, sink);
    case 'for':
      return forTag(statement, run, sink);
    case 'set':
      return setTag(statement, run);
    case 'block':
      return execute(statement.body, run, sink);
    case 'filterTag':
      return filterTag(statement, run, sink);
    case 'macro':
      return; // known from the start of the template, wherever it is written
  }
}

function ifTag(node: If, run: Run, sink: Sink): void {
  const branch = node.branches.find(({ condition }) => isTrueInside(evaluate(condition, run), run));
  execute(branch?.body ?? node.otherwise, run, sink);
}

function forTag(node: For, run: Run, sink: Sink): void {
  const iterable = evaluate(node.iterable, run);
  run.at = node.at;
  const items = itemsOf(iterable, run);
  if (items.length === 0) return execute(node.otherwise, run, sink);
  const outer = run.scope;
  const { length } = items;
  for (let index = 0; index < length; index++) {
    run.scope = new Scope(outer);
    run.scope.define(node.variable, items[index] ?? null);
    const [first, last, revindex] = [index === 0, index === length - 1, length - index - 1];
    run.scope.define('loop', { index, length, first, last, revindex });
    execute(node.body, run, sink);
  }
  run.scope = outer;
}

/** A map is iterated as entries with `key` and `value`; null as nothing. */
function itemsOf(iterable: unknown, run: Run): readonly unknown[] {
  if (iterable === null) return [];
  if (isList(iterable)) return iterable;
  if (!isMapValue(iterable)) return run.fail('type', `'for' needs a list or a map, but got ${typeName(iterable)}`);
  const keys = keysOf(iterable);
  run.step(keys.length);
  return keys.map((key) => ({ key, value: valueOf(iterable, key) }));
}

/** Changes the innermost variable of that name, or makes a new one here. */
function setTag(node: SetTag, run: Run): void {
  const value = evaluate(node.value, run);
  run.scope ??= new Scope(undefined);
  (run.scope.find(node.name) ?? run.scope).define(node.name, value);
}

function filterTag(node: FilterTag, run: Run, sink: Sink): void {
  const inner = new TextSink(run);
  execute(node.body, run, inner);
  let value: unknown = inner.result;
  for (const { name, args, at } of node.filters) value = applyFilter(name, value, args, at, run);
  sink.value(value);
}

/**
 * The text of a macro. Inside, only its parameters and the top-level variables are seen; a parameter that is not given
 * has its default, or null.
 */
export function callMacro(macro: Macro, args: readonly unknown[], run: Run): string {
  const saved = run.save();
  run.enter(macro.height);
  run.source = macro.source;
  const scope = new Scope(undefined);
  run.scope = scope;
  macro.parameters.forEach(({ name, fallback }, index) => {
    const given = args[index];
    scope.define(name, given !== undefined || fallback === undefined ? (given ?? null) : evaluate(fallback, run));
  });
  const sink = new TextSink(run);
  execute(macro.body, run, sink);
  run.restore(saved);
  return sink.result;
}

/** The text of a block, for `block("name")`. */
export function executeBlock(block: Block, run: Run): string {
  const sink = new TextSink(run);
  run.enter(block.height);
  execute(block.body, run, sink);
  run.leave(block.height);
  return sink.result;
}
