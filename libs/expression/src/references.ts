import { ERROR_LOGS_VARIABLE } from './builtins/context.js';
import { HOST_FUNCTIONS } from './builtins/registry.js';
import { ExpressionError } from './error.js';
import { valuesOf } from './parser.js';
import type { Body, Expression, FunctionCall, Macro, Statement, Tree } from './syntax.js';
import { parseTree } from './tags.js';

/** Any key: the subscript is computed, so the path ends with everything below. */
export const ANY = Object.freeze({ any: true } as const);
/** The keys of the current loop values, outermost first: from `currentEachOutput(outputs.x)`. */
export const CURRENT_EACH = Object.freeze({ currentEach: true } as const);

/** One step of a path: a key, an index, a key read from another variable, or one of the markers. */
export type Segment = string | number | { readonly reference: readonly Segment[] } | typeof ANY | typeof CURRENT_EACH;

/** A variable that is read, by its longest known path. An empty path means: any variable may be read. */
export interface Reference {
  readonly path: readonly Segment[];
}

/** What templates need in order to be rendered. */
export interface Analysis {
  readonly references: readonly Reference[];
  readonly functions: readonly string[];
  readonly isPure: boolean;
}

const EVERYTHING: Reference = { path: [] };
const RENDER = new Set(['render', 'renderOnce']);
const CONTEXT = new Set(['fetchContext', 'printContext']);
/** What the values of the current loop are read from. */
const CURRENT_VALUES: readonly (readonly Segment[])[] = [['taskrun', 'value'], ['parents']];

/** Reads off which variables and functions a template uses. Never too little; too much only where it cannot know. */
export function analyse(tree: Tree): Analysis {
  const analyser = new Analyser(tree.macros);
  analyser.template(tree, new Set());
  return analyser.result();
}

/** One analysis for several. */
export function joinAnalyses(analyses: readonly Analysis[]): Analysis {
  return {
    references: distinct(analyses.flatMap((analysis) => analysis.references)),
    functions: [...new Set(analyses.flatMap((analysis) => analysis.functions))].sort(),
    isPure: analyses.every((analysis) => analysis.isPure),
  };
}

/** Names that are not top-level variables at some place of a template. */
type Bound = Set<string>;

class Analyser {
  private readonly references: Reference[] = [];
  private readonly functions = new Set<string>();
  private isPure = true;

  constructor(private macros: ReadonlyMap<string, Macro>) {}

  result(): Analysis {
    return { references: distinct(this.references), functions: [...this.functions].sort(), isPure: this.isPure };
  }

  template(tree: Tree, bound: Bound): void {
    this.body(tree.body, bound);
  }

  /** In the order of execution, so that a name counts as bound only after its `set`. */
  private body(body: Body, bound: Bound): void {
    for (const statement of body) this.statement(statement, bound);
  }

  private statement(node: Statement, bound: Bound): void {
    switch (node.kind) {
      case 'text':
        return;
      case 'print':
        return this.expression(node.expression, bound);
      case 'set':
        this.expression(node.value, bound);
        bound.add(node.name);
        return;
      case 'if':
        // What one branch binds may be unbound after the tag: each works on its own copy.
        for (const branch of node.branches) {
          this.expression(branch.condition, bound);
          this.body(branch.body, new Set(bound));
        }
        return this.body(node.otherwise, new Set(bound));
      case 'for':
        this.expression(node.iterable, bound);
        this.body(node.body, new Set([...bound, node.variable, 'loop']));
        return this.body(node.otherwise, new Set(bound));
      case 'block':
        // `block()` may show it again where fewer names are bound.
        return this.body(node.body, new Set());
      case 'filterTag':
        for (const filter of node.filters) this.all(valuesOf(filter.args), bound);
        return this.body(node.body, new Set(bound));
      case 'macro':
        return this.macro(node);
    }
  }

  private macro(node: Macro): void {
    const bound = new Set<string>();
    for (const { name, fallback } of node.parameters) {
      if (fallback !== undefined) this.expression(fallback, bound);
      bound.add(name);
    }
    this.body(node.body, bound);
  }

