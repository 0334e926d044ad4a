import { JqSyntaxError } from './error.js';

export interface Token {
  readonly kind: 'name' | 'field' | 'variable' | 'format' | 'number' | 'text' | 'symbol' | 'end';
  readonly value: string;
  /** Of a text: pieces between interpolations, which are token lists themselves. */
  readonly parts?: readonly (string | readonly Token[])[];
  readonly at: number;
}

const SPACE = /(?:\s|#[^\n]*)+/y;
const TOKENS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['number', /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['field', /\.[A-Za-z_]\w*/y],
  ['variable', /\$(?:__loc__|[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)/y],
  ['format', /@[A-Za-z0-9_]+/y],
  ['name', /[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*/y],
  ['symbol', /\?\/\/|\/\/=|\|=|\+=|-=|\*=|\/=|%=|==|!=|<=|>=|\/\/|\.\.|[.[\]{}()|,:;=<>+\-*/%?$]/y],
];
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '/': '/',
  '\\': '\\',
  '"': '"',
};
const NESTING_MAX = 50;

/** @throws JqSyntaxError */
export function tokenize(source: string): readonly Token[] {
  return new Lexer(source).all();
}

class Lexer {
  private at = 0;
  private nesting = 0;

  constructor(private readonly source: string) {}

  all(): readonly Token[] {
    const tokens = this.until(() => this.at >= this.source.length);
    return [...tokens, { kind: 'end', value: '', at: this.at }];
  }

  private until(isDone: () => boolean): Token[] {
    const tokens: Token[] = [];
    for (;;) {
      this.match(SPACE);
      if (isDone()) return tokens;
      tokens.push(this.next());
    }
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private next(): Token {
    const { at } = this;
    if (at >= this.source.length) throw new JqSyntaxError('the program ends inside a text');
    if (this.source[at] === '"') return this.text(at);
    for (const [kind, pattern] of TOKENS) {
      const value = this.match(pattern);
      if (value !== undefined) return { kind, value: kind === 'field' ? value.slice(1) : value, at };
    }
    throw new JqSyntaxError(`'${this.source[at] ?? ''}' at character ${at + 1} is not understood`);
  }

  private text(at: number): Token {
    this.at++;
    const parts: (string | readonly Token[])[] = [];
    let piece = '';
    for (;;) {
      const character = this.source[this.at++];
      if (character === undefined) throw new JqSyntaxError(`the text at character ${at + 1} does not end`);
      if (character === '"') break;
      if (character !== '\\') piece += character;
      else if (this.source[this.at] === '(') {
        parts.push(piece, this.interpolation());
        piece = '';
      } else piece += this.escape();
    }
    return { kind: 'text', value: piece, parts: [...parts, piece], at };
  }

  private escape(): string {
    const letter = this.source[this.at++] ?? '';
    const simple = Object.hasOwn(SIMPLE_ESCAPES, letter) ? SIMPLE_ESCAPES[letter] : undefined;
    if (simple !== undefined) return simple;
    const code = letter === 'u' ? /^[0-9a-fA-F]{4}/.exec(this.source.slice(this.at, this.at + 4))?.[0] : undefined;
    if (code === undefined) throw new JqSyntaxError(`'\\${letter}' is no escape in a text`);
    this.at += 4;
    return String.fromCharCode(parseInt(code, 16));
  }

  /** The tokens between `\(` and its `)`. */
  private interpolation(): readonly Token[] {
    if (++this.nesting > NESTING_MAX) throw new JqSyntaxError('texts are nested too deeply');
    this.at++;
    let depth = 0;
    const tokens: Token[] = [];
    for (;;) {
      this.match(SPACE);
      const token = this.next();
      if (token.kind === 'symbol' && token.value === '(') depth++;
      if (token.kind === 'symbol' && token.value === ')' && depth-- === 0) {
        this.nesting--;
        return [...tokens, { kind: 'end', value: '', at: token.at }];
      }
      tokens.push(token);
    }
  }
}
