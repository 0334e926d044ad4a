import { isList, isMapValue } from '../values.js';

const SHOWN_MAX = 60;

/** An error that `try` can catch; `value` is what `catch` gets. */
export class JqError extends Error {
  constructor(readonly value: unknown) {
    super(typeof value === 'string' ? value : `${shown(value)} (not a string)`);
  }
}

/** The program cannot be read. */
export class JqSyntaxError extends Error {}

/** Thrown by `break` to the `label` that it names. */
export class Break {
  constructor(readonly label: object) {}
}

/** The type of a value by its name in jq. */
export function typeOf(value: unknown): 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object' {
  if (value === null || value === undefined) return 'null';
  if (isList(value)) return 'array';
  if (isMapValue(value)) return 'object';
  return typeof value === 'boolean' ? 'boolean' : typeof value === 'number' ? 'number' : 'string';
}

/** A value for a message: short. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}

/** A value with its type, for a message. */
export const described = (value: unknown): string => `${typeOf(value)} (${shown(value)})`;
