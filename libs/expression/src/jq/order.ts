import type { Run } from '../run.js';
import { isList, isMapValue, keysOf, valueOf } from '../values.js';

/** Whether a value counts as true: all but null and false. */
export const isTrue = (value: unknown): boolean => value !== null && value !== undefined && value !== false;

function rank(value: unknown): number {
  if (value === null || value === undefined) return 0;
  if (value === false) return 1;
  if (value === true) return 2;
  if (typeof value === 'number') return 3;
  if (typeof value === 'string') return 4;
  return isList(value) ? 5 : 6;
}

/** The order of all values: null, false, true, numbers, texts, lists, maps (by their sorted keys, then their values). */
export function order(left: unknown, right: unknown, run: Run): number {
  run.step();
  const byRank = rank(left) - rank(right);
  if (byRank !== 0) return byRank;
  if (typeof left === 'number' && typeof right === 'number')
    return left < right || Number.isNaN(left) ? -1 : Number(left > right);
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : Number(left > right);
  if (isList(left) && isList(right)) return orderOfLists(left, right, run);
  if (!isMapValue(left) || !isMapValue(right)) return 0;
  const [leftKeys, rightKeys] = [sortedKeys(left, run), sortedKeys(right, run)];
  const byKeys = orderOfLists(leftKeys, rightKeys, run);
  if (byKeys !== 0) return byKeys;
  const valuesOf = (map: typeof left): unknown[] => leftKeys.map((key) => valueOf(map, key));
  return orderOfLists(valuesOf(left), valuesOf(right), run);
}

function orderOfLists(left: readonly unknown[], right: readonly unknown[], run: Run): number {
  const length = Math.min(left.length, right.length);
  run.enter(1);
  for (let index = 0; index < length; index++) {
    const result = order(left[index], right[index], run);
    if (result !== 0) {
      run.leave(1);
      return result;
    }
  }
  run.leave(1);
  return left.length - right.length;
}

/** Keys in the order of their characters. */
export function sortedKeys(map: Parameters<typeof keysOf>[0], run: Run): readonly string[] {
  const keys = [...keysOf(map)];
  run.step(keys.length);
  return keys.sort((left, right) => (left < right ? -1 : Number(left > right)));
}
