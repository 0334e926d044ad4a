import { JqSyntaxError } from './error.js';
import { tokenize } from './lexer.js';
import type { AssignOperator, BinaryOperator, Definition, Node, Pattern } from './syntax.js';
import { TokenReader } from './token-reader.js';

const ASSIGNMENTS: ReadonlySet<string> = new Set(['=', '|=', '+=', '-=', '*=', '/=', '%=', '//=']);
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const KEYWORDS: ReadonlySet<string> = new Set(
  'def if then elif else end as reduce foreach try catch label import include and or __loc__'.split(' '),
);
const LITERALS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['null', null],
  ['true', true],
  ['false', false],
]);
const IDENTITY: Node = { kind: 'identity' };

/** Reads a program. @throws JqSyntaxError */
export function parseJq(source: string): Node {
  const parser = new Parser(tokenize(source));
  return parser.program();
}

/** Reads definitions, as those of the prelude. @throws JqSyntaxError */
export function parseDefinitions(source: string): readonly Definition[] {
  return new Parser(tokenize(source)).definitions();
}

class Parser extends TokenReader {
  program(): Node {
    if (this.isEnd()) return IDENTITY;
    const node = this.pipe();
    if (!this.isEnd()) this.unexpected();
    return node;
  }

  definitions(): readonly Definition[] {
    const definitions: Definition[] = [];
    while (this.isName('def')) definitions.push(this.definition());
    if (this.token.kind !== 'end') this.unexpected();
    return definitions;
  }

  /** Lowest precedence: `def`, `|`, and `as`, which reaches as far as it can. */
  private pipe(): Node {
    return this.nested(() => {
      if (this.isName('def')) {
        const definition = this.definition();
        return { kind: 'define', definition, body: this.pipe() };
      }
      if (this.isName('label')) {
        this.position++;
        const name = this.variable();
        this.expect('symbol', '|');
        return { kind: 'label', name, body: this.pipe() };
      }
      const left = this.comma();
      return this.take('symbol', '|') ? { kind: 'pipe', left, right: this.pipe() } : left;
    });
  }

  private definition(): Definition {
    this.expect('name', 'def');
    const { kind, value: name } = this.token;
    if (kind !== 'name') this.unexpected('the name of a function');
    this.position++;
    const parameters: string[] = [];
    if (this.take('symbol', '(')) {
      do {
        const { token } = this;
        if (token.kind !== 'name' && token.kind !== 'variable') this.unexpected('the name of a parameter');
        parameters.push(token.value);
        this.position++;
      } while (this.take('symbol', ';'));
      this.expect('symbol', ')');
    }
    this.expect('symbol', ':');
    const body = this.pipe();
    this.expect('symbol', ';');
    return { name, parameters, body };
  }

  private comma(): Node {
    let left = this.alternative();
    while (this.take('symbol', ',')) left = { kind: 'comma', left, right: this.alternative() };
    return left;
  }

  /** `//` binds to the right, weaker than assignment. */
  private alternative(): Node {
    const first = this.assignment();
    // `.a?//1`, written without a space, reads as the sign between patterns.
    const isTried = this.take('symbol', '?//');
    const left: Node = isTried ? { kind: 'try', body: first } : first;
    if (!isTried && !this.take('symbol', '//')) return left;
    return this.nested(() => ({ kind: 'alternative', left, right: this.alternative() }));
  }

  private assignment(): Node {
    const left = this.or();
    const operator = this.token.value as AssignOperator;
    if (this.token.kind !== 'symbol' || !ASSIGNMENTS.has(operator)) return left;
    this.position++;
    return { kind: 'assign', operator, left, right: this.nested(() => this.alternative()) };
  }

  private or(): Node {
    let left = this.and();
    while (this.take('name', 'or')) left = { kind: 'or', left, right: this.and() };
    return left;
  }

  private and(): Node {
    let left = this.comparison();
    while (this.take('name', 'and')) left = { kind: 'and', left, right: this.comparison() };
    return left;
  }

  private comparison(): Node {
    const left = this.sum();
    const operator = this.token.value as BinaryOperator;
    if (this.token.kind !== 'symbol' || !COMPARISONS.has(operator)) return left;
    this.position++;
    return { kind: 'binary', operator, left, right: this.sum() };
  }

  private sum(): Node {
    let left = this.product();
    while (this.isSymbol('+') || this.isSymbol('-')) {
      const operator = this.token.value as BinaryOperator;
      this.position++;
      left = { kind: 'binary', operator, left, right: this.product() };
    }
    return left;
  }

