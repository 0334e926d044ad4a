import { ExpressionError, type ExpressionErrorKind, type Position } from './error.js';
import type { Token } from './lexer.js';
import { DEFAULT_LIMITS } from './limits.js';
import { PRECEDENCE, type Arguments, type BinaryOperator, type Expression, type NamedArgument } from './syntax.js';

/** `not` binds looser than comparisons and tests, tighter than `and`: `not a == b and c` is `(not (a == b)) and c`. */
const NOT_PRECEDENCE = 16;
const SIGN_PRECEDENCE = 500;
const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['TRUE', true],
  ['false', false],
  ['FALSE', false],
  ['null', null],
  ['NULL', null],
  ['none', null],
  ['NONE', null],
]);
/** Filters whose result is written as a decimal: `x | number('DOUBLE') / 4` divides exactly. */
const DECIMAL_TYPES: ReadonlySet<unknown> = new Set(['FLOAT', 'DOUBLE', 'BIGDECIMAL']);
const NO_ARGUMENTS: Arguments = { positional: [], named: [] };

/** Reads tokens one by one; the base of the tag parser. */
export class ExpressionParser {
  private index = 0;
  private nesting = 0;

  constructor(
    protected readonly source: string,
    private readonly tokens: readonly Token[],
  ) {}

  /** A whole expression: the ternary binds loosest and to the right. */
  protected expression(): Expression {
    const at = this.token.at;
    return this.nested(() => {
      const condition = this.binary(0);
      if (!this.takeSymbol('?')) return condition;
      const then = this.expression();
      this.expectSymbol(':', "a condition '?' needs its ':' part");
      const otherwise = this.expression();
      const height = this.heightOf([condition, then, otherwise]);
      return { kind: 'conditional', condition, then, otherwise, at, height };
    });
  }

  private binary(minimum: number): Expression {
    let left = this.prefix();
    for (;;) {
      const operator = this.infixOperator();
      if (operator === undefined || PRECEDENCE[operator] < minimum) return left;
      const at = this.token.at;
      this.advance();
      if (operator === '|') left = this.filter(left);
      else if (operator === 'is') left = this.test(left, at);
      else {
        const right = this.nested(() => this.binary(PRECEDENCE[operator] + 1));
        left = this.binaryNode(operator, left, right, at);
      }
    }
  }

  private binaryNode(operator: BinaryOperator, left: Expression, right: Expression, at: Position): Expression {
    const decimal = '+-*/%'.includes(operator) && (isDecimal(left) || isDecimal(right));
    return { kind: 'binary', operator, left, right, decimal, at, height: this.heightOf([left, right]) };
  }

  private infixOperator(): keyof typeof PRECEDENCE | undefined {
    const { kind, value } = this.token;
    if (kind !== 'symbol' && kind !== 'name') return undefined;
    return isOperator(value) ? value : undefined;
  }

  private prefix(): Expression {
    const { kind, value, at } = this.token;
    if (kind === 'symbol' && (value === '-' || value === '+')) {
      this.advance();
      const operand = this.nested(() => this.binary(SIGN_PRECEDENCE));
      return { kind: 'unary', operator: value, operand, at, height: this.heightOf([operand]) };
    }
    // A variable may be called `not`: then nothing follows that an operand could begin with.
    if (kind === 'name' && value === 'not' && !this.nextIsSymbol('.')) {
      this.advance();
      const operand = this.nested(() => this.binary(NOT_PRECEDENCE));
      return { kind: 'unary', operator: 'not', operand, at, height: this.heightOf([operand]) };
    }
    return this.postfix(this.primary());
  }

  private postfix(target: Expression): Expression {
    for (;;) {
      const at = this.token.at;
      if (this.takeSymbol('.')) target = this.attribute(target, at);
      else if (this.takeSymbol('[')) {
        const key = this.expression();
        this.expectSymbol(']', "a subscript '[' needs its ']'");
        target = { kind: 'subscript', target, key, at, height: this.heightOf([target, key]) };
      } else return target;
    }
  }

