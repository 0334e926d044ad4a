import type { PlainObject } from '@millrace/model';
import { parseDuration } from './duration.js';

/** Text for a property of type text: what rendering prints for the value. undefined when it does not fit. */
export function toText(value: unknown, convert: boolean): string | undefined {
  if (typeof value === 'string') return value;
  if (!convert) return undefined;
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

export function toNumber(value: unknown, convert: boolean, whole: boolean): number | undefined {
  const text = convert && typeof value === 'string' ? value.trim() : undefined;
  const number = text !== undefined && NUMBER.test(text) ? Number(text) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return whole && !Number.isSafeInteger(number) ? undefined : number;
}

export function toBoolean(value: unknown, convert: boolean): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (!convert || typeof value !== 'string') return undefined;
  const text = value.trim().toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

type Checked = { readonly value: string | number | boolean } | { readonly expected: string };
type Scalar = string | number | boolean;

/** The checks of a scalar's schema besides its type. */
export function checkText(schema: PlainObject): (value: Scalar, convert: boolean) => Checked {
  const allowed: readonly unknown[] | undefined =
    schema['const'] !== undefined ? [schema['const']] : Array.isArray(schema['enum']) ? schema['enum'] : undefined;
  if (allowed) return (value, convert) => checkAllowed(allowed, value, convert);
  const checks = [...textChecks(schema), ...numberChecks(schema)];
  return (value) => {
    for (const check of checks) {
      const expected = check(value);
      if (expected !== undefined) return { expected };
    }
    return { value };
  };
}

/** Names of an enumeration are written in upper case; another case is understood. */
function checkAllowed(allowed: readonly unknown[], value: Scalar, convert: boolean): Checked {
  if (allowed.includes(value)) return { value };
  if (convert && typeof value === 'string') {
    const meant = allowed.find((name) => typeof name === 'string' && name.toLowerCase() === value.trim().toLowerCase());
    if (typeof meant === 'string') return { value: meant };
  }
  return { expected: allowed.length === 1 ? String(allowed[0]) : `one of ${allowed.join(', ')}` };
}

type Check = (value: Scalar) => string | undefined;

const FORMATS: Readonly<Record<string, { readonly expected: string; readonly fits: (text: string) => boolean }>> = {
  duration: { expected: 'a duration such as PT5S', fits: (text) => parseDuration(text) !== undefined },
  date: {
    expected: 'a date such as 2026-03-31',
    fits: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  },
  'date-time': {
    expected: 'a date and time such as 2026-03-31T12:00:00Z',
    fits: (text) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)),
  },
};

function textChecks(schema: PlainObject): readonly Check[] {
  const checks: Check[] = [];
  const { minLength, maxLength, pattern, format } = schema;
  const onText = (expected: string, fits: (text: string) => boolean): void => {
    checks.push((value) => (typeof value !== 'string' || fits(value) ? undefined : expected));
  };
  if (typeof minLength === 'number')
    onText(`text of at least ${minLength} characters`, (text) => text.length >= minLength);
  if (typeof maxLength === 'number')
    onText(`text of at most ${maxLength} characters`, (text) => text.length <= maxLength);
  if (typeof pattern === 'string') {
    // Patterns come from task types, never from users.
    const expression = new RegExp(pattern, 'u');
    onText(`text that matches ${pattern}`, (text) => expression.test(text));
  }
  const known = typeof format === 'string' ? FORMATS[format] : undefined;
  if (known) onText(known.expected, known.fits);
  return checks;
}

function numberChecks(schema: PlainObject): readonly Check[] {
  const checks: Check[] = [];
  const bound = (keyword: string, words: string, fits: (value: number, limit: number) => boolean): void => {
    const limit = schema[keyword];
    if (typeof limit !== 'number') return;
    checks.push((value) => (typeof value !== 'number' || fits(value, limit) ? undefined : `${words} ${limit}`));
  };
  bound('minimum', 'at least', (value, limit) => value >= limit);
  bound('maximum', 'at most', (value, limit) => value <= limit);
  bound('exclusiveMinimum', 'more than', (value, limit) => value > limit);
  bound('exclusiveMaximum', 'less than', (value, limit) => value < limit);
  return checks;
}
