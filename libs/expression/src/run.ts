import { isStoredOutputs } from '@millrace/model';
import type { Environment, Variables } from './environment.js';
import { isEncryptedValue } from './encryption.js';
import { ExpressionError, START, type ExpressionErrorKind, type Position } from './error.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import type { Block, Expression, Macro } from './syntax.js';
import { isList, isMapValue, keysOf, numberText, putEntry, typeName, valueOf, LazyMap } from './values.js';

/** Characters that cost as much as one step. */
const UNITS_PER_STEP = 64;

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

/** Local names: loop variables, `set`, macro parameters. The innermost scope is looked at first. */
export class Scope {
  private readonly values = new Map<string, unknown>();

  /** `outer` undefined: names of the template's callers are not seen, as inside a macro. */
  constructor(readonly outer: Scope | undefined) {}

  find(name: string): Scope | undefined {
    let scope: Scope | undefined = this;
    while (scope !== undefined && !scope.values.has(name)) scope = scope.outer;
    return scope;
  }

  get(name: string): unknown {
    return this.values.get(name);
  }

  define(name: string, value: unknown): void {
    this.values.set(name, value);
  }
}

/** Part of a Run's state, see `Run.save`. */
export interface Saved {
  readonly depth: number;
  readonly scope: Scope | undefined;
  readonly source: string;
  readonly macros: ReadonlyMap<string, Macro>;
  readonly blocks: ReadonlyMap<string, Block>;
}

/** What calls need of the evaluator; given to a Run so that filters and functions do not import the evaluator. */
export interface Engine {
  evaluate(node: Expression, run: Run): unknown;
  callMacro(macro: Macro, args: readonly unknown[], run: Run): string;
  executeBlock(block: Block, run: Run): string;
  /** Renders a text with the names now visible; `recursive` again until nothing changes. */
  renderText(text: string, run: Run, recursive: boolean): string;
}

/**
 * The state of one rendering: limits used so far, local names, macros, and the place now evaluated, which is where
 * errors are reported. Filters and functions get it as their access to everything but their arguments.
 */
export class Run {
  readonly limits: Limits;
  /** The place now evaluated and the template it is in. */
  at: Position = START;
  source = '';
  /** Undefined until a name is bound: most templates bind none. */
  scope: Scope | undefined;
  macros: ReadonlyMap<string, Macro> = NONE;
  blocks: ReadonlyMap<string, Block> = NONE;
  /** Contents of raw tags, kept out of the text while it is rendered repeatedly; undefined otherwise. */
  rawParts: string[] | undefined;
  private stepsLeft: number;
  private hostCallsLeft: number;
  private depth = 0;

