import { ExpressionError, type Position } from './error.js';

/** `open` and `close` carry which tag they belong to: `{{`/`}}` or `{%`/`%}`. `raw` is the content of a raw tag. */
export type TokenKind = 'text' | 'raw' | 'open' | 'close' | 'name' | 'number' | 'string' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  readonly at: Position;
}

/** Longest first: the first that fits is taken. */
const SYMBOLS = ['???', '??', '==', '!=', '<=', '>=', '..', ...'+-*/%~|<>?:()[]{},.='];
const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
const NUMBER = /\d+(?:\.\d+)?/y;
const DIGITS = /\d+/y;
const SPACE = /\s*/y;
const RAW_TAG = /\{%(-?)\s*(raw|verbatim)\s*(-?)%\}/y;
const RAW_END = {
  raw: /\{%(-?)\s*endraw\s*(-?)%\}/g,
  verbatim: /\{%(-?)\s*endverbatim\s*(-?)%\}/g,
} as const;

/**
 * Splits a template into tokens; white space beside `-` markers is already removed and comments are dropped.
 *
 * @throws ExpressionError kind `syntax`: a tag, comment or string that does not end, a character that cannot be there
 */
export function tokenize(source: string): readonly Token[] {
  return new Lexer(source).run();
}

class Lexer {
  private readonly tokens: Token[] = [];
  private offset = 0;
  private trimNext = false;
  private line = 1;
  private lineStart = 0;
  private lineBreak: number;

  constructor(private readonly source: string) {
    this.lineBreak = lineBreakFrom(source, 0);
  }

  run(): readonly Token[] {
    while (this.offset < this.source.length) {
      const tag = this.nextTag();
      this.text(tag);
      if (this.offset >= this.source.length) break;
      if (this.source[tag + 1] === '#') this.comment();
      else if (!this.rawTag()) this.tag();
    }
    this.push('end', '');
    return this.tokens;
  }

  private nextTag(): number {
    for (let at = this.source.indexOf('{', this.offset); at >= 0; at = this.source.indexOf('{', at + 1)) {
      const next = this.source[at + 1];
      if (next === '{' || next === '%' || next === '#') return at;
    }
    return this.source.length;
  }

  private text(end: number): void {
    let text = this.source.slice(this.offset, end);
    if (this.trimNext) text = text.trimStart();
    if (this.source[end + 2] === '-') text = text.trimEnd();
    if (text !== '') this.push('text', text);
    this.offset = end;
    this.trimNext = false;
  }

  private comment(): void {
    const end = this.source.indexOf('#}', this.offset + 2);
    if (end < 0) this.fail("this comment does not end; close it with '#}', or write '{' differently if it is text");
    this.trimNext = this.source[end - 1] === '-';
    this.offset = end + 2;
  }

  /** The whole of `{% raw %}…{% endraw %}`, if it begins here: nothing inside is looked at. */
  private rawTag(): boolean {
    const open = match(RAW_TAG, this.source, this.offset);
    if (open === null) return false;
    const name = open[2] === 'verbatim' ? 'verbatim' : 'raw';
    const pattern = RAW_END[name];
    pattern.lastIndex = this.offset + open[0].length;
    const close = pattern.exec(this.source);
    if (close === null) this.fail(`this {% ${name} %} does not end; close it with {% end${name} %}`);
    let text = this.source.slice(this.offset + open[0].length, close.index);
    if (open[3] === '-') text = text.trimStart();
    if (close[1] === '-') text = text.trimEnd();
    this.push('raw', text);
    this.offset = close.index + close[0].length;
    this.trimNext = close[2] === '-';
    return true;
  }

  private tag(): void {
    const opening = this.source.slice(this.offset, this.offset + 2);
    const closing = opening === '{{' ? '}}' : '%}';
    const start = this.position();
    this.push('open', opening);
    this.offset += this.source[this.offset + 2] === '-' ? 3 : 2;
    // Inside a map literal `}}` ends two maps, not the tag.
    let braces = 0;
    for (;;) {
      this.offset += match(SPACE, this.source, this.offset)?.[0].length ?? 0;
      if (this.offset >= this.source.length) {
        throw new ExpressionError(
          'syntax',
          `this '${opening}' does not end; close it with '${closing}'`,
          start,
          this.source,
        );
      }
      if (braces === 0 && this.close(closing)) return;
      const symbol = this.token();
      if (symbol === '{') braces++;
      else if (symbol === '}') braces--;
    }
  }

  private close(closing: string): boolean {
    const dash = this.source[this.offset] === '-' ? 1 : 0;
    if (!this.source.startsWith(closing, this.offset + dash)) return false;
    this.push('close', closing);
    this.trimNext = dash === 1;
    this.offset += dash + closing.length;
    return true;
  }

  /** Reads one token and gives its text when it is a symbol. */
  private token(): string {
    const character = this.source[this.offset] ?? '';
    if (character === '"' || character === "'") return this.string(character);
    const previous = this.tokens.at(-1);
    const afterDot = previous?.kind === 'symbol' && previous.value === '.';
    const number = match(afterDot ? DIGITS : NUMBER, this.source, this.offset);
    if (number !== null) return this.number(number[0]);
    const name = match(NAME, this.source, this.offset);
    if (name !== null) {
      this.push('name', name[0]);
      this.offset += name[0].length;
      return '';
    }
    const symbol = SYMBOLS.find((candidate) => this.source.startsWith(candidate, this.offset));
    if (symbol === undefined) this.fail(`unexpected character '${character}'`);
    this.push('symbol', symbol);
    this.offset += symbol.length;
    return symbol;
  }

  private number(digits: string): string {
    this.push('number', digits);
    this.offset += digits.length;
    const suffix = match(NAME, this.source, this.offset)?.[0];
    if (suffix === 'L' || suffix === 'l') this.offset += 1;
    else if (suffix !== undefined)
      this.fail(`a number cannot be followed by '${suffix}'; a name that begins with a digit is read as variable['…']`);
    return '';
  }

  /** A backslash escapes the quote only; elsewhere it stays, so regular expressions can be written plainly. */
  private string(quote: string): string {
    let value = '';
    let from = this.offset + 1;
    for (let at = from; at < this.source.length; at++) {
      const character = this.source[at];
      if (character === '\\') {
        if (this.source[at + 1] === quote) {
          value += this.source.slice(from, at);
          from = at + 1;
        }
        at++;
      } else if (character === quote) {
        this.push('string', value + this.source.slice(from, at));
        this.offset = at + 1;
        return '';
      }
    }
    return this.fail(`this text does not end; close it with ${quote}`);
  }

  private push(kind: TokenKind, value: string): void {
    this.tokens.push({ kind, value, at: this.position() });
  }

  /** Tokens are made in order, so lines are counted on from the last one; the next line break is looked for once. */
  private position(): Position {
    while (this.lineBreak < this.offset) {
      this.line++;
      this.lineStart = this.lineBreak + 1;
      this.lineBreak = lineBreakFrom(this.source, this.lineStart);
    }
    return { offset: this.offset, line: this.line, column: this.offset - this.lineStart + 1 };
  }

  private fail(reason: string): never {
    throw new ExpressionError('syntax', reason, this.position(), this.source);
  }
}

function match(pattern: RegExp, source: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(source);
}

/** Offset of the next line break, or infinity. */
function lineBreakFrom(source: string, offset: number): number {
  const found = source.indexOf('\n', offset);
  return found < 0 ? Number.POSITIVE_INFINITY : found;
}
