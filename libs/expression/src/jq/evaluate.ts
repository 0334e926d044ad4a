import { isList, isMapValue, keysOf, valueOf } from '../values.js';
import { operate } from './arithmetic.js';
import { Construction, within, type Frame } from './construction.js';
import { Break, described, JqError, JqSyntaxError, typeOf } from './error.js';
import { formatted } from './format.js';
import { found, made, plainItem, type Item } from './item.js';
import { NATIVES } from './natives.js';
import { isTrue } from './order.js';
import { memberOf } from './paths.js';
import { writtenInJq } from './prelude.js';
import { functionIn, labelIn, variableIn, type Scope } from './scope.js';
import type { Definition, Node, Pattern } from './syntax.js';

/** Kinds that `evaluate` does itself; the others are those of `evaluateOther`. */
type Simple =
  | ('identity' | 'recurse' | 'literal' | 'variable' | 'format' | 'index' | 'slice')
  | ('iterate' | 'negate' | 'pipe' | 'comma' | 'if' | 'call' | 'define');

/** Calls of functions inside each other. */
const CALLS_MAX = 200;

/** Evaluates programs, counting its work in a Run. */
export class Machine extends Construction {
  /** All results for one input. @throws JqError, ExpressionError kind `limit` */
  *results(program: Node, input: unknown): Iterable<unknown> {
    for (const { value } of this.evaluate(program, { scope: undefined, calls: 0 }, plainItem(input))) yield value;
  }

  protected *evaluate(node: Node, frame: Frame, item: Item): Generator<Item, void, undefined> {
    this.run.step();
    switch (node.kind) {
      case 'identity':
        yield item;
        return;
      case 'recurse':
        return yield* this.call('recurse', [], frame, item);
      case 'literal':
        yield made(node.value, item);
        return;
      case 'variable':
        yield made(this.variable(node.name, frame), item);
        return;
      case 'format':
        yield made(formatted(node.name, item.value, this.run), item);
        return;
      case 'index':
        for (const key of this.values(node.key, frame, item.value)) {
          for (const target of this.evaluate(node.target, frame, item)) yield this.member(target, key);
        }
        return;
      case 'slice':
        return yield* this.slice(node, frame, item);
      case 'iterate':
        for (const target of this.evaluate(node.target, frame, item)) yield* this.members(target);
        return;
      case 'negate':
        for (const { value } of this.evaluate(node.target, frame, item)) {
          if (typeof value !== 'number') throw new JqError(`${described(value)} cannot be negated`);
          yield made(-value, item);
        }
        return;
      case 'pipe':
        for (const left of this.evaluate(node.left, frame, item)) yield* this.evaluate(node.right, frame, left);
        return;
      case 'comma':
        yield* this.evaluate(node.left, frame, item);
        return yield* this.evaluate(node.right, frame, item);
      case 'if':
        for (const condition of this.values(node.condition, frame, item.value)) {
          yield* this.evaluate(isTrue(condition) ? node.then : node.otherwise, frame, item);
        }
        return;
      case 'call':
        return yield* this.call(node.name, node.args, frame, item);
      case 'define':
        return yield* this.evaluate(node.body, within(frame, { kind: 'function', definition: node.definition }), item);
      default:
        return yield* this.evaluateOther(node, frame, item);
    }
  }

  private *evaluateOther(
    node: Exclude<Node, { kind: Simple }>,
    frame: Frame,
    item: Item,
  ): Generator<Item, void, undefined> {
    switch (node.kind) {
      case 'text':
        for (const text of this.text(node.format, node.parts, frame, item.value)) yield made(text, item);
        return;
      case 'list': {
        const list = node.body === undefined ? [] : [...this.values(node.body, frame, item.value)];
        yield made(list, item);
        return;
      }
      case 'map':
        for (const map of this.maps(node.entries, frame, item.value)) yield made(map, item);
        return;
      case 'and':
      case 'or':
        for (const left of this.values(node.left, frame, item.value)) {
          if (isTrue(left) === (node.kind === 'or')) yield made(isTrue(left), item);
          else for (const right of this.values(node.right, frame, item.value)) yield made(isTrue(right), item);
        }
        return;
      case 'alternative':
        return yield* this.alternative(node.left, node.right, frame, item);
      case 'binary':
        for (const right of this.values(node.right, frame, item.value)) {
          for (const left of this.values(node.left, frame, item.value)) {
            yield made(operate(node.operator, left, right, this.run), item);
          }
        }
        return;
      case 'assign':
        for (const value of this.assigned(node, frame, item.value)) yield made(value, item);
        return;
      case 'try':
        return yield* this.attempt(node.body, node.handler, frame, item);
      case 'reduce':
      case 'foreach':
        return yield* this.fold(node, frame, item);
      case 'as':
        return yield* this.bind(node.source, node.patterns, node.body, frame, item);
      case 'label':
        return yield* this.label(node.name, node.body, frame, item);
      case 'break':
        throw new Break(labelIn(frame.scope, node.name) ?? unknown(`$*label-${node.name}`));
    }
  }

