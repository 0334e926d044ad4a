import type { Position } from './error.js';
import { tokenize } from './lexer.js';
import { suggestion } from './nearest.js';
import { ExpressionParser, valuesOf } from './parser.js';
import type { Arguments, Block, Body, Expression, Macro, Statement, Tree } from './syntax.js';

const TAGS = ['if', 'for', 'set', 'block', 'filter', 'macro', 'raw', 'verbatim'];
const CLOSING = ['elseif', 'else', 'endif', 'endfor', 'endblock', 'endfilter', 'endmacro', 'endraw', 'endverbatim'];
const REMOVED = new Set(['autoescape', 'cache', 'embed', 'extends', 'flush', 'from', 'import', 'include', 'parallel']);

/**
 * Parses a template to its tree.
 *
 * @throws ExpressionError kind `syntax` with the place of the mistake, or `limit` when it is nested too deeply
 */
export function parseTree(source: string): Tree {
  return new TagParser(source, tokenize(source)).template();
}

class TagParser extends ExpressionParser {
  private readonly macros = new Map<string, Macro>();
  private readonly blocks = new Map<string, Block>();

  template(): Tree {
    const body = this.body([], '');
    return { source: this.source, body, height: this.heightOf(body), macros: this.macros, blocks: this.blocks };
  }

  /** Statements up to one of the `ends` tags, whose name is left as the current token; without `ends`, to the end. */
  private body(ends: readonly string[], opened: string, openedAt?: Position): Body {
    const statements: Statement[] = [];
    for (;;) {
      const { kind, value, at } = this.token;
      if (kind === 'end') {
        if (ends.length === 0) return statements;
        this.fail(`this {% ${opened} %} does not end; close it with {% ${ends.at(-1) ?? ''} %}`, openedAt);
      }
      this.advance();
      if (kind === 'text' || kind === 'raw') {
        statements.push({ kind: 'text', text: value, raw: kind === 'raw', at, height: 1 });
      } else if (value === '{{') statements.push(this.print());
      else {
        if (this.token.kind === 'name' && ends.includes(this.token.value)) return statements;
        statements.push(this.nested(() => this.tag()));
      }
    }
  }

  private print(): Statement {
    const at = this.token.at;
    if (this.token.kind === 'close') this.fail("'{{ }}' is empty: an expression is expected between the braces");
    const expression = this.expression();
    this.close('the expression');
    return { kind: 'print', expression, at, height: this.heightOf([expression]) };
  }

  private tag(): Statement {
    const at = this.token.at;
    const name = this.expectName(`the name of a tag (${TAGS.join(', ')})`);
    switch (name) {
      case 'if':
        return this.ifTag(at);
      case 'for':
        return this.forTag(at);
      case 'set':
        return this.setTag(at);
      case 'block':
        return this.blockTag(at);
      case 'filter':
        return this.filterTag(at);
      case 'macro':
        return this.macroTag(at);
      default:
        return this.unknownTag(name, at);
    }
  }

  private unknownTag(name: string, at: Position): never {
    if (REMOVED.has(name)) return this.fail(`the tag '${name}' is not available; there are ${TAGS.join(', ')}`, at);
    if (CLOSING.includes(name)) return this.fail(`{% ${name} %} closes nothing that is open here`, at);
    return this.fail(`unknown tag '${name}'${suggestion(name, TAGS) || `; there are ${TAGS.join(', ')}`}`, at);
  }

  private ifTag(at: Position): Statement {
    const branches: { condition: Expression; body: Body }[] = [];
    let otherwise: Body = [];
    for (let word = 'elseif'; word !== 'endif';) {
      if (word === 'elseif') {
        const condition = this.expression();
        this.close('the condition');
        branches.push({ condition, body: this.body(['elseif', 'else', 'endif'], 'if', at) });
      } else {
        this.close("'else'");
        otherwise = this.body(['endif'], 'if', at);
      }
      word = this.token.value;
      this.advance();
    }
    this.close("'endif'");
    const children = branches.flatMap((branch) => [branch.condition, ...branch.body]);
    return { kind: 'if', branches, otherwise, at, height: this.heightOf([...children, ...otherwise]) };
  }

