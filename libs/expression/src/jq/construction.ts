import type { Run } from '../run.js';
import { isList, putEntry } from '../values.js';
import { operate } from './arithmetic.js';
import { described, JqError, typeOf } from './error.js';
import { formatted } from './format.js';
import { plainItem, type Item, type Path } from './item.js';
import { isTrue } from './order.js';
import { deletePaths, getPath, memberOf, setPath } from './paths.js';
import { bound, type Scope } from './scope.js';
import type { BinaryOperator, Node, Pattern } from './syntax.js';

/** What a node is evaluated in: the names it sees, and how many calls deep it stands. */
export interface Frame {
  readonly scope: Scope | undefined;
  readonly calls: number;
}

/** What evaluation is made of: texts and maps of all combinations, patterns, paths and assignments. */
export abstract class Construction {
  constructor(protected readonly run: Run) {}

  protected abstract evaluate(node: Node, frame: Frame, item: Item): Generator<Item, void, undefined>;

  /** Results for the value alone: nobody asks for paths in there. */
  protected *values(node: Node, frame: Frame, value: unknown): Generator<unknown, void, undefined> {
    for (const item of this.evaluate(node, frame, plainItem(value))) yield item.value;
  }

  protected *text(
    format: string,
    parts: readonly (string | Node)[],
    frame: Frame,
    input: unknown,
  ): Generator<string, void, undefined> {
    const last = parts.at(-1);
    if (last === undefined) {
      yield '';
      return;
    }
    for (const end of typeof last === 'string' ? [last] : this.values(last, frame, input)) {
      const ending = typeof last === 'string' ? last : formatted(format, end, this.run);
      for (const start of this.text(format, parts.slice(0, -1), frame, input)) yield this.run.made(start + ending);
    }
  }

  protected *maps(
    entries: readonly { readonly key: Node; readonly value: Node }[],
    frame: Frame,
    input: unknown,
  ): Generator<Record<string, unknown>, void, undefined> {
    const last = entries.at(-1);
    if (last === undefined) {
      yield {};
      return;
    }
    for (const value of this.values(last.value, frame, input)) {
      for (const key of this.values(last.key, frame, input)) {
        if (typeof key !== 'string') throw new JqError(`Object keys must be strings, not ${described(key)}`);
        for (const map of this.maps(entries.slice(0, -1), frame, input)) {
          putEntry(map, key, value);
          yield map;
        }
      }
    }
  }

  protected *bindings(pattern: Pattern, value: unknown, frame: Frame): Generator<Frame, void, undefined> {
    if (pattern.kind === 'name') {
      yield within(frame, { kind: 'variable', name: pattern.name, value });
    } else if (pattern.kind === 'list') {
      if (value !== null && !isList(value)) throw new JqError(`Cannot index ${typeOf(value)} with number`);
      yield* this.bindingsOfItems(pattern.items, value ?? [], 0, frame);
    } else yield* this.bindingsOfEntries(pattern.entries, value, frame);
  }

  protected *bindingsOfItems(
    items: readonly Pattern[],
    values: readonly unknown[],
    at: number,
    frame: Frame,
  ): Generator<Frame, void, undefined> {
    const pattern = items[at];
    if (pattern === undefined) yield frame;
    else {
      for (const inner of this.bindings(pattern, values[at] ?? null, frame)) {
        yield* this.bindingsOfItems(items, values, at + 1, inner);
      }
    }
  }

  protected *bindingsOfEntries(
    entries: Extract<Pattern, { kind: 'map' }>['entries'],
    value: unknown,
    frame: Frame,
  ): Generator<Frame, void, undefined> {
    const [entry, ...rest] = entries;
    if (entry === undefined) {
      yield frame;
      return;
    }
    for (const key of this.values(entry.key, frame, value)) {
      const member = memberOf(value, key, this.run);
      const { bind } = entry;
      const named = bind === undefined ? frame : within(frame, { kind: 'variable', name: bind, value: member });
      for (const inner of entry.value === undefined ? [named] : this.bindings(entry.value, member, named)) {
        yield* this.bindingsOfEntries(rest, value, inner);
      }
    }
  }

  protected *assigned(
    node: Extract<Node, { kind: 'assign' }>,
    frame: Frame,
    input: unknown,
  ): Generator<unknown, void, undefined> {
    const { operator } = node;
    if (operator === '|=') {
      yield this.updated(node.left, node.right, frame, input);
      return;
    }
    for (const value of this.values(node.right, frame, input)) {
      let result = input;
      for (const path of this.paths(node.left, frame, input)) {
        const before = operator === '=' ? null : getPath(result, path, this.run);
        result = setPath(result, path, this.combined(operator, before, value), this.run);
      }
      yield result;
    }
  }

  protected combined(operator: string, before: unknown, value: unknown): unknown {
    if (operator === '=') return value;
    if (operator === '//=') return isTrue(before) ? before : value;
    return operate(operator.slice(0, -1) as BinaryOperator, before, value, this.run);
  }

  protected updated(left: Node, right: Node, frame: Frame, input: unknown): unknown {
    let result = input;
    const removed: Path[] = [];
    for (const path of this.paths(left, frame, input)) {
      const [first] = this.firstOf(right, frame, getPath(result, path, this.run));
      if (first === undefined) removed.push(path);
      else result = setPath(result, path, first.value, this.run);
    }
    return removed.length === 0 ? result : deletePaths(result, removed, this.run);
  }

  protected firstOf(node: Node, frame: Frame, value: unknown): readonly [Item?] {
    for (const item of this.evaluate(node, frame, plainItem(value))) return [item];
    return [];
  }

  protected *paths(node: Node, frame: Frame, value: unknown): Generator<Path, void, undefined> {
    for (const { path, value: at } of this.evaluate(node, frame, { value, path: [] })) {
      if (!path) throw new JqError(`Invalid path expression with result ${described(at)}`);
      yield path;
    }
  }
}

/** The frame with one more name. */
export function within(frame: Frame, binding: Scope['binding']): Frame {
  return { scope: bound(binding, frame.scope), calls: frame.calls };
}
