import { JqError, shown } from './error.js';

export interface SliceStep {
  readonly start: number | null;
  readonly end: number | null;
}
export type PathStep = string | number | SliceStep;
export type Path = readonly PathStep[];

/**
 * A value on its way through a program. `path` is where in the input it stands: undefined when nobody asks (most often),
 * null when somebody does and the value was made and not found.
 */
export interface Item {
  readonly value: unknown;
  readonly path: Path | null | undefined;
}

/** A value of which nobody asks the path. */
export const plainItem = (value: unknown): Item => ({ value, path: undefined });

/** A value that was made from another one. */
export const made = (value: unknown, from: Item): Item => ({ value, path: from.path === undefined ? undefined : null });

/** A value that was found in another one. @throws JqError when the other one has no path though it is asked for */
export function found(value: unknown, from: Item, step: PathStep): Item {
  if (from.path === undefined) return { value, path: undefined };
  if (from.path === null) {
    throw new JqError(`Invalid path expression with result ${shown(from.value)}`);
  }
  return { value, path: [...from.path, step] };
}
