import { parseDuration } from './duration.js';
import type { KeyValueType } from './key-values.js';

/** A value with its type; or why there is none. */
export type TypedValue = { readonly value: unknown; readonly type: KeyValueType } | { readonly problem: string };

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATETIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

const isDate = (text: string): boolean => DATE.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));
const isDateTime = (text: string): boolean => DATETIME.test(text) && !Number.isNaN(Date.parse(text));
const isDuration = (text: string): boolean => parseDuration(text) !== undefined;

/** The type of a value that was given without one: text is text, whatever it looks like. */
export function typeOfValue(value: unknown): KeyValueType {
  if (value instanceof Date) return 'DATETIME';
  switch (typeof value) {
    case 'string':
      return 'STRING';
    case 'number':
    case 'bigint':
      return 'NUMBER';
    case 'boolean':
      return 'BOOLEAN';
    default:
      return 'JSON';
  }
}

/** A value as its type wants it: text is read as the type, other values are kept. */
export function valueOfType(type: KeyValueType, value: unknown): TypedValue {
  if (typeof value !== 'string') return { value, type: type === 'JSON' ? type : typeOfValue(value) };
  const text = value.trim();
  switch (type) {
    case 'STRING':
      return { value, type };
    case 'NUMBER': {
      const number = text === '' ? Number.NaN : Number(text);
      return Number.isFinite(number) ? { value: number, type } : { problem: 'is no number' };
    }
    case 'BOOLEAN':
      return /^(true|false)$/i.test(text)
        ? { value: text.toLowerCase() === 'true', type }
        : { problem: 'is neither true nor false' };
    case 'DATETIME':
      return isDateTime(text) ? { value: text, type } : { problem: 'is no date and time such as 2026-03-01T12:00:00Z' };
    case 'DATE':
      return isDate(text) ? { value: text, type } : { problem: 'is no date such as 2026-03-01' };
    case 'DURATION':
      return isDuration(text) ? { value: text, type } : { problem: 'is no duration such as PT5M' };
    case 'JSON':
      return parsed(text, type);
    default:
      return type satisfies never;
  }
}

function parsed(text: string, type: KeyValueType): TypedValue {
  try {
    return { value: JSON.parse(text), type };
  } catch {
    return { problem: 'is not JSON' };
  }
}

/** The value that a text stands for whose type nobody says: JSON, else a date, a duration, or itself. */
export function valueOfText(text: string): { readonly value: unknown; readonly type: KeyValueType } {
  const trimmed = text.trim();
  const json = parsed(trimmed, 'JSON');
  if ('value' in json) return { value: json.value, type: typeOfValue(json.value) };
  if (isDateTime(trimmed)) return { value: trimmed, type: 'DATETIME' };
  if (isDate(trimmed)) return { value: trimmed, type: 'DATE' };
  if (isDuration(trimmed)) return { value: trimmed, type: 'DURATION' };
  return { value: text, type: 'STRING' };
}