  private forTag(at: Position): Statement {
    const variable = this.expectName('the name of the loop variable');
    if (this.isSymbol(',')) {
      this.fail(`a loop has one variable; over a map write 'for entry in map' and read entry.key and entry.value`);
    }
    if (!this.isName('in')) this.unexpected(`'in' is expected, as in 'for x in list'`);
    this.advance();
    const iterable = this.expression();
    this.close('the list');
    const body = this.body(['else', 'endfor'], 'for', at);
    let otherwise: Body = [];
    if (this.isName('else')) {
      this.advance();
      this.close("'else'");
      otherwise = this.body(['endfor'], 'for', at);
    }
    this.advance();
    this.close("'endfor'");
    const height = this.heightOf([iterable, ...body, ...otherwise]);
    return { kind: 'for', variable, iterable, body, otherwise, at, height };
  }

  private setTag(at: Position): Statement {
    const name = this.expectName('the name of the variable to set');
    this.expectSymbol('=', "'=' is expected, as in 'set name = value'");
    const value = this.expression();
    this.close('the value');
    return { kind: 'set', name, value, at, height: this.heightOf([value]) };
  }

  private blockTag(at: Position): Statement {
    const name = this.token.kind === 'string' ? this.token.value : undefined;
    if (name === undefined) return this.namedBlock(this.expectName('the name of the block'), at);
    this.advance();
    return this.namedBlock(name, at);
  }

  private namedBlock(name: string, at: Position): Statement {
    this.close('the name of the block');
    const body = this.bodyUntil('endblock', 'block', at);
    const block: Block = { kind: 'block', name, body, at, height: this.heightOf(body) };
    if (this.blocks.has(name)) this.fail(`the block '${name}' is defined twice`, at);
    this.blocks.set(name, block);
    return block;
  }

  private filterTag(at: Position): Statement {
    const filters: { name: string; args: Arguments; at: Position }[] = [this.filterCall()];
    while (this.takeSymbol('|')) filters.push(this.filterCall());
    this.close('the filters');
    const body = this.bodyUntil('endfilter', 'filter', at);
    const args = filters.flatMap((filter) => valuesOf(filter.args));
    return { kind: 'filterTag', filters, body, at, height: this.heightOf([...args, ...body]) };
  }

  private macroTag(at: Position): Statement {
    const name = this.expectName('the name of the macro');
    const parameters = this.macroParameters();
    this.close('the parameters');
    const body = this.bodyUntil('endmacro', 'macro', at);
    const fallbacks = parameters.flatMap(({ fallback }) => (fallback === undefined ? [] : [fallback]));
    const height = this.heightOf([...body, ...fallbacks]);
    const macro: Macro = { kind: 'macro', name, parameters, body, source: this.source, at, height };
    if (this.macros.has(name)) this.fail(`the macro '${name}' is defined twice`, at);
    this.macros.set(name, macro);
    return macro;
  }

  private macroParameters(): Macro['parameters'] {
    const parameters: { name: string; fallback: Expression | undefined }[] = [];
    this.expectSymbol('(', "a macro needs its parameters in '()'");
    while (!this.takeSymbol(')')) {
      if (parameters.length > 0) this.expectSymbol(',', "parameters are separated by ',' and end with ')'");
      const name = this.expectName('the name of a parameter');
      parameters.push({ name, fallback: this.takeSymbol('=') ? this.expression() : undefined });
    }
    return parameters;
  }

  /** A body and its closing tag, after which the name of what is closed may be repeated. */
  private bodyUntil(end: string, opened: string, at: Position): Body {
    const body = this.body([end], opened, at);
    this.advance();
    if (this.token.kind === 'name' || this.token.kind === 'string') this.advance();
    this.close(`'${end}'`);
    return body;
  }

  private close(what: string): void {
    if (this.token.kind !== 'close') this.unexpected(`the tag should end after ${what}`);
    this.advance();
  }
}
