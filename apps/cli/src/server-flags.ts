import type { Setting } from '@millrace/service';

/** A flag's text as the configuration takes it: a number where it is one; the configuration checks it. */
export const numberOrText = (text: string | undefined): unknown =>
  text !== undefined && /^-?\d+$/.test(text) ? Number(text) : text;

/** Values of flags as settings: path of the key, name of the flag, value; what was not given is left out. */
export const settingsFrom = (given: readonly (readonly [string, string, unknown])[]): readonly Setting[] =>
  given.flatMap(([path, where, value]) => (value === undefined ? [] : [{ path: path.split('.'), where, value }]));
