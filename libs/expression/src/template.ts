import { ExpressionError, START } from './error.js';
import { DEFAULT_LIMITS } from './limits.js';
import { analyse, type Analysis, type Reference } from './references.js';
import type { Tree } from './syntax.js';
import { parseTree } from './tags.js';

/** A parsed template. Immutable; may be kept and rendered any number of times. */
export interface Template {
  readonly source: string;
  /** No tag and no comment: rendering gives `source`. */
  readonly isLiteral: boolean;
  /** Exactly one `{{ }}` and nothing else, so that typed rendering keeps the type of its value. */
  readonly single: boolean;
  /** The variables that rendering may read, see `Reference`. */
  readonly references: readonly Reference[];
  /** The names of the functions that are called, macros of the template left out, sorted. */
  readonly functions: readonly string[];
  /**
   * Rendering surely needs no host: no host function is called, and no text that is known only when rendering (as in
   * `render(vars.x)`) is rendered, which might call one.
   */
  readonly isPure: boolean;
}

class ParsedTemplate implements Template {
  readonly source: string;
  readonly isLiteral: boolean;
  readonly single: boolean;
  private analysed: Analysis | undefined;

  constructor(readonly tree: Tree) {
    const [first] = tree.body;
    const alone = tree.body.length === 1;
    this.source = tree.source;
    this.isLiteral = tree.source === '' || (alone && first?.kind === 'text' && first.text === tree.source);
    this.single = alone && first?.kind === 'print';
  }

  get references(): readonly Reference[] {
    return this.analysis().references;
  }

  get functions(): readonly string[] {
    return this.analysis().functions;
  }

  get isPure(): boolean {
    return this.analysis().isPure;
  }

  // Only hosts that choose which variables to send ask for it, and only once for each template.
  private analysis(): Analysis {
    return (this.analysed ??= analyse(this.tree));
  }
}

let cacheSize = 1000;
/** Longer sources are parsed each time: a thousand of them would hold too much memory. */
const CACHED_SOURCE_MAX = 64 * 1024; // 64 Ki units
/** Least recently used first: a Map keeps the order of insertion. */
const cache = new Map<string, ParsedTemplate>();

/**
 * Sets how many parsed templates this process keeps; 0: none. Called once, when a process starts: it changes how long
 * rendering takes, and nothing else.
 */
export function keepTemplates(count: number): void {
  cacheSize = count;
  cache.clear();
}

/**
 * Parses a template, or gives the one parsed before from the same source.
 *
 * @throws ExpressionError kind `syntax` for a mistake in it, `limit` when it is too long or nested too deeply
 */
export function parseTemplate(source: string): Template {
  return parsed(source);
}

/** The tree of a source text, through the same cache. */
export function treeOf(template: Template | string): Tree {
  if (template instanceof ParsedTemplate) return template.tree;
  return parsed(typeof template === 'string' ? template : template.source).tree;
}

function parsed(source: string): ParsedTemplate {
  const known = cache.get(source);
  if (known !== undefined) {
    if (cache.size >= cacheSize) {
      cache.delete(source);
      cache.set(source, known);
    }
    return known;
  }
  if (source.length > DEFAULT_LIMITS.templateBytes) {
    const reason = `a template of ${source.length} characters is more than the ${DEFAULT_LIMITS.templateBytes} allowed`;
    throw new ExpressionError('limit', reason, START, source);
  }
  const template = new ParsedTemplate(parseTree(source));
  if (source.length <= CACHED_SOURCE_MAX) remember(source, template);
  return template;
}

function remember(source: string, template: ParsedTemplate): void {
  if (cacheSize === 0) return;
  if (cache.size >= cacheSize) {
    const oldest = cache.keys().next();
    if (oldest.done !== true) cache.delete(oldest.value);
  }
  cache.set(source, template);
}
