import { isEmptyCollection, orderOf } from '../operators.js';
import type { Run } from '../run.js';
import { isList, isMapValue, keysOf, putEntry, typeName, valueOf, type MapValue } from '../values.js';
import { integerArgument, listInput, textArgument } from './arguments.js';
import type { Filters } from './definition.js';

/** Filters of lists and maps, and those that also treat a text as its characters. */
export const COLLECTION_FILTERS: Filters = {
  default: {
    parameters: ['default'],
    required: 1,
    acceptsNull: true,
    apply: (input, [fallback], run) => (isAbsent(input, run) ? (fallback ?? null) : input),
  },
  first: { parameters: [], apply: (input, _, run) => end(input, 0, 'first', run) },
  last: { parameters: [], apply: (input, _, run) => end(input, -1, 'last', run) },
  length: { parameters: [], acceptsNull: true, apply: (input, _, run) => length(input, run) },
  join: {
    parameters: ['separator'],
    apply: (input, [separator], run) => join(input, textArgument(separator, 'separator', run, ''), run),
  },
  merge: {
    parameters: ['items'],
    required: 1,
    acceptsNull: true,
    apply: (input, [items], run) => merge(input, items, run),
  },
  reverse: {
    parameters: [],
    apply: (input, _, run) =>
      typeof input === 'string' ? reversed(input, run) : [...listInput(input, 'reverse', run)].reverse(),
  },
  sort: { parameters: [], apply: (input, _, run) => sort(listInput(input, 'sort', run), 1, run) },
  rsort: { parameters: [], apply: (input, _, run) => sort(listInput(input, 'rsort', run), -1, run) },
  slice: {
    parameters: ['fromIndex', 'toIndex'],
    apply: (input, [from, to], run) => slice(input, from, to, run),
  },
  chunk: {
    parameters: ['size'],
    required: 1,
    apply: (input, [size], run) => chunk(listInput(input, 'chunk', run), integerArgument(size, 'size', run), run),
  },
  // The reference prints the word null here, and for toJson, though other filters give null.
  distinct: {
    parameters: [],
    acceptsNull: true,
    apply: (input, _, run) => (input === null ? 'null' : distinct(listInput(input, 'distinct', run), run)),
  },
  flatten: { parameters: [], apply: (input, _, run) => flatten(listInput(input, 'flatten', run), run) },
  keys: {
    parameters: [],
    apply: (input, _, run) =>
      isList(input)
        ? listInput(input, 'keys', run).map((_item, index) => index)
        : [...keysOf(mapInput(input, 'keys', run))],
  },
  values: {
    parameters: [],
    apply: (input, _, run) => {
      if (isList(input)) return input;
      const map = mapInput(input, 'values', run);
      return keysOf(map).map((key) => valueOf(map, key));
    },
  },
  className: { parameters: [], apply: (input, _, run) => className(input, run) },
};

/** For `default`: null, what does not exist, text of nothing but white space, an empty list or map. */
function isAbsent(input: unknown, run: Run): boolean {
  return input === null || (typeof input === 'string' && input.trim() === '') || isEmptyCollection(input, run);
}

function mapInput(input: unknown, filter: string, run: Run): MapValue {
  if (!isMapValue(input))
    return run.fail('type', `the filter '${filter}' works on a map or a list, but got ${typeName(input)}`);
  countedKeys(input, run);
  return input;
}

/** The keys of a map; listing them is work. */
function countedKeys(map: MapValue, run: Run): readonly string[] {
  const keys = keysOf(map);
  run.step(keys.length);
  return keys;
}

function end(input: unknown, index: 0 | -1, filter: string, run: Run): unknown {
  if (typeof input === 'string') return input.at(index) ?? '';
  if (isMapValue(input)) {
    const key = countedKeys(input, run).at(index);
    return key === undefined ? null : valueOf(input, key);
  }
  if (!isList(input))
    return run.fail('type', `the filter '${filter}' works on a list, map or text, but got ${typeName(input)}`);
  return input.at(index) ?? null;
}

function length(input: unknown, run: Run): number {
  if (typeof input === 'string' || isList(input)) return input.length;
  return isMapValue(input) ? countedKeys(input, run).length : 0;
}