  private attribute(target: Expression, at: Position): Expression {
    const { kind, value } = this.token;
    if (kind !== 'name' && kind !== 'number') {
      this.unexpected("after '.' the name of an attribute is expected; for other names write ['…']");
    }
    this.advance();
    if (this.isSymbol('(')) {
      this.fail(`'${value}' cannot be called: values have no methods; use a filter, as in value | ${value}`, at);
    }
    return { kind: 'attribute', target, name: value, at, height: this.heightOf([target]) };
  }

  private primary(): Expression {
    const token = this.token;
    const { at, value } = token;
    switch (token.kind) {
      case 'string':
        this.advance();
        return { kind: 'literal', value, decimal: false, at, height: 1 };
      case 'number':
        this.advance();
        return { kind: 'literal', value: numberOf(value), decimal: value.includes('.'), at, height: 1 };
      case 'name':
        return this.nameOrCall();
      case 'symbol':
        if (value === '(') return this.parenthesised();
        if (value === '[') return this.list();
        if (value === '{') return this.map();
        break;
      default:
        break;
    }
    return this.unexpected('a value is expected here');
  }

  private nameOrCall(): Expression {
    const { value: name, at } = this.token;
    this.advance();
    if (this.isSymbol('(')) {
      const args = this.callArguments();
      return { kind: 'call', name, args, at, height: this.heightOf(valuesOf(args)) };
    }
    const constant = CONSTANTS.get(name);
    if (constant !== undefined) return { kind: 'literal', value: constant, decimal: false, at, height: 1 };
    return { kind: 'name', name, at, height: 1 };
  }

  private parenthesised(): Expression {
    this.advance();
    const inner = this.expression();
    this.expectSymbol(')', "a '(' needs its ')'");
    return inner;
  }

  private list(): Expression {
    const at = this.token.at;
    this.advance();
    const items: Expression[] = [];
    while (!this.takeSymbol(']')) {
      if (items.length > 0) this.expectSymbol(',', "elements of a list are separated by ',' and it ends with ']'");
      items.push(this.expression());
    }
    return { kind: 'list', items, at, height: this.heightOf(items) };
  }

  private map(): Expression {
    const at = this.token.at;
    this.advance();
    const entries: { key: Expression; value: Expression }[] = [];
    while (!this.takeSymbol('}')) {
      if (entries.length > 0) this.expectSymbol(',', "entries of a map are separated by ',' and it ends with '}'");
      const key = this.expression();
      this.expectSymbol(':', "an entry of a map is written key: value, with ':'");
      entries.push({ key, value: this.expression() });
    }
    const children = entries.flatMap((entry) => [entry.key, entry.value]);
    return { kind: 'map', entries, at, height: this.heightOf(children) };
  }

  private filter(input: Expression): Expression {
    const { name, args, at } = this.filterCall();
    return { kind: 'filter', input, name, args, at, height: this.heightOf([input, ...valuesOf(args)]) };
  }

  /** The name of a filter and its arguments, if any; the bar before it has been read. */
  protected filterCall(): { name: string; args: Arguments; at: Position } {
    const { at } = this.token;
    const name = this.expectName('the name of a filter');
    return { name, args: this.isSymbol('(') ? this.callArguments() : NO_ARGUMENTS, at };
  }

  private test(input: Expression, at: Position): Expression {
    const negated = this.isName('not');
    if (negated) this.advance();
    const name = this.expectName("the name of a test, as in 'is defined',");
    const args = this.isSymbol('(') ? this.callArguments() : NO_ARGUMENTS;
    return { kind: 'test', input, name, args, negated, at, height: this.heightOf([input, ...valuesOf(args)]) };
  }

  private callArguments(): Arguments {
    this.advance();
    const positional: Expression[] = [];
    const named: NamedArgument[] = [];
    while (!this.takeSymbol(')')) {
      if (positional.length + named.length > 0)
        this.expectSymbol(',', "arguments are separated by ',' and end with ')'");
      if (this.token.kind === 'name' && this.nextIsSymbol('=')) {
        const name = this.token.value;
        if (named.some((argument) => argument.name === name)) this.fail(`the argument '${name}' is given twice`);
        this.advance();
        this.advance();
        named.push({ name, value: this.expression() });
      } else if (named.length > 0) {
        this.fail('arguments without a name must come before the named ones');
      } else positional.push(this.expression());
    }
    return { positional, named };
  }

