import type { Run } from '../run.js';
import { isList, isMapValue, keysOf, typeName, valueOf } from '../values.js';

/** Symbols that Ion text does not need to quote. */
const PLAIN_SYMBOL = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
/** Words with a meaning of their own, and references to numbered symbols. */
const RESERVED_SYMBOL = /^(?:null|true|false|nan|\$\d+)$/;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
  '\0': '\\0',
  '\x07': '\\a',
};

/** A value as compact Ion text: what is no integer becomes a float, a date a timestamp. */
export function ionText(value: unknown, run: Run): string {
  const parts: string[] = [];
  write(value, parts, run);
  return run.made(parts.join(''));
}

function write(value: unknown, parts: string[], run: Run): void {
  run.step();
  if (isList(value)) {
    run.enter(1);
    parts.push('[');
    value.forEach((item, index) => {
      if (index > 0) parts.push(',');
      write(item, parts, run);
    });
    parts.push(']');
    run.leave(1);
  } else if (isMapValue(value)) {
    run.enter(1);
    parts.push('{');
    keysOf(value).forEach((key, index) => {
      parts.push(index > 0 ? ',' : '', symbol(key), ':');
      write(valueOf(value, key), parts, run);
    });
    parts.push('}');
    run.leave(1);
  } else parts.push(scalar(value, run));
}

function scalar(value: unknown, run: Run): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return `"${escaped(run.made(value), '"')}"`;
  if (typeof value === 'number') return number(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Date) return value.toISOString();
  return run.fail('type', `${typeName(value)} cannot be written as Ion`);
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? '+inf' : '-inf';
  if (Number.isInteger(value)) return BigInt(value).toString();
  const text = String(value);
  return text.includes('e') ? text : `${text}e0`;
}

function symbol(name: string): string {
  const isPlain = PLAIN_SYMBOL.test(name) && !RESERVED_SYMBOL.test(name);
  return isPlain ? name : `'${escaped(name, "'")}'`;
}

function escaped(text: string, quote: '"' | "'"): string {
  return text.replace(/[\\"'\u0000-\u001f\u007f-\u009f]/g, (character) => {
    if (character === '"' || character === "'") return character === quote ? `\\${quote}` : character;
    return ESCAPES[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
