import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type LineCounter,
  type Node,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Path } from '../fault.js';
import type { FlowLimits } from '../limits.js';
import { quoted } from '../words.js';

/** A mistake in the data of a document. What stands at or below `path` is not worth checking further. */
export interface DataFault {
  readonly path: Path;
  readonly offset: number;
  readonly message: string;
}

export interface PlainData {
  readonly value: unknown;
  readonly faults: readonly DataFault[];
  /** The node that each alias stands for. */
  readonly targets: ReadonlyMap<Node, Node>;
}

/**
 * The data of a document: maps, lists, text, numbers, booleans and null, where every alias is a copy of its anchor's
 * value, merge keys are merged and all names are text as written. Stops at the limits with a fault.
 */
export function toPlainData(root: ParsedNode | null, lines: LineCounter, limits: FlowLimits): PlainData {
  const reader = new DataReader(lines, limits);
  const value = reader.read(root, []);
  return { value, faults: reader.faults, targets: reader.targets };
}

type PlainMap = Record<string, unknown>;

/** Unwinds a reading that has passed a limit. */
class LimitPassed extends Error {}

class DataReader {
  readonly faults: DataFault[] = [];
  readonly targets = new Map<Node, Node>();
  private readonly anchors = new Map<string, Node>();
  /** Anchors whose value is being read: an alias to one of them would never end. */
  private readonly open = new Set<Node>();
  private readonly seen = new Set<Node>();
  private values = 0;
  private depth = 0;

  constructor(
    private readonly lines: LineCounter,
    private readonly limits: FlowLimits,
  ) {}

  read(root: Node | null, path: Path): unknown {
    try {
      return this.value(root, path);
    } catch (error) {
      if (error instanceof LimitPassed) return null;
      throw error;
    }
  }

  private value(node: Node | null, path: Path): unknown {
    if (++this.values > this.limits.values) {
      this.pass(
        node,
        `The flow has more than ${this.limits.values} values once its anchors are expanded: use fewer aliases or a smaller flow.`,
      );
    }
    if (node === null) return null;
    if (isAlias(node)) return this.alias(node, path);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
    this.remember(node);
    if (isScalar(node)) return this.scalar(node, path);
    return this.nested(node, () => (isMap(node) ? this.map(node, path) : this.list(node.items, path)));
  }

  /** An anchor counts from where it stands in the text, not again when an alias copies its value. */
  private remember(node: Scalar | YAMLMap | YAMLSeq): void {
    if (node.anchor === undefined || this.seen.has(node)) return;
    this.seen.add(node);
    this.anchors.set(node.anchor, node);
  }

  private nested(node: Node, read: () => unknown): unknown {
    if (++this.depth > this.limits.depth) {
      this.pass(node, `The flow is nested more than ${this.limits.depth} levels deep: use fewer levels.`);
    }
    this.open.add(node);
    const value = read();
    this.open.delete(node);
    this.depth--;
    return value;
  }

  private list(items: readonly unknown[], path: Path): unknown[] {
    return items.map((item, index) => this.value(asNode(item), [...path, index]));
  }

  private alias(node: Alias, path: Path): unknown {
    // A copy of an outer alias meets the same alias node again: its target is the one found in the order of the text.
    const target = this.targets.get(node) ?? this.anchors.get(node.source);
    if (target === undefined) {
      return this.fault(
        node,
        path,
        `The alias '*${node.source}' has no anchor before it: write '&${node.source}' where its value is defined, or put the text in quotes.`,
      );
    }
    this.targets.set(node, target);
    if (this.open.has(target))
      return this.fault(
        node,
        path,
        `The alias '*${node.source}' stands inside its own anchor: a value cannot contain itself.`,
      );
    return this.value(target, path);
  }