  private expression(node: Expression, bound: Bound): void {
    const path = this.path(node, bound);
    if (path !== undefined) {
      this.references.push({ path });
      return;
    }
    switch (node.kind) {
      case 'literal':
      case 'name':
        return;
      case 'attribute':
        return this.expression(node.target, bound);
      case 'subscript':
        return this.all([node.target, node.key], bound);
      case 'unary':
        return this.expression(node.operand, bound);
      case 'binary':
        return this.all([node.left, node.right], bound);
      case 'conditional':
        return this.all([node.condition, node.then, node.otherwise], bound);
      case 'list':
        return this.all(node.items, bound);
      case 'map':
        return this.all(
          node.entries.flatMap((entry) => [entry.key, entry.value]),
          bound,
        );
      case 'filter':
      case 'test':
        return this.all([node.input, ...valuesOf(node.args)], bound);
      case 'call':
        return this.call(node, bound);
    }
  }

  private all(nodes: readonly Expression[], bound: Bound): void {
    for (const node of nodes) this.expression(node, bound);
  }

  private call(node: FunctionCall, bound: Bound): void {
    const args = valuesOf(node.args);
    this.all(args, bound);
    if (this.macros.has(node.name)) return;
    this.functions.add(node.name);
    if (Object.hasOwn(HOST_FUNCTIONS, node.name)) this.isPure = false;
    if (CONTEXT.has(node.name)) this.references.push(EVERYTHING);
    if (RENDER.has(node.name)) this.rendered(node, bound);
    if (node.name === 'errorLogs') this.references.push({ path: [ERROR_LOGS_VARIABLE] });
    if (node.name === 'tasksWithState') this.references.push({ path: ['tasks'] });
    if (node.name === 'currentEachOutput') this.currentValues();
  }

  private currentValues(): void {
    for (const path of CURRENT_VALUES) this.references.push({ path });
  }

  /**
   * `render()` of a literal renders that; of anything else, or again what came out, a text that is known only later,
   * which may use every variable and call a function of the host.
   */
  private rendered(node: FunctionCall, bound: Bound): void {
    const args = valuesOf(node.args);
    const [text] = args;
    if (text?.kind !== 'literal' || typeof text.value !== 'string') return this.unknown();
    const before = this.references.length;
    const calledBefore = this.functions.size;
    this.literal(text.value, bound);
    const again = node.name === 'render' && !(args[1]?.kind === 'literal' && args[1].value === false);
    if (again && (this.references.length > before || this.functions.size > calledBefore)) this.unknown();
  }

  private literal(text: string, bound: Bound): void {
    try {
      const tree = parseTree(text);
      const outer = this.macros;
      this.macros = new Map([...outer, ...tree.macros]);
      this.template(tree, new Set(bound));
      this.macros = outer;
    } catch (error) {
      // Rendering reports the mistake; until then nothing is read.
      if (!(error instanceof ExpressionError)) throw error;
    }
  }

  private unknown(): void {
    this.references.push(EVERYTHING);
    this.isPure = false;
  }

  /** The path of a variable access; its subscripts are noted as references of their own. */
  private path(node: Expression, bound: Bound): readonly Segment[] | undefined {
    switch (node.kind) {
      case 'name':
        return bound.has(node.name) ? undefined : [node.name];
      case 'attribute': {
        const target = this.path(node.target, bound);
        return target === undefined || target.at(-1) === ANY ? target : [...target, node.name];
      }
      case 'subscript': {
        const target = this.path(node.target, bound);
        if (target === undefined) return undefined;
        const key = this.key(node.key, bound);
        return target.at(-1) === ANY ? target : [...target, key];
      }
      case 'call':
        return this.currentEachPath(node, bound);
      default:
        return undefined;
    }
  }

  private key(node: Expression, bound: Bound): Segment {
    if (node.kind === 'literal') {
      return typeof node.value === 'number' && Number.isInteger(node.value) ? node.value : String(node.value ?? '');
    }
    const reference = this.path(node, bound);
    this.expression(node, bound);
    return reference === undefined || reference.includes(ANY) ? ANY : { reference };
  }

  private currentEachPath(node: FunctionCall, bound: Bound): readonly Segment[] | undefined {
    const [argument] = valuesOf(node.args);
    if (node.name !== 'currentEachOutput' || argument === undefined || this.macros.has(node.name)) return undefined;
    const path = this.path(argument, bound);
    if (path === undefined) return undefined;
    this.functions.add(node.name);
    this.currentValues();
    return path.at(-1) === ANY ? path : [...path, CURRENT_EACH];
  }
}

function distinct(references: readonly Reference[]): readonly Reference[] {
  return [...new Map(references.map((reference) => [JSON.stringify(reference.path), reference])).values()];
}
