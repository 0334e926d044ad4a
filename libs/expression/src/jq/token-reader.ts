import { JqSyntaxError } from './error.js';
import type { Token } from './lexer.js';

const NESTING_MAX = 100;

/** Goes through the tokens of a program; what a parser of any grammar needs. */
export class TokenReader {
  protected position = 0;
  private depth = 0;

  constructor(protected readonly tokens: readonly Token[]) {}

  protected get token(): Token {
    return this.tokens[this.position] ?? { kind: 'end', value: '', at: 0 };
  }

  protected isEnd(): boolean {
    return this.token.kind === 'end';
  }

  protected unexpected(wanted = ''): never {
    const { kind, value, at } = this.token;
    const found = kind === 'end' ? 'the program ends' : `'${value}' is not expected`;
    throw new JqSyntaxError(`${found} at character ${at + 1}${wanted === '' ? '' : `; ${wanted} is missing`}`);
  }

  protected isSymbol(value: string): boolean {
    return this.token.kind === 'symbol' && this.token.value === value;
  }

  protected isName(value: string): boolean {
    return this.token.kind === 'name' && this.token.value === value;
  }

  protected take(kind: 'symbol' | 'name', value: string): boolean {
    const taken = kind === 'symbol' ? this.isSymbol(value) : this.isName(value);
    if (taken) this.position++;
    return taken;
  }

  protected expect(kind: 'symbol' | 'name', value: string): void {
    if (!this.take(kind, value)) this.unexpected(`'${value}'`);
  }

  protected nested<T>(read: () => T): T {
    if (++this.depth > NESTING_MAX) throw new JqSyntaxError(`it is nested more than ${NESTING_MAX} levels deep`);
    const result = read();
    this.depth--;
    return result;
  }

  protected variable(): string {
    if (this.token.kind !== 'variable') this.unexpected('a name that begins with $');
    return this.tokens[this.position++]?.value.slice(1) ?? '';
  }
}
