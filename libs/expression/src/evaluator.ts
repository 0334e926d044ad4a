import { callFunction, applyFilter, applyTest } from './calls.js';
import { ExpressionError } from './error.js';
import { suggestion } from './nearest.js';
import {
  areEqual,
  arithmetic,
  compare,
  concatenate,
  contains,
  isIn,
  isTrueInside,
  range,
  signed,
} from './operators.js';
import type { Run } from './run.js';
import type { Attribute, Binary, Expression, MapLiteral, Name, Subscript } from './syntax.js';
import { hasKey, isList, isMapValue, isReadableKey, keysOf, putEntry, typeName, valueOf } from './values.js';

/** Stands for a variable, attribute or element that does not exist; never leaves the evaluator. */
const MISSING = Symbol('missing');

/**
 * The value of an expression.
 *
 * @throws ExpressionError; kind `undefined` for an unknown variable or attribute
 */
export function evaluate(node: Expression, run: Run): unknown {
  run.step();
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'name': {
      const value = lookUp(node, run);
      return value === MISSING ? unknownVariable(node, run) : value;
    }
    case 'attribute': {
      const target = evaluate(node.target, run);
      const value = member(target, node.name, node, run);
      return value === MISSING ? unknownMember(target, node.name, node, run) : value;
    }
    case 'subscript': {
      const target = evaluate(node.target, run);
      const key = evaluate(node.key, run);
      const value = member(target, key, node, run);
      return value === MISSING ? unknownMember(target, key, node, run) : value;
    }
    case 'binary':
      return binary(node, run);
    case 'conditional':
      return evaluate(isTrueInside(evaluate(node.condition, run), run) ? node.then : node.otherwise, run);
    case 'filter': {
      const input = node.name === 'default' ? orNull(evaluateOrMissing(node.input, run)) : evaluate(node.input, run);
      return applyFilter(node.name, input, node.args, node.at, run);
    }
    case 'test': {
      const input = node.name === 'defined' ? orNull(evaluateOrMissing(node.input, run)) : evaluate(node.input, run);
      return applyTest(node, input, run) !== node.negated;
    }
    case 'call':
      return callFunction(node, run);
    case 'unary': {
      const operand = evaluate(node.operand, run);
      run.at = node.at;
      return node.operator === 'not' ? !isTrueInside(operand, run) : signed(node.operator, operand, run);
    }
    case 'list':
      return node.items.map((item) => evaluate(item, run));
    case 'map':
      return mapLiteral(node, run);
  }
}

function mapLiteral(node: MapLiteral, run: Run): unknown {
  const map: Record<string, unknown> = {};
  for (const entry of node.entries) {
    const key = run.text(evaluate(entry.key, run));
    putEntry(map, key, evaluate(entry.value, run));
  }
  return map;
}

function binary(node: Binary, run: Run): unknown {
  const { operator } = node;
  if (operator === 'and')
    return isTrueInside(evaluate(node.left, run), run) && isTrueInside(evaluate(node.right, run), run);
  if (operator === 'or')
    return isTrueInside(evaluate(node.left, run), run) || isTrueInside(evaluate(node.right, run), run);
  if (operator === '??' || operator === '???') {
    const left = evaluateOrMissing(node.left, run);
    return isAbsent(left, operator) ? evaluate(node.right, run) : left;
  }
  const left = evaluate(node.left, run);
  const right = evaluate(node.right, run);
  run.at = node.at;
  switch (operator) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmetic(operator, left, right, node.decimal, run);
    case '==':
    case 'equals':
      return areEqual(left, right, run);
    case '!=':
      return !areEqual(left, right, run);
    case '<':
    case '>':
    case '<=':
    case '>=':
      return compare(operator, left, right, run);
    case '~':
      return concatenate(left, right, run);
    case 'contains':
      return contains(left, right, run);
    case 'isIn':
      return isIn(left, right, run);
    case '..':
      return range(left, right, 1, run);
  }
}

function isAbsent(value: unknown, operator: '??' | '???'): boolean {
  return value === MISSING || (value === null && operator === '??');
}

/**
 * As `evaluate`, but MISSING where a variable or attribute does not exist. Paths, which are nearly all that stands
 * left of `??`, are followed without the cost of an error.
 */