  private scalar(node: Scalar, path: Path): unknown {
    const { value } = node;
    if (typeof value !== 'number') return typeof value === 'string' || typeof value === 'boolean' ? value : null;
    const written = node.source ?? String(value);
    if (!Number.isFinite(value))
      return this.fault(
        node,
        path,
        `${quoted(written)} is not a number that can be stored: write a finite number, or put it in quotes.`,
      );
    const inexact =
      Number.isInteger(value) && !Number.isSafeInteger(value) && !/[.eE]/.test(written.replace(/^0x.*/, ''));
    if (inexact)
      return this.fault(node, path, `The number ${quoted(written)} is too large to be kept exactly: put it in quotes.`);
    return value;
  }

  private map(node: YAMLMap, path: Path): unknown {
    if (this.isUnquotedTemplate(node)) {
      return this.fault(
        node,
        path,
        "An expression '{{ … }}' must be in quotes, because YAML reads an unquoted { as the beginning of a map: put the whole value in quotes.",
      );
    }
    const result: PlainMap = {};
    const merged: PlainMap[] = [];
    const written = new Map<string, Node>();
    for (const pair of node.items) {
      const key = asNode(pair.key);
      const name = this.name(key, node, path);
      if (name === undefined) continue;
      if (name === '<<' && isScalar(key) && key.type === 'PLAIN') merged.push(...this.merge(asNode(pair.value), path));
      else if (this.isNew(name, key, written, path)) result[name] = this.value(asNode(pair.value), [...path, name]);
    }
    for (const source of merged) {
      for (const [name, value] of Object.entries(source)) if (!Object.hasOwn(result, name)) result[name] = value;
    }
    return result;
  }

  private isUnquotedTemplate(node: YAMLMap): boolean {
    const key = asNode(node.items[0]?.key);
    return node.flow === true && isMap(key) && key.flow === true && node.items.length === 1;
  }

  /** The name of a property as it is written: `on` and `1` are names like any other. */
  private name(key: Node | null, map: Node, path: Path): string | undefined {
    const resolved = isAlias(key) ? this.anchors.get(key.source) : key;
    if (isScalar(resolved)) {
      const name = typeof resolved.value === 'string' ? resolved.value : (resolved.source ?? '');
      if (name === '__proto__') {
        this.fault(key, [...path, name], "A property cannot be called '__proto__': choose another name.");
        return undefined;
      }
      if (name !== '' || resolved.type !== 'PLAIN') {
        this.remember(resolved);
        return name;
      }
    }
    this.fault(
      key ?? map,
      path,
      'The name of a property must be text: write a name before the colon, in quotes if it has special characters.',
    );
    return undefined;
  }

  private isNew(name: string, key: Node | null, written: Map<string, Node>, path: Path): boolean {
    const before = written.get(name);
    if (before === undefined) {
      if (key !== null) written.set(name, key);
      return true;
    }
    const { line } = this.lines.linePos(before.range?.[0] ?? 0);
    this.faults.push({
      path: [...path, name],
      offset: key?.range?.[0] ?? 0,
      message: `The property ${quoted(name)} is written twice, first on line ${line}: remove one of the two.`,
    });
    return false;
  }

  private merge(node: Node | null, path: Path): PlainMap[] {
    const value = this.value(node, path);
    const maps = Array.isArray(value) ? value : [value];
    if (maps.every(isPlainMap)) return maps;
    this.fault(node, path, "A merge key ('<<') takes a map or a list of maps: give it an alias of a map.");
    return [];
  }

  private fault(node: Node | null, path: Path, message: string): null {
    this.faults.push({ path, offset: node?.range?.[0] ?? 0, message });
    return null;
  }

  private pass(node: Node | null, message: string): never {
    // Nothing else is known to be true of a flow that was not read to its end.
    this.faults.length = 0;
    this.faults.push({ path: [], offset: node?.range?.[0] ?? 0, message });
    throw new LimitPassed();
  }
}

function isPlainMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The parser's pairs are loosely typed: anything that is no node is nothing. */
export function asNode(value: unknown): Node | null {
  return isAlias(value) || isMap(value) || isSeq(value) || isScalar(value) ? value : null;
}
