import type { Run } from './run.js';
import { isTruthy } from '@millrace/model';
import { LazyMap, hasKey, isList, isMapValue, keysOf, typeName, valueOf } from './values.js';

const NUMERIC = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/;
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type ComparisonOperator = '<' | '>' | '<=' | '>=';

/**
 * Truth inside a template (`if`, `and`, `or`, `not`, `? :`): as `isTruthy`, but an empty list or map is false, since
 * there it is the value that is asked, not its text.
 */
export function isTrueInside(value: unknown, run: Run): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') run.made(value);
  return isTruthy(value) && !isEmptyCollection(value, run);
}

/** Whether a value is a list or map without members. */
export function isEmptyCollection(value: unknown, run: Run): boolean {
  if (isList(value)) return value.length === 0;
  if (!isMapValue(value)) return false;
  if (value instanceof LazyMap) {
    for (const _ of value.keys()) return false;
    return true;
  }
  const { length } = Object.keys(value);
  run.step(length);
  return length === 0;
}

/** A number, or text that reads as one; undefined otherwise. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && value.length < 400 && NUMERIC.test(value) ? Number(value) : undefined;
}

/**
 * `+ - * / %`. Text on either side of `+` concatenates, a list on its left appends, on the left of `-` removes. Two
 * integers divide to an integer (towards zero), as in Java; since 1.0 and 1 are one JavaScript number, `decimal` tells
 * that an operand was written with a decimal point.
 */
export function arithmetic(
  operator: ArithmeticOperator,
  left: unknown,
  right: unknown,
  decimal: boolean,
  run: Run,
): unknown {
  if (typeof left === 'number' && typeof right === 'number') return calculate(operator, left, right, decimal, run);
  if (operator === '+' && (typeof left === 'string' || typeof right === 'string')) return concatenate(left, right, run);
  if (isList(left) && operator === '+') {
    run.step(left.length);
    return [...left, right];
  }
  if (isList(left) && operator === '-') return left.filter((item) => !areEqual(item, right, run));
  const leftNumber = asNumber(left);
  const rightNumber = asNumber(right);
  if (leftNumber === undefined || rightNumber === undefined) {
    const wrong = leftNumber === undefined ? left : right;
    return run.fail('type', `'${operator}' needs two numbers, but one side is ${typeName(wrong)}`);
  }
  return calculate(operator, leftNumber, rightNumber, decimal, run);
}

function calculate(operator: ArithmeticOperator, left: number, right: number, decimal: boolean, run: Run): number {
  const result = compute(operator, left, right, decimal, run);
  if (!Number.isFinite(result)) run.fail('type', `the result of '${operator}' is too large for a number`);
  // Java has no integer -0; `0 * -1` must print 0.
  return result === 0 ? 0 : result;
}

function compute(operator: ArithmeticOperator, left: number, right: number, decimal: boolean, run: Run): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0) return run.fail('type', 'division by zero');
      return !decimal && Number.isInteger(left) && Number.isInteger(right) ? Math.trunc(left / right) : left / right;
    case '%':
      if (right === 0) return run.fail('type', "division by zero in '%'");
      return left % right;
  }
}

/** The texts of two values, one after the other; null is nothing. */
export function concatenate(left: unknown, right: unknown, run: Run): string {
  return run.made(run.text(left) + run.text(right));
}

/** `-value` or `+value`. */
export function signed(operator: '-' | '+', value: unknown, run: Run): number {
  const number = asNumber(value);
  if (number === undefined) return run.fail('type', `'${operator}' needs a number, but got ${typeName(value)}`);
  return operator === '+' || number === 0 ? number : -number;
}

/**
 * Orders numbers (also as text on one or both sides), other texts by character, false before true. A null on either
 * side makes every comparison false.
 */
export function compare(operator: ComparisonOperator, left: unknown, right: unknown, run: Run): boolean {
  if (left === null || left === undefined || right === null || right === undefined) return false;
  if (typeof left === 'string') run.made(left);
  const order = orderOf(left, right);
  if (order === undefined) {
    run.fail('type', `'${operator}' cannot compare ${typeName(left)} with ${typeName(right)}`);
  }
  switch (operator) {
    case '<':
      return order < 0;
    case '>':
      return order > 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
  }
}

