import { excerpt, isPlainObject } from '@millrace/model';

/** Something wrong at a place of the properties. */
export interface Issue {
  /** Such as `options.timeout` or `messages[2]`. */
  readonly path: string;
  /** The rest of a sentence that begins with the property's name. */
  readonly problem: string;
}

export interface Conversion {
  readonly path: string;
  /** False: the value must fit as it is. True: text may stand for the value, as after rendering. */
  readonly convert: boolean;
  readonly issues: Issue[];
}

/** Gives the value in the type that a schema asks for; what does not fit is added to the issues. */
export type Convert = (value: unknown, conversion: Conversion) => unknown;

/** Adds the issue and gives the value back, so that the walk goes on and finds the other mistakes. */
export function refuse(at: Conversion, value: unknown, expected: string): unknown {
  at.issues.push({ path: at.path, problem: `must be ${expected}, but is ${shown(value)}` });
  return value;
}

const shown = (value: unknown): string => {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isPlainObject(value)) return 'a map';
  return typeof value === 'string' ? `'${excerpt(value)}'` : String(value);
};

/** The list or map that a text stands for, or the value as it is. */
export function fromJson(value: unknown, opening: '[' | '{'): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith(opening)) return value;
  try {
    return JSON.parse(value);
  } catch {
    // Not JSON: the caller says that a list or map was expected.
    return value;
  }
}
