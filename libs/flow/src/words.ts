import { excerpt, isPlainObject } from '@millrace/model';

const TEXT_MAX = 60;

/** `a`, `a or b`, `a, b or c`. */
export function either(items: readonly string[], word = 'or'): string {
  return items.length <= 1 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} ${word} ${items.at(-1) ?? ''}`;
}

/** A name or text of the author in quotes, cut when long, on one line. */
export const quoted = (text: string): string => `'${excerpt(text.replace(/\s+/g, ' '), TEXT_MAX)}'`;

/** The first `max` of many names, and how many were left out. */
export function someOf(names: readonly string[], max = 12): string {
  return names.length <= max
    ? either(names, 'and')
    : `${names.slice(0, max).join(', ')} and ${names.length - max} more`;
}

/** With a full stop at its end, unless it is a question. */
export const asSentence = (text: string): string => (text.endsWith('?') ? text : `${text}.`);

const BOOLEAN_WORDS = new Set(['true', 'false']);

/**
 * What a value is, for a sentence. `written` is the unquoted text in the YAML, which explains surprises such as `on`
 * being a boolean.
 */
export function describeValue(value: unknown, written?: string): string {
  if (value === null || value === undefined) return 'empty';
  if (typeof value === 'boolean') {
    if (written === undefined || BOOLEAN_WORDS.has(written.toLowerCase())) return `the boolean ${value}`;
    return `a boolean (YAML reads an unquoted ${written} as ${value})`;
  }
  if (typeof value === 'number') return `the number ${written ?? value}`;
  if (typeof value === 'string') return `the text ${quoted(value)}`;
  if (Array.isArray(value)) return 'a list';
  return isPlainObject(value) ? 'a map' : 'of an unknown type';
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'a boolean',
  array: 'a list',
  object: 'a map',
  null: 'nothing',
};

/** The JSON Schema type in words. */
export const typeWord = (type: string): string => TYPE_WORDS[type] ?? type;

/** What to do when a value is not of one of the `expected` JSON Schema types. */
export function typeAdvice(value: unknown, expected: readonly string[]): string {
  const scalar = typeof value === 'boolean' || typeof value === 'number';
  if (scalar && expected.includes('string')) return 'put it in quotes';
  if (typeof value === 'string') {
    const numeric = value.trim() !== '' && Number.isFinite(Number(value));
    if (numeric && (expected.includes('number') || expected.includes('integer'))) return 'remove the quotes';
    if (/^(true|false)$/i.test(value) && expected.includes('boolean')) return 'remove the quotes';
  }
  const [first = ''] = expected;
  return ADVICE[first] ?? `write ${typeWord(first)}`;
}

const ADVICE: Readonly<Record<string, string>> = {
  string: 'write text',
  array: "write a list, with '- ' before each item",
  object: "write a map of 'name: value' lines",
  boolean: 'write true or false',
  integer: 'write a whole number',
  number: 'write a number',
};

const AMOUNT = /^\s*(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]*)\s*$/i;
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(s|sec|seconds?)?$/i, 'PT_S'],
  [/^(m|min|minutes?)$/i, 'PT_M'],
  [/^(h|hours?)$/i, 'PT_H'],
  [/^(d|days?)$/i, 'P_D'],
  [/^(w|weeks?)$/i, 'P_W'],
];

/** What to write instead of something that was meant as a duration: `PT5S` for `5`, `5s` or `5 seconds`. */
export function durationAdvice(value: unknown): string {
  const match = typeof value === 'string' || typeof value === 'number' ? AMOUNT.exec(String(value)) : null;
  const form = match === null ? undefined : UNITS.find(([unit]) => unit.test(match[2] ?? ''))?.[1];
  if (match === null || form === undefined) {
    return 'write one such as PT30S (30 seconds), PT5M (5 minutes), PT1H (an hour) or P1D (a day)';
  }
  return `did you mean ${form.replace('_', match[1] ?? '')}?`;
}
