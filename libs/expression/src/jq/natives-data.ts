import type { Run } from '../run.js';
import { hasKey, isList, isMapValue, keysOf, valueOf } from '../values.js';
import { add } from './arithmetic.js';
import { described, JqError, typeOf } from './error.js';
import { textOf } from './format.js';
import { made } from './item.js';
import { ofInput, ofOne, type Call, type Native, type Natives } from './native.js';
import { order, sortedKeys } from './order.js';
import { indexesOf } from './paths.js';

/** Functions of lists, maps and numbers. */
export const DATA_NATIVES: Natives = {
  'length/0': ofInput(length),
  'utf8bytelength/0': ofInput((value) => {
    if (typeof value !== 'string') throw new JqError(`${described(value)} only strings have UTF-8 byte length`);
    return Buffer.byteLength(value);
  }),
  'type/0': ofInput(typeOf),
  'keys/0': ofInput((value, run) => keys(value, true, run)),
  'keys_unsorted/0': ofInput((value, run) => keys(value, false, run)),
  'has/1': ofOne((value, key) => {
    if (isMapValue(value) && typeof key === 'string') return hasKey(value, key);
    if (isList(value) && typeof key === 'number') return key >= 0 && key < value.length;
    throw new JqError(`Cannot check whether ${typeOf(value)} has a ${typeOf(key)} key`);
  }),
  'contains/1': ofOne(contains),
  'add/0': ofInput((value, run) => items(value).reduce<unknown>((sum, item) => add(sum, item, run), null)),
  'flatten/1': ofOne((value, depth, run) => {
    if (typeof depth !== 'number' || depth < 0) throw new JqError('flatten depth must not be negative');
    return flat(list(value, 'flatten'), depth, run);
  }),
  'reverse/0': ofInput((value, run) => {
    if (value === null) return [];
    if (typeof value === 'string') return [...run.made(value)].reverse().join('');
    run.step(list(value, 'reverse').length);
    return [...list(value, 'reverse')].reverse();
  }),
  'sort/0': ofInput((value, run) => sorted(list(value, 'sort'), run)),
  'sort_by/1': byKey((pairs) => pairs.map(({ value }) => value)),
  'group_by/1': byKey((pairs, run) => groups(pairs, run).map((group) => group.map(({ value }) => value))),
  'unique_by/1': byKey((pairs, run) => groups(pairs, run).map(([first]) => first?.value)),
  'unique/0': ofInput((value, run) =>
    sorted(list(value, 'unique'), run).filter((item, at, all) => at === 0 || order(all[at - 1], item, run) !== 0),
  ),
  'min/0': ofInput((value, run) => extreme(list(value, 'min').map(keyed), -1, run)),
  'max/0': ofInput((value, run) => extreme(list(value, 'max').map(keyed), 1, run)),
  'min_by/1': byKey((pairs, run) => extreme(pairs, -1, run), false),
  'max_by/1': byKey((pairs, run) => extreme(pairs, 1, run), false),
  'indices/1': ofOne(indices),
  'index/1': ofOne((value, part, run) => asList(indices(value, part, run)).at(0) ?? null),
  'rindex/1': ofOne((value, part, run) => asList(indices(value, part, run)).at(-1) ?? null),
  'bsearch/1': ofOne((value, target, run) => search(list(value, 'bsearch'), target, run)),
  'tostring/0': ofInput(textOf),
  'tojson/0': ofInput((value, run) => run.json(value)),
  'fromjson/0': ofInput(fromJson),
  'tonumber/0': ofInput(toNumber),
  'infinite/0': ofInput(() => Number.MAX_VALUE),
  'nan/0': ofInput(() => NaN),
  'isinfinite/0': ofInput((value) => !Number.isFinite(number(value)) || Math.abs(number(value)) === Number.MAX_VALUE),
  'isnan/0': ofInput((value) => Number.isNaN(number(value))),
  'isnormal/0': ofInput((value) => Number.isFinite(number(value)) && Math.abs(number(value)) >= 2 ** -1022),
  'builtins/0': ofInput(() => []),
  'pow/2': function* ({ item, values }: Call) {
    for (const exponent of values(1, item.value)) {
      for (const base of values(0, item.value)) yield made(number(base) ** number(exponent), item);
    }
  },
  ...mathematics({
    floor: Math.floor,
    ceil: Math.ceil,
    round: (value) => Math.sign(value) * Math.round(Math.abs(value)),
    trunc: Math.trunc,
    sqrt: Math.sqrt,
    fabs: Math.abs,
    exp: Math.exp,
    exp10: (value) => 10 ** value,
    exp2: (value) => 2 ** value,
    log: Math.log,
    log10: Math.log10,
    log2: Math.log2,
    sin: Math.sin,
    cos: Math.cos,
    tan: Math.tan,
    asin: Math.asin,
    acos: Math.acos,
    atan: Math.atan,
    cbrt: Math.cbrt,
  }),
};

function mathematics(functions: Readonly<Record<string, (value: number) => number>>): Natives {
  return Object.fromEntries(
    Object.entries(functions).map(([name, apply]) => [`${name}/0`, ofInput((value) => apply(number(value)))]),
  );
}

function number(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new JqError(`${described(value)} number required`);
}