  private variable(name: string, { scope }: Frame): unknown {
    const binding = variableIn(scope, name);
    if (binding !== undefined) return binding.value;
    // The process's environment is not for expressions.
    if (name === 'ENV') return {};
    if (name === '__loc__') return { file: '<top-level>', line: 1 };
    return unknown(`$${name}`);
  }

  private member(target: Item, key: unknown): Item {
    const value = memberOf(target.value, key, this.run);
    if (typeof key === 'string' || typeof key === 'number') return found(value, target, key);
    if (isMapValue(key)) {
      const bound = (name: string): number | null => {
        const at = valueOf(key, name);
        return typeof at === 'number' ? at : null;
      };
      return found(value, target, { start: bound('start'), end: bound('end') });
    }
    return made(value, target);
  }

  private *slice(node: Extract<Node, { kind: 'slice' }>, frame: Frame, item: Item): Generator<Item, void, undefined> {
    const bounds = (bound: Node | undefined): readonly (number | null)[] =>
      bound === undefined ? [null] : [...this.values(bound, frame, item.value)].map(asBound);
    for (const end of bounds(node.to)) {
      for (const start of bounds(node.from)) {
        for (const target of this.evaluate(node.target, frame, item)) {
          const { value } = target;
          if (value !== null && !isList(value) && typeof value !== 'string') {
            throw new JqError(`Cannot index ${typeOf(value)} with object`);
          }
          yield found(memberOf(value, { start, end }, this.run), target, { start, end });
        }
      }
    }
  }

  private *members(target: Item): Generator<Item, void, undefined> {
    const { value } = target;
    if (isList(value)) {
      for (let index = 0; index < value.length; index++) {
        this.run.step();
        yield found(value[index], target, index);
      }
    } else if (isMapValue(value)) {
      for (const key of keysOf(value)) {
        this.run.step();
        yield found(valueOf(value, key), target, key);
      }
    } else throw new JqError(`Cannot iterate over ${value === null ? 'null' : described(value)}`);
  }

  private *alternative(left: Node, right: Node, frame: Frame, item: Item): Generator<Item, void, undefined> {
    let isFound = false;
    try {
      for (const one of this.evaluate(left, frame, item)) {
        if (!isTrue(one.value)) continue;
        isFound = true;
        yield one;
      }
    } catch (error) {
      if (!(error instanceof JqError)) throw error;
    }
    if (!isFound) yield* this.evaluate(right, frame, item);
  }

  private *attempt(body: Node, handler: Node | undefined, frame: Frame, item: Item): Generator<Item, void, undefined> {
    try {
      yield* this.evaluate(body, frame, item);
    } catch (error) {
      if (!(error instanceof JqError)) throw error;
      if (handler) yield* this.evaluate(handler, frame, made(error.value, item));
    }
  }

  private *label(name: string, body: Node, frame: Frame, item: Item): Generator<Item, void, undefined> {
    const label = {};
    try {
      yield* this.evaluate(body, within(frame, { kind: 'label', name, label }), item);
    } catch (error) {
      if (!(error instanceof Break) || error.label !== label) throw error;
    }
  }

  private *fold(
    node: Extract<Node, { kind: 'reduce' | 'foreach' }>,
    frame: Frame,
    item: Item,
  ): Generator<Item, void, undefined> {
    for (const start of this.evaluate(node.start, frame, item)) {
      let state: Item = start;
      for (const value of this.values(node.source, frame, item.value)) {
        for (const inner of this.bindings(node.pattern, value, frame)) {
          let next: Item | undefined;
          for (const updated of this.evaluate(node.update, inner, state)) {
            next = updated;
            if (node.kind === 'reduce') continue;
            if (node.extract === undefined) yield updated;
            else yield* this.evaluate(node.extract, inner, updated);
          }
          if (next !== undefined) state = next;
          else if (node.kind === 'reduce') state = made(null, item);
        }
      }
      if (node.kind === 'reduce') yield state;
    }
  }

