/** A place in a template: `offset` counts UTF-16 units from 0, `line` and `column` count from 1. */
export interface Position {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/**
 * What kind of mistake stopped a rendering: `syntax` the template cannot be read; `undefined` an unknown variable or
 * attribute; `type` a value that the operation cannot work on; `limit` too much work, text or nesting; `function` an
 * unknown filter, test or function, wrong arguments, or a failure inside one; `encrypted` a value that only a worker may
 * open; `stored` one that only a worker may read, from internal storage.
 */
export type ExpressionErrorKind = 'syntax' | 'undefined' | 'type' | 'limit' | 'function' | 'encrypted' | 'stored';

/** Position of the first character. */
export const START: Position = Object.freeze({ offset: 0, line: 1, column: 1 });

const EXCERPT_MAX = 80;

/**
 * The only error that parsing and rendering throw. `message` says what was wrong, where, and what to do; `reason` is
 * the same without the place; `line` and `column` count from 1 in the template that was being rendered. A host may
 * throw one without a place, for example of kind `undefined` for what `??` shall catch: the place of its call is added.
 */
export class ExpressionError extends Error {
  readonly kind: ExpressionErrorKind;
  readonly reason: string;
  readonly line: number;
  readonly column: number;

  constructor(kind: ExpressionErrorKind, reason: string, at: Position = START, source = '', cause?: unknown) {
    super(source === '' ? reason : `${reason} (${placeText(source, at)})`, cause === undefined ? undefined : { cause });
    this.name = 'ExpressionError';
    this.kind = kind;
    this.reason = reason;
    this.line = at.line;
    this.column = at.column;
  }
}

function placeText(source: string, at: Position): string {
  return `line ${at.line}, column ${at.column} of the expression '${excerptAround(source, at)}'`;
}

function excerptAround(source: string, at: Position): string {
  const lineStart = at.offset - (at.column - 1);
  const newline = source.indexOf('\n', lineStart);
  const lineEnd = newline < 0 ? source.length : newline;
  const from = Math.max(lineStart, at.offset - EXCERPT_MAX / 2);
  const to = Math.min(lineEnd, from + EXCERPT_MAX);
  return (from > lineStart ? '…' : '') + source.slice(from, to).trim() + (to < lineEnd ? '…' : '');
}