  private product(): Node {
    let left = this.unary();
    while (this.isSymbol('*') || this.isSymbol('/') || this.isSymbol('%')) {
      const operator = this.token.value as BinaryOperator;
      this.position++;
      left = { kind: 'binary', operator, left, right: this.unary() };
    }
    return left;
  }

  private unary(): Node {
    if (this.take('symbol', '-')) return { kind: 'negate', target: this.nested(() => this.unary()) };
    const term = this.postfix(this.term());
    if (!this.take('name', 'as')) return term;
    const patterns = [this.pattern()];
    while (this.take('symbol', '?//')) patterns.push(this.pattern());
    this.expect('symbol', '|');
    return { kind: 'as', source: term, patterns, body: this.pipe() };
  }

  private fold(): Node {
    const kind = this.token.value === 'reduce' ? 'reduce' : 'foreach';
    this.position++;
    const source = this.postfix(this.term());
    this.expect('name', 'as');
    const pattern = this.pattern();
    this.expect('symbol', '(');
    const start = this.pipe();
    this.expect('symbol', ';');
    const update = this.pipe();
    const extract = kind === 'foreach' && this.take('symbol', ';') ? this.pipe() : undefined;
    this.expect('symbol', ')');
    return { kind, source, pattern, start, update, ...(extract === undefined ? {} : { extract }) };
  }

  private pattern(): Pattern {
    return this.nested(() => {
      if (this.token.kind === 'variable') return { kind: 'name', name: this.variable() };
      if (this.take('symbol', '[')) {
        const items: Pattern[] = [];
        do items.push(this.pattern());
        while (this.take('symbol', ','));
        this.expect('symbol', ']');
        return { kind: 'list', items };
      }
      this.expect('symbol', '{');
      const entries: { key: Node; bind?: string; value?: Pattern }[] = [];
      do entries.push(this.patternEntry());
      while (this.take('symbol', ','));
      this.expect('symbol', '}');
      return { kind: 'map', entries };
    });
  }

  private patternEntry(): { key: Node; bind?: string; value?: Pattern } {
    if (this.token.kind === 'variable') {
      const bind = this.variable();
      const key: Node = { kind: 'literal', value: bind };
      return this.take('symbol', ':') ? { key, bind, value: this.pattern() } : { key, bind };
    }
    const key = this.entryKey();
    this.expect('symbol', ':');
    return { key, value: this.pattern() };
  }

  /** What may follow a term: `.a`, `[…]`, `?`. */
  private postfix(start: Node): Node {
    let node = start;
    for (;;) {
      const { kind, value } = this.token;
      if (kind === 'field') {
        this.position++;
        node = { kind: 'index', target: node, key: { kind: 'literal', value } };
      } else if (this.isSymbol('.') && this.tokens[this.position + 1]?.kind === 'text') {
        this.position++;
        node = { kind: 'index', target: node, key: this.text('text') };
      } else if (this.isSymbol('.') && this.isBracketNext()) {
        this.position++;
      } else if (this.take('symbol', '[')) node = this.bracket(node);
      else if (this.take('symbol', '?')) node = { kind: 'try', body: node };
      else return node;
    }
  }

  private isBracketNext(): boolean {
    const next = this.tokens[this.position + 1];
    return next?.kind === 'symbol' && next.value === '[';
  }

  private bracket(target: Node): Node {
    if (this.take('symbol', ']')) return { kind: 'iterate', target };
    if (this.take('symbol', ':')) {
      const to = this.pipe();
      this.expect('symbol', ']');
      return { kind: 'slice', target, to };
    }
    const key = this.pipe();
    if (this.take('symbol', ']')) return { kind: 'index', target, key };
    this.expect('symbol', ':');
    if (this.take('symbol', ']')) return { kind: 'slice', target, from: key };
    const to = this.pipe();
    this.expect('symbol', ']');
    return { kind: 'slice', target, from: key, to };
  }

  private term(): Node {
    return this.nested(() => {
      const { kind, value } = this.token;
      switch (kind) {
        case 'number':
          this.position++;
          return { kind: 'literal', value: Number(value) };
        case 'text':
          return this.text('text');
        case 'format':
          this.position++;
          return this.token.kind === 'text' ? this.text(value.slice(1)) : { kind: 'format', name: value.slice(1) };
        case 'field':
          this.position++;
          return { kind: 'index', target: IDENTITY, key: { kind: 'literal', value } };
        case 'variable':
          return { kind: 'variable', name: this.variable() };
        case 'name':
          return this.named(value);
        case 'symbol':
          return this.symbolic(value);
        case 'end':
          return this.unexpected('a filter');
      }
    });
  }