  private *bind(
    source: Node,
    patterns: readonly Pattern[],
    body: Node,
    frame: Frame,
    item: Item,
  ): Generator<Item, void, undefined> {
    const [only] = patterns;
    for (const value of this.values(source, frame, item.value)) {
      if (patterns.length === 1 && only !== undefined) {
        for (const inner of this.bindings(only, value, frame)) yield* this.evaluate(body, inner, item);
      } else yield* this.bindFirst(value, patterns, body, frame, item);
    }
  }

  /** Several patterns: the first under which the body does not fail; names of the others are null. */
  private *bindFirst(
    value: unknown,
    patterns: readonly Pattern[],
    body: Node,
    frame: Frame,
    item: Item,
  ): Generator<Item, void, undefined> {
    const names = patterns.flatMap(namesIn);
    const outer = names.reduce((at, name) => within(at, { kind: 'variable', name, value: null }), frame);
    for (const [index, pattern] of patterns.entries()) {
      try {
        for (const inner of this.bindings(pattern, value, outer)) yield* this.evaluate(body, inner, item);
        return;
      } catch (error) {
        if (!(error instanceof JqError) || index === patterns.length - 1) throw error;
      }
    }
  }

  private *call(name: string, args: readonly Node[], frame: Frame, item: Item): Generator<Item, void, undefined> {
    if (frame.calls >= CALLS_MAX) {
      this.run.fail('limit', `the jq program calls functions more than ${CALLS_MAX} levels deep`);
    }
    const calls = frame.calls + 1;
    const known = functionIn(frame.scope, name, args.length);
    if (known?.binding.kind === 'argument') {
      const { body, scope } = known.binding.closure;
      return yield* this.evaluate(body, { scope, calls }, item);
    }
    if (known?.binding.kind === 'function') {
      return yield* this.enter(known.binding.definition, known.scope, args, { ...frame, calls }, item);
    }
    const signature = `${name}/${args.length}`;
    const native = Object.hasOwn(NATIVES, signature) ? NATIVES[signature] : undefined;
    if (native) return yield* native(this.nativeCall(args, { ...frame, calls }, item));
    const written = writtenInJq(signature);
    if (written === undefined) return unknown(signature);
    yield* this.enter(written, undefined, args, { ...frame, calls }, item);
  }

  private nativeCall(args: readonly Node[], frame: Frame, item: Item) {
    const at = (index: number): Node => args[index] ?? { kind: 'identity' };
    return {
      item,
      run: this.run,
      arg: (index: number, given: Item) => this.evaluate(at(index), frame, given),
      values: (index: number, value: unknown) => this.values(at(index), frame, value),
    };
  }

  /** Runs the body of a function; a parameter with `$` is bound to each value of its argument. */
  private *enter(
    definition: Definition,
    outer: Scope | undefined,
    args: readonly Node[],
    caller: Frame,
    item: Item,
  ): Generator<Item, void, undefined> {
    const { calls } = caller;
    let frames: Frame[] = [{ scope: outer, calls }];
    for (const [index, parameter] of definition.parameters.entries()) {
      const body = args[index] ?? { kind: 'identity' };
      if (!parameter.startsWith('$')) {
        const closure = { body, scope: caller.scope };
        frames = frames.map((frame) => within(frame, { kind: 'argument', name: parameter, closure }));
        continue;
      }
      const name = parameter.slice(1);
      const values = [...this.values(body, caller, item.value)];
      frames = frames.flatMap((frame) =>
        values.map((value) => {
          const literal: Node = { kind: 'literal', value };
          const named = within(frame, { kind: 'argument', name, closure: { body: literal, scope: undefined } });
          return within(named, { kind: 'variable', name, value });
        }),
      );
    }
    for (const frame of frames) yield* this.evaluate(definition.body, frame, item);
  }
}

function namesIn(pattern: Pattern): readonly string[] {
  if (pattern.kind === 'name') return [pattern.name];
  if (pattern.kind === 'list') return pattern.items.flatMap(namesIn);
  return pattern.entries.flatMap(({ bind, value }) => [
    ...(bind === undefined ? [] : [bind]),
    ...(value === undefined ? [] : namesIn(value)),
  ]);
}

function asBound(value: unknown): number | null {
  if (value === null || typeof value === 'number') return value;
  throw new JqError('Start and end indices of an array slice must be numbers');
}

/** Unknown names are mistakes of the program: no `try` catches them. */
function unknown(name: string): never {
  throw new JqSyntaxError(`${name} is not defined`);
}