function join(input: unknown, separator: string, run: Run): string {
  if (typeof input === 'string') return input;
  let total = 0;
  const texts = listInput(input, 'join', run).map((item) => {
    const text = run.text(item);
    total += text.length + separator.length;
    run.willMake(total);
    return text;
  });
  return run.made(texts.join(separator));
}

function merge(input: unknown, items: unknown, run: Run): unknown {
  if (input === null) return items ?? null;
  if (items === null || items === undefined) return input;
  if (isList(input)) {
    const added = isList(items) ? items : [items];
    run.step(input.length + added.length);
    return [...input, ...added];
  }
  if (!isMapValue(input))
    return run.fail('type', `the filter 'merge' works on a list or a map, but got ${typeName(input)}`);
  const copy: Record<string, unknown> = {};
  copyEntries(mapInput(input, 'merge', run), copy);
  if (isMapValue(items)) copyEntries(mapInput(items, 'merge', run), copy);
  // Each element of a list becomes a key that stands for itself.
  else if (isList(items)) for (const item of items) putEntry(copy, run.text(item), item);
  else return run.fail('type', `a map can be merged with a map or a list, but not with ${typeName(items)}`);
  return copy;
}

function copyEntries(from: MapValue, to: Record<string, unknown>): void {
  for (const key of keysOf(from)) putEntry(to, key, valueOf(from, key));
}

function reversed(text: string, run: Run): string {
  // Splitting into characters costs far more than copying text.
  run.step(Math.ceil(text.length / 4));
  return [...text].reverse().join('');
}

function sort(list: readonly unknown[], direction: 1 | -1, run: Run): unknown[] {
  return [...list].sort((left, right) => {
    run.step();
    const order = orderOf(left, right);
    if (order === undefined) run.fail('type', `a list with ${typeName(left)} and ${typeName(right)} cannot be sorted`);
    return direction * order;
  });
}

/** Indexes count from 0, the end is not included; one past the end means the end. */
function slice(input: unknown, from: unknown, to: unknown, run: Run): unknown {
  const whole = typeof input === 'string' ? run.made(input) : listInput(input, 'slice', run);
  const start = integerArgument(from, 'fromIndex', run, 0);
  const end = integerArgument(to, 'toIndex', run, whole.length);
  if (start < 0 || end < start) run.fail('type', `slice from ${start} to ${end} is no part of ${typeName(input)}`);
  return whole.slice(start, end);
}

function chunk(list: readonly unknown[], size: number, run: Run): unknown[] {
  if (size < 1) run.fail('type', `the argument 'size' must be at least 1, but is ${size}`);
  const chunks: unknown[] = [];
  for (let index = 0; index < list.length; index += size) chunks.push(list.slice(index, index + size));
  return chunks;
}

/** Keeps the first of equal elements; compared by their JSON, so 1 and '1' differ. */
function distinct(list: readonly unknown[], run: Run): unknown[] {
  const known = new Map<unknown, unknown>();
  for (const item of list) {
    const key =
      typeof item === 'object' && item !== null
        ? `json:${run.json(item)}`
        : typeof item === 'string'
          ? `text:${item}`
          : item;
    if (!known.has(key)) known.set(key, item);
  }
  return [...known.values()];
}

function flatten(list: readonly unknown[], run: Run): unknown[] {
  const flat: unknown[] = [];
  for (const item of list) {
    if (!isList(item)) flat.push(item);
    else {
      run.step(item.length);
      for (const inner of item) flat.push(inner);
    }
  }
  return flat;
}

/** The names that flows written for the reference compare with. */
function className(input: unknown, run: Run): string {
  if (isList(input)) return 'java.util.ArrayList';
  if (isMapValue(input)) return 'java.util.LinkedHashMap';
  switch (typeof input) {
    case 'string':
      return 'java.lang.String';
    case 'boolean':
      return 'java.lang.Boolean';
    case 'number':
      if (!Number.isInteger(input)) return 'java.lang.Double';
      return Math.abs(input) < 2 ** 31 ? 'java.lang.Integer' : 'java.lang.Long';
    case 'bigint':
      return input >= -(2n ** 63n) && input < 2n ** 63n ? 'java.lang.Long' : 'java.math.BigInteger';
    default:
      return run.fail('type', `${typeName(input)} has no class name`);
  }
}