  private symbolic(value: string): Node {
    switch (value) {
      case '.':
        this.position++;
        if (this.token.kind === 'text') return { kind: 'index', target: IDENTITY, key: this.text('text') };
        return IDENTITY;
      case '..':
        this.position++;
        return { kind: 'recurse' };
      case '(': {
        this.position++;
        const node = this.pipe();
        this.expect('symbol', ')');
        return node;
      }
      case '[': {
        this.position++;
        if (this.take('symbol', ']')) return { kind: 'list' };
        const body = this.pipe();
        this.expect('symbol', ']');
        return { kind: 'list', body };
      }
      case '{':
        return this.map();
      case '-':
        return this.unary();
      default:
        return this.unexpected('a filter');
    }
  }

  private named(name: string): Node {
    if (name === 'if') return this.condition();
    if (name === 'reduce' || name === 'foreach') return this.fold();
    if (name === 'try') {
      this.position++;
      const body = this.postfix(this.term());
      return this.take('name', 'catch')
        ? { kind: 'try', body, handler: this.postfix(this.term()) }
        : { kind: 'try', body };
    }
    if (name === 'break') {
      this.position++;
      return { kind: 'break', name: this.variable() };
    }
    if (name === 'import' || name === 'include') throw new JqSyntaxError(`'${name}' is not available`);
    if (KEYWORDS.has(name)) this.unexpected('a filter');
    this.position++;
    if (LITERALS.has(name)) return { kind: 'literal', value: LITERALS.get(name) };
    const args: Node[] = [];
    if (this.take('symbol', '(')) {
      do args.push(this.pipe());
      while (this.take('symbol', ';'));
      this.expect('symbol', ')');
    }
    return { kind: 'call', name, args };
  }

  private condition(): Node {
    this.position++;
    const condition = this.pipe();
    this.expect('name', 'then');
    const then = this.pipe();
    if (this.isName('elif')) return this.nested(() => ({ kind: 'if', condition, then, otherwise: this.condition() }));
    const otherwise = this.take('name', 'else') ? this.pipe() : IDENTITY;
    this.expect('name', 'end');
    return { kind: 'if', condition, then, otherwise };
  }

  private text(format: string): Node {
    const parts = (this.token.parts ?? []).map((part) =>
      typeof part === 'string' ? part : this.nested(() => new Parser(part).program()),
    );
    this.position++;
    const [only] = parts;
    if (parts.length === 1 && typeof only === 'string') return { kind: 'literal', value: only };
    return { kind: 'text', format, parts };
  }

  private map(): Node {
    this.expect('symbol', '{');
    const entries: { key: Node; value: Node }[] = [];
    while (!this.take('symbol', '}')) {
      if (entries.length > 0) this.expect('symbol', ',');
      entries.push(this.entry());
    }
    return { kind: 'map', entries };
  }

  private entry(): { key: Node; value: Node } {
    if (this.token.kind === 'variable') {
      const name = this.variable();
      return { key: { kind: 'literal', value: name }, value: { kind: 'variable', name } };
    }
    const key = this.entryKey();
    if (this.take('symbol', ':')) return { key, value: this.entryValue() };
    // `{a}`, `{"a"}` and `{@base64 "a"}` take the member of that name.
    return { key, value: { kind: 'index', target: IDENTITY, key } };
  }

  private entryKey(): Node {
    const { kind, value } = this.token;
    if (kind === 'text') return this.text('text');
    if (kind === 'format') {
      this.position++;
      return this.token.kind === 'text' ? this.text(value.slice(1)) : this.unexpected('a text');
    }
    if (this.take('symbol', '(')) {
      const key = this.pipe();
      this.expect('symbol', ')');
      return key;
    }
    if (kind !== 'name' && kind !== 'number') this.unexpected('a key');
    this.position++;
    return { kind: 'literal', value };
  }

  /** Values of a map are separated by `,`, so only `|` and what binds stronger than `,` may stand in them. */
  private entryValue(): Node {
    const left = this.nested(() => this.alternative());
    return this.take('symbol', '|') ? { kind: 'pipe', left, right: this.entryValue() } : left;
  }
}