function evaluateOrMissing(node: Expression, run: Run): unknown {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'name':
      run.step();
      return lookUp(node, run);
    case 'attribute': {
      run.step();
      const target = evaluateOrMissing(node.target, run);
      return target === MISSING ? MISSING : member(target, node.name, node, run);
    }
    case 'subscript': {
      run.step();
      const target = evaluateOrMissing(node.target, run);
      const key = target === MISSING ? MISSING : evaluateOrMissing(node.key, run);
      return key === MISSING ? MISSING : member(target, key, node, run);
    }
    case 'binary':
      if (node.operator === '??' || node.operator === '???') {
        const left = evaluateOrMissing(node.left, run);
        return isAbsent(left, node.operator) ? evaluateOrMissing(node.right, run) : left;
      }
      return evaluateCatching(node, run);
    case 'unary':
    case 'conditional':
    case 'filter':
    case 'test':
    case 'call':
    case 'list':
    case 'map':
      return evaluateCatching(node, run);
  }
}

function evaluateCatching(node: Expression, run: Run): unknown {
  const saved = run.save();
  try {
    return evaluate(node, run);
  } catch (error) {
    if (!(error instanceof ExpressionError) || error.kind !== 'undefined') throw error;
    run.restore(saved);
    return MISSING;
  }
}

function orNull(value: unknown): unknown {
  return value === MISSING ? null : value;
}

function lookUp(node: Name, run: Run): unknown {
  const scope = run.scope?.find(node.name);
  if (scope !== undefined) return scope.get(node.name);
  if (!run.variables.has(node.name)) return MISSING;
  return run.readable(run.variables.get(node.name) ?? null);
}

/** An own member of a list or map; MISSING when there is none, as there is none of anything else. */
function member(target: unknown, key: unknown, node: Attribute | Subscript, run: Run): unknown {
  if (typeof target !== 'object' || target === null) return MISSING;
  if (isList(target)) return run.readable(element(target, key));
  if (!isMapValue(target)) return MISSING;
  const name = typeof key === 'string' ? key : run.text(key);
  if (!isReadableKey(name)) {
    run.at = node.at;
    return run.fail('type', `'${name}' cannot be read in expressions`);
  }
  return hasKey(target, name) ? run.readable(valueOf(target, name)) : MISSING;
}

function element(list: readonly unknown[], key: unknown): unknown {
  const index = typeof key === 'string' && /^\d{1,15}$/.test(key) ? Number(key) : key;
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= list.length) return MISSING;
  return list[index] ?? null;
}

function unknownVariable(node: Name, run: Run): never {
  run.at = node.at;
  const end = node.at.offset + node.name.length;
  const hint = suggestion(node.name, run.variables.names()) || hyphenHint(node.at.offset, end, run);
  return run.fail('undefined', `unable to find '${node.name}' used in the expression${hint}`);
}

function unknownMember(target: unknown, key: unknown, node: Attribute | Subscript, run: Run): never {
  run.at = node.at;
  const path = pathText(node);
  const what = path === undefined ? `'${run.text(key)}'` : `'${path}'`;
  if (!isMapValue(target)) {
    const reason = isList(target) ? `it has ${target.length} elements, counted from 0` : 'which has no members';
    const owner = pathText(node.target) ?? 'the value before it';
    return run.fail(
      'undefined',
      `unable to find ${what} used in the expression: '${owner}' is ${typeName(target)}, ${reason}`,
    );
  }
  const end = node.at.offset + 1 + run.text(key).length;
  const hint = suggestion(run.text(key), keysOf(target)) || hyphenHint(node.at.offset, end, run);
  return run.fail('undefined', `unable to find ${what} used in the expression${hint}`);
}

/** `inputs.my-input` subtracts `input` from `inputs.my`; say so when it looks like that. */
function hyphenHint(start: number, end: number, run: Run): string {
  const { source } = run;
  const before = source[start - 1] === '-' && /[\p{L}\p{N}_]/u.test(source[start - 2] ?? '');
  const after = source[end] === '-' && /[\p{L}\p{N}_]/u.test(source[end + 1] ?? '');
  return before || after ? "; '-' subtracts: for a name that contains it write ['…'], as in inputs['my-input']" : '';
}

/** A path as it is written, `a.b['c']`; undefined when part of it is computed. */
function pathText(node: Expression): string | undefined {
  if (node.kind === 'name') return node.name;
  if (node.kind !== 'attribute' && node.kind !== 'subscript') return undefined;
  const target = pathText(node.target);
  if (target === undefined) return undefined;
  if (node.kind === 'attribute') return `${target}.${node.name}`;
  const key = node.key.kind === 'literal' ? JSON.stringify(node.key.value) : pathText(node.key);
  return key === undefined ? undefined : `${target}[${key}]`;
}
