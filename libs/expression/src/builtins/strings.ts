import { RE2JS } from 're2js';
import type { Run } from '../run.js';
import { integerArgument, textArgument, textInput } from './arguments.js';
import type { Filter, Filters } from './definition.js';

/** A filter of text without arguments. */
function ofText(name: string, apply: (text: string) => string): Filter {
  return { parameters: [], apply: (input, _, run) => run.made(apply(run.made(textInput(input, name, run)))) };
}

/** A filter of text by one separator. */
function bySeparator(name: string, apply: (text: string, separator: string) => string): Filter {
  return {
    parameters: ['separator'],
    required: 1,
    apply: (input, [separator], run) =>
      run.made(apply(textInput(input, name, run), textArgument(separator, 'separator', run))),
  };
}

/** A question about text that is answered by true or false. */
function asking(name: string, ask: (text: string, value: string) => boolean): Filter {
  return {
    parameters: ['value'],
    required: 1,
    apply: (input, [value], run) => ask(run.made(textInput(input, name, run)), textArgument(value, 'value', run)),
  };
}

/** Filters whose input and result are text. */
export const STRING_FILTERS: Filters = {
  upper: ofText('upper', (text) => text.toUpperCase()),
  lower: ofText('lower', (text) => text.toLowerCase()),
  trim: ofText('trim', (text) => text.trim()),
  capitalize: ofText('capitalize', (text) => text.replace(/\S/, (letter) => letter.toUpperCase())),
  title: ofText('title', (text) => text.replace(/(?<!\S)\S/g, (letter) => letter.toUpperCase())),
  slugify: ofText('slugify', slugify),
  string: { parameters: [], apply: (input, _, run) => run.text(input) },
  abbreviate: {
    parameters: ['length'],
    required: 1,
    apply: (input, [length], run) =>
      abbreviate(textInput(input, 'abbreviate', run), integerArgument(length, 'length', run)),
  },
  startsWith: asking('startsWith', (text, value) => text.startsWith(value)),
  endsWith: asking('endsWith', (text, value) => text.endsWith(value)),
  substringBefore: bySeparator('substringBefore', (text, separator) => before(text, text.indexOf(separator))),
  substringBeforeLast: bySeparator('substringBeforeLast', (text, separator) =>
    separator === '' ? text : before(text, text.lastIndexOf(separator)),
  ),
  substringAfter: bySeparator('substringAfter', (text, separator) =>
    after(text, text.indexOf(separator), separator.length),
  ),
  substringAfterLast: bySeparator('substringAfterLast', (text, separator) =>
    separator === '' ? '' : after(text, text.lastIndexOf(separator), separator.length),
  ),
  split: {
    parameters: ['delimiter', 'limit'],
    required: 1,
    apply: (input, [delimiter, limit], run) =>
      split(
        textInput(input, 'split', run),
        textArgument(delimiter, 'delimiter', run),
        integerArgument(limit, 'limit', run, 0),
        run,
      ),
  },
  indent: indenting('indent', (lines) => lines),
  nindent: indenting('nindent', (lines) => `\n${lines}`),
};

/** Lines after the first get the prefix; `nindent` puts a line break before, so that its first line gets it too. */
function indenting(name: 'indent' | 'nindent', begin: (text: string) => string): Filter {
  return {
    parameters: ['amount', 'prefix'],
    required: 1,
    apply: (input, [amount, prefix], run) => {
      const text = textInput(input, name, run);
      if (text === '') return '';
      const count = Math.max(0, integerArgument(amount, 'amount', run));
      const unit = textArgument(prefix, 'prefix', run, ' ');
      const lines = begin(text).split('\n');
      run.willMake(unit.length * count * lines.length + text.length);
      return run.made(lines.join(`\n${unit.repeat(count)}`));
    },
  };
}

function abbreviate(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 3))}...`;
}

function before(text: string, index: number): string {
  return index < 0 ? text : text.slice(0, index);
}

function after(text: string, index: number, length: number): string {
  return index < 0 ? '' : text.slice(index + length);
}

function slugify(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, '-')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\w-]/g, '')
    .replace(/[_-]+/g, '-')
    .replace(/^-|-$/g, '')
    .toLowerCase();
}

/**
 * As Java's `String.split`: a delimiter of several characters is a regular expression (one character stands for
 * itself), limit 0 drops empty texts at the end, a positive one bounds the number of parts.
 */
function split(text: string, delimiter: string, limit: number, run: Run): string[] {
  run.made(text);
  const parts = delimiter.length > 1 ? byPattern(text, delimiter, limit, run) : byText(text, delimiter, limit);
  if (limit === 0) while (parts.length > 1 && parts.at(-1) === '') parts.pop();
  run.step(parts.length);
  return parts;
}

function byText(text: string, delimiter: string, limit: number): string[] {
  const parts = text.split(delimiter);
  if (limit <= 0 || parts.length <= limit) return parts;
  return [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(delimiter)];
}

function byPattern(text: string, delimiter: string, limit: number, run: Run): string[] {
  const matcher = compilePattern(delimiter, run).matcher(text);
  const parts: string[] = [];
  let from = 0;
  while ((limit <= 0 || parts.length < limit - 1) && matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (end === 0) continue; // nothing before the first character is no part, as in Java
    parts.push(text.slice(from, start));
    from = end;
  }
  parts.push(text.slice(from));
  return parts;
}

/** A user's regular expression, matched in linear time. @throws ExpressionError kind `type` when it cannot be used */
export function compilePattern(pattern: string, run: Run): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it cannot be read';
    return run.fail('type', `the regular expression '${pattern.slice(0, 80)}' cannot be used: ${why}`, error);
  }
}
