import type { Run } from '../run.js';
import { made, type Item } from './item.js';

/** A call of a function that is not written in jq. */
export interface Call {
  readonly item: Item;
  readonly run: Run;
  /** What the argument at an index gives for an item. */
  arg(index: number, item: Item): Iterable<Item>;
  /** The values that it gives for the value of an item, without paths. */
  values(index: number, value: unknown): Iterable<unknown>;
}

export type Native = (call: Call) => Iterable<Item>;

/** By name and number of arguments, `name/1`. */
export type Natives = Readonly<Record<string, Native>>;

/** A function of the input alone. */
export function ofInput(apply: (value: unknown, run: Run) => unknown): Native {
  return function* ({ item, run }) {
    yield made(apply(item.value, run), item);
  };
}

/** A function of the input and the value of one argument, once for each. */
export function ofOne(apply: (value: unknown, argument: unknown, run: Run) => unknown): Native {
  return function* ({ item, run, values }) {
    for (const argument of values(0, item.value)) yield made(apply(item.value, argument, run), item);
  };
}

/** A function of the input and the values of two arguments, once for each pair. */
export function ofTwo(apply: (value: unknown, first: unknown, second: unknown, run: Run) => unknown): Native {
  return function* ({ item, run, values }) {
    for (const second of values(1, item.value)) {
      for (const first of values(0, item.value)) yield made(apply(item.value, first, second, run), item);
    }
  };
}