function list(value: unknown, name: string): readonly unknown[] {
  if (isList(value)) return value;
  throw new JqError(`${described(value)} cannot be used by ${name}, as it is not an array`);
}

const asList = (value: unknown): readonly unknown[] => (isList(value) ? value : []);

function items(value: unknown): readonly unknown[] {
  if (isList(value)) return value;
  if (isMapValue(value)) return keysOf(value).map((key) => valueOf(value, key));
  throw new JqError(`Cannot iterate over ${value === null ? 'null' : described(value)}`);
}

function length(value: unknown): number {
  if (value === null) return 0;
  if (typeof value === 'string') return [...value].length;
  if (typeof value === 'number') return Math.abs(value);
  if (isList(value)) return value.length;
  if (isMapValue(value)) return keysOf(value).length;
  throw new JqError(`${described(value)} has no length`);
}

function keys(value: unknown, isSorted: boolean, run: Run): unknown {
  if (isList(value)) return value.map((_, index) => index);
  if (isMapValue(value)) return isSorted ? sortedKeys(value, run) : [...keysOf(value)];
  throw new JqError(`${described(value)} has no keys`);
}

function contains(value: unknown, part: unknown, run: Run): boolean {
  run.step();
  if (isMapValue(value) && isMapValue(part)) {
    return keysOf(part).every((key) => hasKey(value, key) && contains(valueOf(value, key), valueOf(part, key), run));
  }
  if (isList(value) && isList(part)) {
    return part.every((wanted) => value.some((item) => sameType(item, wanted) && contains(item, wanted, run)));
  }
  if (typeof value === 'string' && typeof part === 'string') return run.made(value).includes(part);
  if (!sameType(value, part)) {
    throw new JqError(`${described(value)} and ${described(part)} cannot have their containment checked`);
  }
  return order(value, part, run) === 0;
}

const sameType = (left: unknown, right: unknown): boolean => typeOf(left) === typeOf(right);

function flat(values: readonly unknown[], depth: number, run: Run): unknown[] {
  run.step(values.length);
  run.enter(1);
  const result: unknown[] = [];
  for (const value of values) {
    if (!isList(value) || depth <= 0) result.push(value);
    else for (const inner of flat(value, depth - 1, run)) result.push(inner);
  }
  run.leave(1);
  return result;
}

const sorted = (values: readonly unknown[], run: Run): unknown[] =>
  [...values].sort((left, right) => order(left, right, run));

interface Keyed {
  readonly key: unknown;
  readonly value: unknown;
}

const keyed = (value: unknown): Keyed => ({ key: value, value });

/** A function of a list whose elements are compared by what a filter gives for them. */
function byKey(apply: (pairs: readonly Keyed[], run: Run) => unknown, isSorted = true): Native {
  return function* ({ item, run, values }) {
    const pairs = list(item.value, 'sort_by').map((value) => ({ key: [...values(0, value)], value }));
    const ordered = isSorted ? [...pairs].sort((left, right) => order(left.key, right.key, run)) : pairs;
    yield made(apply(ordered, run), item);
  };
}

function groups(pairs: readonly Keyed[], run: Run): readonly (readonly Keyed[])[] {
  const all: Keyed[][] = [];
  for (const pair of pairs) {
    const last = all.at(-1);
    if (last?.[0] !== undefined && order(last[0].key, pair.key, run) === 0) last.push(pair);
    else all.push([pair]);
  }
  return all;
}

/** Of equal ones the first is the least, the last the greatest. */
function extreme(pairs: readonly Keyed[], direction: 1 | -1, run: Run): unknown {
  let best: Keyed | undefined;
  for (const pair of pairs) {
    const compared = best === undefined ? 1 : order(pair.key, best.key, run) * direction;
    if (compared > 0 || (compared === 0 && direction === 1)) best = pair;
  }
  return best?.value ?? null;
}

function indices(value: unknown, part: unknown, run: Run): unknown {
  if (value === null) return null;
  if (typeof value === 'string' && typeof part === 'string') return textPlaces(run.made(value), part, run);
  if (isList(value)) return indexesOf(value, isList(part) ? part : [part], run);
  throw new JqError(`Cannot determine indices of ${typeOf(part)} in ${typeOf(value)}`);
}

function textPlaces(text: string, part: string, run: Run): unknown {
  if (part === '') return null;
  const places: number[] = [];
  let [unit, characters] = [0, 0];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    run.step();
    characters += [...text.slice(unit, at)].length;
    unit = at;
    places.push(characters);
  }
  return places;
}

function search(values: readonly unknown[], target: unknown, run: Run): number {
  let [low, high] = [0, values.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const compared = order(values[middle], target, run);
    if (compared === 0) return middle;
    if (compared < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1 - low;
}

function fromJson(value: unknown, run: Run): unknown {
  if (typeof value !== 'string')
    throw new JqError(`${described(value)} cannot be parsed as JSON: only strings can be parsed`);
  if (value.trim() === 'nan') return NaN;
  try {
    const parsed: unknown = JSON.parse(run.made(value));
    return parsed;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new JqError(`${error.message} (while parsing '${value.slice(0, 60)}')`);
  }
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  const text = typeof value === 'string' ? value.trim() : '';
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    throw new JqError(`${described(value)} cannot be parsed as a number`);
  }
  return Number(text);
}
