import { areEqual, asNumber, isEmptyCollection } from '../operators.js';
import type { Run } from '../run.js';
import { isList, isMapValue, typeName } from '../values.js';
import type { Test, Tests } from './definition.js';

const isEqual: Test = {
  parameters: ['value'],
  required: 1,
  holds: (input, [value], run) => areEqual(input, value, run),
};

/**
 * The tests of `is`. `defined` gets null for what does not exist; all others fail for it before they are asked. `empty`
 * holds for null, white space and empty collections.
 */
export const TESTS: Tests = {
  defined: { parameters: [], holds: (input) => input !== null },
  null: { parameters: [], holds: (input) => input === null },
  empty: { parameters: [], holds: (input, _, run) => isEmpty(input, run) },
  even: { parameters: [], holds: (input, _, run) => remainder(input, 'even', run) === 0 },
  odd: { parameters: [], holds: (input, _, run) => remainder(input, 'odd', run) !== 0 },
  iterable: { parameters: [], holds: (input) => isList(input) || isMapValue(input) },
  map: { parameters: [], holds: (input) => isMapValue(input) },
  equalTo: isEqual,
  equals: isEqual,
  json: { parameters: [], holds: (input, _, run) => typeof input === 'string' && isJson(input, run) },
};

function isEmpty(input: unknown, run: Run): boolean {
  if (typeof input === 'string') return input.trim() === '';
  return input === null || isEmptyCollection(input, run);
}

function remainder(input: unknown, test: string, run: Run): number {
  const number = asNumber(input);
  if (number === undefined || !Number.isInteger(number)) {
    return run.fail('type', `the test '${test}' works on an integer, but got ${typeName(input)}`);
  }
  return number % 2;
}

function isJson(text: string, run: Run): boolean {
  run.made(text);
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
