import type { Run } from '../run.js';
import { hasKey, isList, isMapValue, keysOf, putEntry, valueOf } from '../values.js';
import { described, JqError, typeOf } from './error.js';
import type { Path, PathStep, SliceStep } from './item.js';
import { order } from './order.js';

/** Elements that a list may get by an index beyond its end. */
const LIST_MAX = 1_000_000;

function isSlice(step: unknown): step is SliceStep {
  return isMapValue(step);
}

/** The bounds of a slice in a list or text of a length. */
export function sliceBounds({ start, end }: SliceStep, length: number): readonly [number, number] {
  const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, 0), length);
  const from = clamp(Math.floor(start ?? 0));
  return [from, Math.max(from, clamp(Math.ceil(end ?? length)))];
}

/** `target[step]`; null where there is nothing. @throws JqError when the two do not fit */
export function memberOf(target: unknown, step: unknown, run: Run): unknown {
  run.step();
  if (target === null || target === undefined) {
    if (step === null || typeof step === 'string' || typeof step === 'number' || isSlice(step)) return null;
  }
  if (isMapValue(target) && typeof step === 'string') return hasKey(target, step) ? valueOf(target, step) : null;
  if (isList(target)) {
    if (typeof step === 'number') {
      const index = Math.floor(step);
      return target[index < 0 ? index + target.length : index] ?? null;
    }
    if (isSlice(step)) {
      const [from, to] = sliceBounds(step, target.length);
      run.step(to - from);
      return target.slice(from, to);
    }
    if (isList(step)) return indexesOf(target, step, run);
  }
  if (typeof target === 'string' && isSlice(step)) {
    run.step(Math.ceil(target.length / 8));
    const characters = [...target];
    const [from, to] = sliceBounds(step, characters.length);
    return characters.slice(from, to).join('');
  }
  const key = typeof step === 'string' ? `"${step}"` : typeOf(step);
  throw new JqError(`Cannot index ${typeOf(target)} with ${key}`);
}

/** Where a list begins inside another one. */
export function indexesOf(list: readonly unknown[], part: readonly unknown[], run: Run): number[] {
  const places: number[] = [];
  if (part.length === 0) return places;
  for (let at = 0; at + part.length <= list.length; at++) {
    if (part.every((item, index) => order(list[at + index], item, run) === 0)) places.push(at);
  }
  return places;
}

/** What stands at a path; null where there is nothing. */
export function getPath(value: unknown, path: Path, run: Run): unknown {
  return path.reduce<unknown>((target, step) => (target === null ? null : memberOf(target, step, run)), value);
}

/** A copy with another value at a path; lists and maps on the way are made where there are none. */
export function setPath(value: unknown, path: Path, replacement: unknown, run: Run): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return replacement;
  run.enter(1);
  const inner = setPath(memberOf(value, step, run), rest, replacement, run);
  run.leave(1);
  return withMember(value, step, inner, run);
}

function withMember(value: unknown, step: PathStep, inner: unknown, run: Run): unknown {
  if (typeof step === 'string') {
    const copy = copyOfMap(value ?? {}, run);
    putEntry(copy, step, inner);
    return copy;
  }
  const list = isList(value) ? value : [];
  run.step(1 + Math.ceil(list.length / 16));
  if (typeof step !== 'number') {
    if (!isList(inner)) throw new JqError('A slice of an array can only be assigned another array');
    const [from, to] = sliceBounds(step, list.length);
    return [...list.slice(0, from), ...inner, ...list.slice(to)];
  }
  const index = step < 0 ? Math.floor(step) + list.length : Math.floor(step);
  if (index < 0) throw new JqError('Out of bounds negative array index');
  if (index >= LIST_MAX) throw new JqError('Array index too large');
  const copy = [...list];
  if (index > copy.length) run.step(index - copy.length);
  while (copy.length < index) copy.push(null);
  copy[index] = inner;
  return copy;
}

function copyOfMap(value: unknown, run: Run): Record<string, unknown> {
  if (!isMapValue(value)) throw new JqError(`Cannot index ${typeOf(value)} with a text`);
  const keys = keysOf(value);
  run.step(1 + Math.ceil(keys.length / 16));
  const copy: Record<string, unknown> = {};
  for (const key of keys) putEntry(copy, key, valueOf(value, key));
  return copy;
}

/** A copy without what stands at the paths. */
export function deletePaths(value: unknown, paths: readonly Path[], run: Run): unknown {
  const last = [...paths].sort((left, right) => order(right, left, run));
  return last.reduce<unknown>((current, path) => deletePath(current, path, run), value);
}

function deletePath(value: unknown, path: Path, run: Run): unknown {
  const [step, ...rest] = path;
  if (step === undefined || value === null) return null;
  if (rest.length > 0) {
    const member = memberOf(value, step, run);
    if (member === null) return value;
    run.enter(1);
    const inner = deletePath(member, rest, run);
    run.leave(1);
    return withMember(value, step, inner, run);
  }
  if (isMapValue(value) && typeof step === 'string') {
    const { [step]: _removed, ...others } = copyOfMap(value, run);
    return others;
  }
  if (isList(value) && typeof step !== 'string') {
    run.step(1 + Math.ceil(value.length / 16));
    const [from, to] =
      typeof step === 'number'
        ? [step < 0 ? step + value.length : step, (step < 0 ? step + value.length : step) + 1]
        : sliceBounds(step, value.length);
    return value.filter((_, index) => index < from || index >= to);
  }
  throw new JqError(`Cannot delete ${typeof step === 'object' ? 'a slice' : described(step)} of ${typeOf(value)}`);
}

/** A list of steps that a program gave. @throws JqError */
export function asPath(value: unknown): Path {
  if (!isList(value)) throw new JqError('Path must be specified as an array');
  return value.map((step) => {
    if (typeof step === 'string' || typeof step === 'number') return step;
    if (!isMapValue(step)) throw new JqError(`Invalid path component ${described(step)}`);
    const bound = (name: string): number | null => {
      const at = valueOf(step, name);
      return typeof at === 'number' ? at : null;
    };
    return { start: bound('start'), end: bound('end') };
  });
}
