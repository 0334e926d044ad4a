import { Buffer } from 'node:buffer';
import type { Run } from '../run.js';
import { isList } from '../values.js';
import { described, JqError, JqSyntaxError, typeOf } from './error.js';

const HTML: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&#39;', '"': '&quot;' };

/** A text as it is, another value as compact JSON. */
export function textOf(value: unknown, run: Run): string {
  return typeof value === 'string' ? value : run.json(value);
}

/** `@name`: a value as text for another language. */
export function formatted(name: string, value: unknown, run: Run): string {
  switch (name) {
    case 'text':
      return textOf(value, run);
    case 'json':
      return run.json(value);
    case 'html':
      return run.made(textOf(value, run).replace(/[<>&'"]/g, (character) => HTML[character] ?? character));
    case 'uri':
      return run.made(encodeUri(textOf(value, run)));
    case 'csv':
      return row(value, ',', csvCell, name, run);
    case 'tsv':
      return row(value, '\t', tsvCell, name, run);
    case 'sh':
      return (isList(value) ? value : [value]).map((item) => shellWord(item, run)).join(' ');
    case 'base64':
      return run.made(Buffer.from(textOf(value, run), 'utf8').toString('base64'));
    case 'base64d':
      return run.made(Buffer.from(textOf(value, run), 'base64').toString('utf8'));
    default:
      throw new JqSyntaxError(`@${name} is not a format`);
  }
}

function encodeUri(text: string): string {
  const whole = text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
  return encodeURIComponent(whole).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function row(value: unknown, separator: string, cell: (text: string) => string, name: string, run: Run): string {
  if (!isList(value)) throw new JqError(`${described(value)} cannot be ${name}-formatted, only an array can be`);
  const cells = value.map((item) => {
    if (item === null) return '';
    if (typeof item === 'string') return cell(item);
    if (typeof item === 'number' || typeof item === 'boolean') return run.text(item);
    throw new JqError(`${described(item)} is not valid in a ${name} row`);
  });
  run.step(cells.length);
  return run.made(cells.join(separator));
}

const csvCell = (text: string): string => `"${text.replaceAll('"', '""')}"`;

const tsvCell = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');

function shellWord(value: unknown, run: Run): string {
  if (typeof value === 'string') return run.made(`'${value.replaceAll("'", "'\\''")}'`);
  if (typeof value === 'object' && value !== null) {
    throw new JqError(`${typeOf(value)} can not be escaped for shell`);
  }
  return run.text(value ?? 'null');
}
