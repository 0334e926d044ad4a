import { JqError, JqSyntaxError } from './error.js';
import { found, made, type Item, type Path } from './item.js';
import { ofInput, ofOne, ofTwo, type Call, type Natives } from './native.js';
import { isTrue } from './order.js';
import { asPath, deletePaths, getPath, setPath } from './paths.js';
import { isList, isMapValue, keysOf, valueOf } from '../values.js';

/** Functions that decide what is evaluated, how often, and where it stands. */
export const FLOW_NATIVES: Natives = {
  'empty/0': () => [],
  'not/0': ofInput((value) => !isTrue(value)),
  'error/0': ({ item }) => {
    throw new JqError(item.value);
  },
  'error/1': function* ({ item, values }) {
    for (const value of values(0, item.value)) throw new JqError(value);
  },
  'path/1': function* ({ item, arg }) {
    for (const { path } of arg(0, { value: item.value, path: [] })) yield made(pathOrFail(path), item);
  },
  'getpath/1': function* ({ item, run, values }) {
    for (const value of values(0, item.value)) {
      const path = asPath(value);
      const at = getPath(item.value, path, run);
      yield item.path ? { value: at, path: [...item.path, ...path] } : made(at, item);
    }
  },
  'setpath/2': ofTwo((value, path, replacement, run) => setPath(value, asPath(path), replacement, run)),
  'delpaths/1': ofOne((value, paths, run) => {
    if (!isList(paths)) throw new JqError('Paths must be specified as an array');
    return deletePaths(value, paths.map(asPath), run);
  }),
  'recurse/0': (call) => recurse(call, (item) => members(item)),
  'recurse/1': (call) => recurse(call, (item) => call.arg(0, item)),
  'range/2': function* ({ item, run, values }) {
    for (const from of values(0, item.value)) {
      for (const to of values(1, item.value)) yield* numbers(from, to, 1, item, run);
    }
  },
  'range/3': function* ({ item, run, values }) {
    for (const from of values(0, item.value)) {
      for (const to of values(1, item.value)) {
        for (const by of values(2, item.value)) yield* numbers(from, to, by, item, run);
      }
    }
  },
  'while/2': function* ({ item, run, values, arg }) {
    const holds = (at: Item): boolean => isTrue(first(values(0, at.value)));
    yield* recurse({ item, run, arg, values }, (at) => arg(1, at), holds);
  },
  'until/2': function* ({ item, run, values, arg }) {
    let at: Item | undefined = item;
    while (at !== undefined && !isTrue(first(values(0, at.value)))) {
      run.step();
      at = first(arg(1, at));
    }
    if (at !== undefined) yield at;
  },
  'repeat/1': (call) => recurse(call, (item) => call.arg(0, item)),
  'first/1': function* ({ item, arg }) {
    for (const one of arg(0, item)) {
      yield one;
      return;
    }
  },
  'last/1': function* ({ item, arg }) {
    let last: Item | undefined;
    for (const one of arg(0, item)) last = one;
    if (last !== undefined) yield last;
  },
  'nth/2': function* ({ item, arg, values }) {
    for (const index of values(0, item.value)) {
      if (typeof index !== 'number' || index < 0) throw new JqError('Out of bounds negative array index');
      yield* limited(arg(1, item), index + 1, index);
    }
  },
  'limit/2': function* ({ item, arg, values }) {
    for (const count of values(0, item.value)) {
      if (typeof count !== 'number') throw new JqError('Invalid limit: it must be a number');
      if (count > 0) yield* limited(arg(1, item), count, 0);
    }
  },
  'isempty/1': function* ({ item, values }) {
    let isEmpty = true;
    for (const _ of values(0, item.value)) {
      isEmpty = false;
      break;
    }
    yield made(isEmpty, item);
  },
  'any/2': quantifier(true),
  'all/2': quantifier(false),
  'now/0': ({ item, run }) => [made(run.environment.now / 1000, item)],
  'input/0': () => {
    throw new JqError('No more inputs');
  },
  'inputs/0': () => [],
  'halt/0': () => {
    throw new JqSyntaxError('halt is not available');
  },
  'input_filename/0': ({ item }) => [made(null, item)],
};

function pathOrFail(path: Path | null | undefined): Path {
  if (!path) throw new JqError('Invalid path expression: only what is found in the input has a path');
  return path;
}

function* members(item: Item): Iterable<Item> {
  const { value } = item;
  if (isList(value)) for (let index = 0; index < value.length; index++) yield found(value[index], item, index);
  else if (isMapValue(value)) for (const key of keysOf(value)) yield found(valueOf(value, key), item, key);
}

/** An item, then all that follows from it, depth first, without recursion of our own. */
function* recurse(
  { item, run }: Call,
  next: (item: Item) => Iterable<Item>,
  holds: (item: Item) => boolean = () => true,
): Iterable<Item> {
  if (!holds(item)) return;
  yield item;
  const open: Iterator<Item>[] = [next(item)[Symbol.iterator]()];
  try {
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      run.step();
      const step = top.next();
      if (step.done === true) open.pop();
      else if (holds(step.value)) {
        yield step.value;
        open.push(next(step.value)[Symbol.iterator]());
      }
    }
  } finally {
    for (const one of open) one.return?.();
  }
}

function* numbers(from: unknown, to: unknown, by: unknown, item: Item, run: Call['run']): Iterable<Item> {
  if (typeof from !== 'number' || typeof to !== 'number' || typeof by !== 'number') {
    throw new JqError('Range bounds must be numeric');
  }
  for (let at = from; by >= 0 ? at < to : at > to; at += by) {
    run.step();
    yield made(at, item);
  }
}

function* limited(items: Iterable<Item>, count: number, from: number): Iterable<Item> {
  let at = 0;
  for (const item of items) {
    if (at++ >= from) yield item;
    if (at >= count) return;
  }
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

/** `any(generator; condition)` and `all`: stops as soon as the answer is known. */
function quantifier(wanted: boolean): Natives[string] {
  return function* ({ item, values }) {
    for (const value of values(0, item.value)) {
      for (const holds of values(1, value)) {
        if (isTrue(holds) !== wanted) continue;
        yield made(wanted, item);
        return;
      }
    }
    yield made(!wanted, item);
  };
}
