import { asNumber } from '../operators.js';
import type { Run } from '../run.js';
import { isList, typeName } from '../values.js';

/** An argument as text, or `fallback` when it is not given or null. @throws ExpressionError kind `type` for a list or map */
export function textArgument(value: unknown, name: string, run: Run, fallback?: string): string {
  if (value === undefined || value === null) {
    return fallback ?? run.fail('type', `the argument '${name}' must be text, but is null`);
  }
  if (typeof value === 'object')
    return run.fail('type', `the argument '${name}' must be text, but is ${typeName(value)}`);
  return run.text(value);
}

/** An argument as an integer, or `fallback` when it is not given or null. @throws ExpressionError kind `type` */
export function integerArgument(value: unknown, name: string, run: Run, fallback?: number): number {
  if ((value === undefined || value === null) && fallback !== undefined) return fallback;
  const number = asNumber(value);
  if (number === undefined || !Number.isSafeInteger(number)) {
    return run.fail('type', `the argument '${name}' must be an integer, but is ${described(value, run)}`);
  }
  return number;
}

/** An argument as a boolean; text `true` and `false` count. */
export function booleanArgument(value: unknown, name: string, run: Run, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  return run.fail('type', `the argument '${name}' must be true or false, but is ${described(value, run)}`);
}

/** The input of a filter as text. @throws ExpressionError kind `type` for a list or map */
export function textInput(value: unknown, filter: string, run: Run): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return run.fail('type', `the filter '${filter}' works on text, but got ${typeName(value)}`);
  }
  return run.text(value);
}

/** The input of a filter as a list. @throws ExpressionError kind `type` */
export function listInput(value: unknown, filter: string, run: Run): readonly unknown[] {
  if (!isList(value)) return run.fail('type', `the filter '${filter}' works on a list, but got ${typeName(value)}`);
  run.step(value.length);
  return value;
}

/** The input of a filter as a number. @throws ExpressionError kind `type` */
export function numberInput(value: unknown, filter: string, run: Run): number {
  const number = asNumber(value);
  return number ?? run.fail('type', `the filter '${filter}' works on a number, but got ${described(value, run)}`);
}

/** What a value is, with its text when that is short. */
export function described(value: unknown, run: Run): string {
  if (typeof value === 'string') return `the text '${value.slice(0, 40)}'`;
  return typeof value === 'number' || typeof value === 'boolean' ? run.text(value) : typeName(value);
}