  constructor(
    readonly variables: Variables,
    readonly environment: Environment,
    readonly engine: Engine,
  ) {
    this.limits = environment.limits === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...environment.limits };
    this.stepsLeft = this.limits.steps;
    this.hostCallsLeft = this.limits.hostCalls;
  }

  fail(kind: ExpressionErrorKind, reason: string, cause?: unknown): never {
    throw new ExpressionError(kind, reason, this.at, this.source, cause);
  }

  /** Counts work. @throws ExpressionError kind `limit` when the steps are used up */
  step(count = 1): void {
    this.stepsLeft -= count;
    if (this.stepsLeft < 0) {
      this.fail('limit', `the expression needs more than ${this.limits.steps} steps; do such work in a task`);
    }
  }

  /** Checks and counts text that was made; gives it back. */
  made(text: string): string {
    if (text.length > this.limits.outputBytes) this.tooLong();
    if (text.length >= UNITS_PER_STEP) this.step(Math.floor(text.length / UNITS_PER_STEP));
    return text;
  }

  /** Refuses text before it is made, when its length is known. */
  willMake(length: number): void {
    if (length > this.limits.outputBytes) this.tooLong();
  }

  private tooLong(): never {
    this.fail('limit', `the text becomes longer than ${this.limits.outputBytes} characters; keep large data in a file`);
  }

  /** Enters something `levels` deep; pair with `leave`. Bounds recursion over trees, templates and data. */
  enter(levels: number): void {
    this.depth += levels;
    if (this.depth > this.limits.depth) {
      this.fail('limit', `nested more than ${this.limits.depth} levels deep (expression, render(), macro or data)`);
    }
  }

  leave(levels: number): void {
    this.depth -= levels;
  }

  /** What an error in the middle of an evaluation leaves changed; for `restore` where the error is not the end. */
  save(): Saved {
    return { depth: this.depth, scope: this.scope, source: this.source, macros: this.macros, blocks: this.blocks };
  }

  restore(saved: Saved): void {
    this.depth = saved.depth;
    this.scope = saved.scope;
    this.source = saved.source;
    this.macros = saved.macros;
    this.blocks = saved.blocks;
  }

  /** Counts calls of host functions, each of which is slow. */
  hostCall(): void {
    if (--this.hostCallsLeft < 0) {
      this.fail('limit', `more than ${this.limits.hostCalls} calls of functions that need a worker in one template`);
    }
  }

  /** Gives a value back unless it is an encrypted one that must not be read here. */
  readable<T>(value: T): T {
    if (this.environment.refusesEncrypted === true && isEncryptedValue(value)) {
      this.fail('encrypted', 'the value is encrypted, and is opened only for a task on a worker');
    }
    if (this.environment.refusesEncrypted === true && isStoredOutputs(value)) {
      this.fail('stored', 'the value is large and lies in internal storage, which only a worker reads');
    }
    return value;
  }

  /** A value as the template prints it: text as it is, null as nothing, lists and maps as compact JSON. */
  text(value: unknown): string {
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return numberText(value);
    if (value === null || value === undefined) return '';
    if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
    if (value instanceof Date) return value.toISOString();
    return this.json(value);
  }

  /** A value as compact JSON. */
  json(value: unknown): string {
    const parts: string[] = [];
    this.writeJson(value, { parts, length: 0 });
    return this.made(parts.join(''));
  }

  private writeJson(value: unknown, out: { readonly parts: string[]; length: number }): void {
    this.step();
    if (isList(value)) {
      this.enter(1);
      for (let index = 0; index < value.length; index++) {
        out.parts.push(index === 0 ? '[' : ',');
        this.writeJson(value[index], out);
      }
      out.parts.push(value.length === 0 ? '[]' : ']');
      this.leave(1);
    } else if (isMapValue(value)) {
      this.readable(value);
      this.enter(1);
      let separator = '{';
      for (const key of keysOf(value)) {
        const name = JSON.stringify(key);
        out.length += name.length;
        out.parts.push(separator, name, ':');
        separator = ',';
        this.writeJson(valueOf(value, key), out);
      }
      out.parts.push(separator === '{' ? '{}' : '}');
      this.leave(1);
    } else {
      const text = this.jsonScalar(value);
      out.parts.push(text);
      out.length += text.length;
      this.willMake(out.length);
    }
  }

  private jsonScalar(value: unknown): string {
    if (typeof value === 'string') return JSON.stringify(value);
    if (value === null || value === undefined) return 'null';
    if (typeof value === 'number') return Number.isFinite(value) ? numberText(value) : 'null';
    if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
    if (value instanceof Date) return JSON.stringify(value);
    return this.fail('type', `${typeName(value)} cannot be printed`);
  }

  /** Plain data for a lazy map or anything with lazy maps inside; everything else is given back as it is. */
  materialise(value: unknown): unknown {
    // Hosts store results as JSON, which has no integers beyond 2^53: text keeps all digits.
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    if (typeof value !== 'object' || value === null) return value;
    this.step();
    if (isList(value)) {
      this.enter(1);
      const items = value.map((item) => this.materialise(item));
      this.leave(1);
      return items.some((item, index) => item !== value[index]) ? items : value;
    }
    if (!isMapValue(value)) return value;
    this.readable(value);
    this.enter(1);
    const copy: Record<string, unknown> = {};
    let changed = value instanceof LazyMap;
    for (const key of keysOf(value)) {
      const member = valueOf(value, key);
      const plain = this.materialise(member);
      changed ||= plain !== member;
      putEntry(copy, key, plain);
    }
    this.leave(1);
    return changed ? copy : value;
  }
}