/** Negative, zero or positive; undefined when the values have no common order. */
export function orderOf(left: unknown, right: unknown): number | undefined {
  const leftNumber = asNumber(left);
  const rightNumber = leftNumber === undefined ? undefined : asNumber(right);
  if (leftNumber !== undefined && rightNumber !== undefined) return Math.sign(leftNumber - rightNumber);
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  return undefined;
}

/** Deep equality; a number never equals a text. */
export function areEqual(left: unknown, right: unknown, run: Run): boolean {
  if (typeof left === 'string') run.made(left);
  if (left === right) return true;
  if (typeof left === 'bigint' || typeof right === 'bigint') return sameInteger(left, right);
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return (left ?? null) === (right ?? null);
  }
  run.step();
  run.enter(1);
  const equal = isList(left) ? equalLists(left, right, run) : equalMaps(left, right, run);
  run.leave(1);
  return equal;
}

/** One side is beyond 2^53 and exact; the other may be a double that was read from JSON. */
function sameInteger(left: unknown, right: unknown): boolean {
  if (typeof left === 'bigint' && typeof right === 'bigint') return left === right;
  return Number(left) === right || left === Number(right);
}

function equalLists(left: readonly unknown[], right: unknown, run: Run): boolean {
  return (
    isList(right) && left.length === right.length && left.every((item, index) => areEqual(item, right[index], run))
  );
}

function equalMaps(left: unknown, right: unknown, run: Run): boolean {
  if (left instanceof Date || right instanceof Date) {
    return left instanceof Date && right instanceof Date && left.getTime() === right.getTime();
  }
  if (!isMapValue(left) || !isMapValue(right)) return false;
  const keys = keysOf(left);
  run.step(keys.length);
  if (keys.length !== keysOf(right).length) return false;
  return keys.every((key) => hasKey(right, key) && areEqual(valueOf(left, key), valueOf(right, key), run));
}

/** `container contains part`: text in text, element in list, key in map; a list asks for each of its elements. */
export function contains(container: unknown, part: unknown, run: Run): boolean {
  if (container === null || container === undefined) return false;
  if (isList(part)) return part.every((each) => contains(container, each, run));
  if (isList(container)) {
    run.step(container.length);
    return container.some((item) => areEqual(item, part, run));
  }
  if (isMapValue(container)) return hasKey(container, run.text(part));
  if (typeof container === 'string') {
    run.made(container);
    return container.includes(run.text(part));
  }
  return run.fail('type', `'contains' needs text, a list or a map on its left, but got ${typeName(container)}`);
}

/** `value isIn container`: compares texts, with the elements of a list or the keys and values of a map. */
export function isIn(value: unknown, container: unknown, run: Run): boolean {
  if (value === null || value === undefined || container === null || container === undefined) return false;
  const text = run.text(value);
  if (isList(container)) {
    run.step(container.length);
    return container.some((item) => item !== null && run.text(item) === text);
  }
  if (!isMapValue(container)) {
    return run.fail('type', `'isIn' needs a list or a map on its right, but got ${typeName(container)}`);
  }
  if (hasKey(container, text)) return true;
  const keys = keysOf(container);
  run.step(keys.length);
  return keys.some((key) => run.text(valueOf(container, key)) === text);
}

/** `from..to`, both included: integers, or single characters. Empty when `from` is after `to`. */
export function range(from: unknown, to: unknown, increment: unknown, run: Run): unknown[] {
  if (
    typeof from === 'string' &&
    typeof to === 'string' &&
    from.length === 1 &&
    to.length === 1 &&
    asNumber(from) === undefined
  ) {
    return steps(from.charCodeAt(0), to.charCodeAt(0), asNumber(increment), run).map((code) =>
      String.fromCharCode(code),
    );
  }
  return steps(asNumber(from), asNumber(to), asNumber(increment), run);
}

function steps(from: number | undefined, to: number | undefined, increment: number | undefined, run: Run): number[] {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || !Number.isSafeInteger(increment)) {
    return run.fail('type', 'a range needs integers, or single characters, on both sides');
  }
  if (from === undefined || to === undefined || increment === undefined || increment === 0) {
    return run.fail('type', 'the increment of a range cannot be 0');
  }
  const length = Math.max(0, Math.floor((to - from) / increment) + 1);
  if (length > run.limits.rangeSize) {
    run.fail('limit', `a range of ${length} elements is more than the ${run.limits.rangeSize} allowed`);
  }
  run.step(length);
  return Array.from({ length }, (_, index) => from + index * increment);
}
