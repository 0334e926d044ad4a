import type { Run } from '../run.js';
import { isList, isMapValue, keysOf, putEntry, valueOf, type MapValue } from '../values.js';
import { described, JqError } from './error.js';
import { order } from './order.js';
import type { BinaryOperator } from './syntax.js';

/** `left operator right`. @throws JqError when the types do not fit */
export function operate(operator: BinaryOperator, left: unknown, right: unknown, run: Run): unknown {
  switch (operator) {
    case '+':
      return add(left, right, run);
    case '-':
      return subtract(left, right, run);
    case '*':
      return multiply(left, right, run);
    case '/':
      return divide(left, right, run);
    case '%':
      return remainder(left, right);
    case '==':
      return order(left, right, run) === 0;
    case '!=':
      return order(left, right, run) !== 0;
    case '<':
      return order(left, right, run) < 0;
    case '<=':
      return order(left, right, run) <= 0;
    case '>':
      return order(left, right, run) > 0;
    case '>=':
      return order(left, right, run) >= 0;
  }
}

/** Numbers are summed, texts and lists joined, maps merged; null changes nothing. */
export function add(left: unknown, right: unknown, run: Run): unknown {
  if (left === null) return right;
  if (right === null) return left;
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (typeof left === 'string' && typeof right === 'string') return run.made(left + right);
  if (isList(left) && isList(right)) {
    run.step(left.length + right.length);
    return [...left, ...right];
  }
  if (isMapValue(left) && isMapValue(right)) return merged(left, right, false, run);
  throw new JqError(`${described(left)} and ${described(right)} cannot be added`);
}

function subtract(left: unknown, right: unknown, run: Run): unknown {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (isList(left) && isList(right))
    return left.filter((item) => !right.some((other) => order(item, other, run) === 0));
  throw new JqError(`${described(left)} and ${described(right)} cannot be subtracted`);
}

function multiply(left: unknown, right: unknown, run: Run): unknown {
  if (typeof left === 'number' && typeof right === 'number') return left * right;
  if (isMapValue(left) && isMapValue(right)) return merged(left, right, true, run);
  const [text, count] = typeof left === 'string' ? [left, right] : [right, left];
  if (typeof text === 'string' && typeof count === 'number') {
    if (count <= 0) return null;
    const times = Math.max(1, Math.ceil(count));
    run.willMake(text.length * times);
    return run.made(text.repeat(times));
  }
  throw new JqError(`${described(left)} and ${described(right)} cannot be multiplied`);
}

function divide(left: unknown, right: unknown, run: Run): unknown {
  if (typeof left === 'number' && typeof right === 'number') {
    if (right === 0)
      throw new JqError(`${described(left)} and ${described(right)} cannot be divided because the divisor is zero`);
    return left / right;
  }
  if (typeof left === 'string' && typeof right === 'string') return splitText(left, right, run);
  throw new JqError(`${described(left)} and ${described(right)} cannot be divided`);
}

function remainder(left: unknown, right: unknown): unknown {
  if (typeof left === 'number' && typeof right === 'number') {
    const divisor = Math.abs(Math.trunc(right));
    if (divisor === 0)
      throw new JqError(`${described(left)} and ${described(right)} cannot be divided because the divisor is zero`);
    return Math.trunc(left) % divisor || 0;
  }
  throw new JqError(`${described(left)} and ${described(right)} cannot be divided`);
}

/** The pieces of a text between separators; none of an empty text. */
export function splitText(text: string, separator: string, run: Run): string[] {
  run.made(text);
  if (text === '') return [];
  const parts = separator === '' ? [...text] : text.split(separator);
  run.step(parts.length);
  return parts;
}

function merged(left: MapValue, right: MapValue, isDeep: boolean, run: Run): unknown {
  const copy: Record<string, unknown> = {};
  run.enter(1);
  for (const key of keysOf(left)) putEntry(copy, key, valueOf(left, key));
  for (const key of keysOf(right)) {
    run.step();
    const [before, after] = [Object.hasOwn(copy, key) ? copy[key] : null, valueOf(right, key)];
    const isMerged = isDeep && isMapValue(before) && isMapValue(after);
    putEntry(copy, key, isMerged ? merged(before, after, true, run) : after);
  }
  run.step(keysOf(left).length);
  run.leave(1);
  return copy;
}
