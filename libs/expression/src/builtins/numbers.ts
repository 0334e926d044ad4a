import { asNumber, orderOf, range } from '../operators.js';
import type { Run } from '../run.js';
import { typeName } from '../values.js';
import { described, numberInput, textArgument } from './arguments.js';
import { formatDecimal } from './decimal-format.js';
import type { Filters, Functions } from './definition.js';

const INTEGER_TYPES: Readonly<Record<string, readonly [bigint, bigint] | undefined>> = {
  INT: [-(2n ** 31n), 2n ** 31n - 1n],
  LONG: [-(2n ** 63n), 2n ** 63n - 1n],
  BIGINTEGER: undefined,
};
/** Steps that formatting a number costs. */
const FORMAT_STEPS = 5;
const DECIMAL_TYPES = new Set(['FLOAT', 'DOUBLE', 'BIGDECIMAL']);

/** Filters of numbers. */
export const NUMBER_FILTERS: Filters = {
  abs: { parameters: [], apply: (input, _, run) => Math.abs(numberInput(input, 'abs', run)) },
  number: {
    parameters: ['type'],
    apply: (input, [type], run) => toNumber(input, textArgument(type, 'type', run, '').toUpperCase(), run),
  },
  numberFormat: {
    parameters: ['format'],
    apply: (input, [format], run) => {
      run.step(FORMAT_STEPS);
      const pattern = textArgument(format, 'format', run, '#,##0.###');
      const text = formatDecimal(numberInput(input, 'numberFormat', run), pattern);
      return text ?? run.fail('type', `the number pattern '${pattern}' cannot be read; one is '#,##0.00'`);
    },
  },
};

/** Functions of numbers. */
export const NUMBER_FUNCTIONS: Functions = {
  max: { parameters: [], variadic: true, call: (args, run) => extreme(args, 1, 'max', run) },
  min: { parameters: [], variadic: true, call: (args, run) => extreme(args, -1, 'min', run) },
  range: {
    parameters: ['start', 'end', 'increment'],
    required: 2,
    call: ([start, end, increment], run) => range(start, end, increment ?? 1, run),
  },
};

/**
 * Text as a number. An integer beyond 2^53 is kept exactly (as a bigint, which prints all digits); decimals have the
 * precision of a double, whatever the type says.
 */
function toNumber(input: unknown, type: string, run: Run): number | bigint {
  if (type !== '' && !DECIMAL_TYPES.has(type) && !Object.hasOwn(INTEGER_TYPES, type)) {
    const known = [...Object.keys(INTEGER_TYPES), ...DECIMAL_TYPES].join(', ');
    return run.fail('type', `unknown number type '${type}'; there are ${known}`);
  }
  const text = run.text(input).trim();
  const number = asNumber(text);
  if (typeof input === 'boolean' || number === undefined || !Number.isFinite(number)) {
    return run.fail('type', `${described(input, run)} is not a number`);
  }
  const isInteger = /^[+-]?\d+$/.test(text);
  if (Object.hasOwn(INTEGER_TYPES, type)) return checkedInteger(text, isInteger, type, run);
  return isInteger && type === '' ? integer(text) : number;
}

function checkedInteger(text: string, isInteger: boolean, type: string, run: Run): number | bigint {
  if (!isInteger) return run.fail('type', `'${text}' is not an integer, so no ${type}`);
  const [min, max] = INTEGER_TYPES[type] ?? [undefined, undefined];
  const exact = BigInt(text.replace(/^\+/, ''));
  if ((min !== undefined && exact < min) || (max !== undefined && exact > max)) {
    return run.fail('type', `'${text}' is too large for ${type}`);
  }
  return integer(text);
}

function integer(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text.replace(/^\+/, ''));
}

function extreme(values: readonly unknown[], direction: 1 | -1, name: string, run: Run): unknown {
  let best: unknown = null;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    const order = best === null ? direction : orderOf(value, best);
    if (order === undefined) run.fail('type', `'${name}' cannot compare ${typeName(best)} with ${typeName(value)}`);
    if (order * direction > 0) best = value;
  }
  return best;
}