  protected get token(): Token {
    const token = this.tokens[this.index] ?? this.tokens.at(-1);
    if (token === undefined) throw new RangeError('the lexer always ends with a token of kind end');
    return token;
  }

  protected advance(): void {
    this.index++;
  }

  protected isSymbol(symbol: string): boolean {
    return this.token.kind === 'symbol' && this.token.value === symbol;
  }

  protected isName(name: string): boolean {
    return this.token.kind === 'name' && this.token.value === name;
  }

  protected nextIsSymbol(symbol: string): boolean {
    const next = this.tokens[this.index + 1];
    return next?.kind === 'symbol' && next.value === symbol;
  }

  protected takeSymbol(symbol: string): boolean {
    const found = this.isSymbol(symbol);
    if (found) this.advance();
    return found;
  }

  protected expectSymbol(symbol: string, rule: string): void {
    if (!this.takeSymbol(symbol)) this.unexpected(rule);
  }

  protected expectName(what: string): string {
    const { kind, value } = this.token;
    if (kind !== 'name') this.unexpected(`${what} is expected`);
    this.advance();
    return value;
  }

  /** Runs `parse` one level deeper; bounds the recursion of the parser itself. */
  protected nested<T>(parse: () => T): T {
    if (++this.nesting > DEFAULT_LIMITS.depth) this.tooDeep();
    const result = parse();
    this.nesting--;
    return result;
  }

  protected heightOf(children: readonly { readonly height: number }[]): number {
    let height = 1;
    for (const child of children) if (child.height >= height) height = child.height + 1;
    if (height > DEFAULT_LIMITS.depth) this.tooDeep();
    return height;
  }

  private tooDeep(): never {
    const reason = `the expression is nested more than ${DEFAULT_LIMITS.depth} levels deep; split it with {% set %}`;
    return this.fail(reason, this.token.at, 'limit');
  }

  protected unexpected(rule: string): never {
    return this.fail(`${rule}, but found ${describe(this.token)}${hint(this.token)}`);
  }

  protected fail(reason: string, at: Position = this.token.at, kind: ExpressionErrorKind = 'syntax'): never {
    throw new ExpressionError(kind, reason, at, this.source);
  }
}

/** The argument expressions, positional ones first. */
export function valuesOf(args: Arguments): readonly Expression[] {
  if (args.named.length === 0) return args.positional;
  return [...args.positional, ...args.named.map((argument) => argument.value)];
}

function isOperator(value: string): value is keyof typeof PRECEDENCE {
  return Object.hasOwn(PRECEDENCE, value);
}

function numberOf(digits: string): number | bigint {
  const number = Number(digits);
  return digits.includes('.') || Number.isSafeInteger(number) ? number : BigInt(digits);
}

function isDecimal(node: Expression): boolean {
  if (node.kind === 'literal' || node.kind === 'binary') return node.decimal;
  if (node.kind === 'unary') return isDecimal(node.operand);
  if (node.kind !== 'filter' || node.name !== 'number') return false;
  const type = valuesOf(node.args)[0];
  return type?.kind === 'literal' && DECIMAL_TYPES.has(type.value);
}

function describe(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'the end of the template';
    case 'close':
      return `the end of the tag, '${token.value}'`;
    case 'string':
      return `the text '${token.value.slice(0, 40)}'`;
    case 'text':
    case 'raw':
    case 'open':
    case 'name':
    case 'number':
    case 'symbol':
      return `'${token.value.slice(0, 40)}'`;
  }
}

function hint(token: Token): string {
  if (token.kind === 'name' && token.value === 'in') return "; to look in a list or map write 'value isIn list'";
  if (token.kind === 'symbol' && token.value === '=') return "; to compare write '=='";
  return '';
}
