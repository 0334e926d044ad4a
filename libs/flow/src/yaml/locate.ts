import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { Path } from '../fault.js';
import { asNode } from './plain-data.js';

/** Where something stands in the file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** `name`: the name of a property; `value`: what it is set to. */
export type Part = 'name' | 'value';

/** Finds the places of a document's data. What is not written (a default, a merged value) is found at what holds it. */
export interface Locator {
  positionOf(path: Path, part: Part): Position;
  /** The place of a character of the text at `path`, counted in UTF-16 units of its value. */
  positionInText(path: Path, offset: number): Position;
  /** What is written for an unquoted scalar at `path`. */
  writtenAt(path: Path): string | undefined;
  positionAt(offset: number): Position;
}

interface Place {
  readonly name: Node | null;
  readonly value: Node | null;
}

export function createLocator(
  root: Node | null,
  source: string,
  lines: LineCounter,
  targets: ReadonlyMap<Node, Node>,
): Locator {
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, source.length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const follow = (node: Node | null): Node | null => (isAlias(node) ? (targets.get(node) ?? null) : node);

  const pairOf = (map: YAMLMap, name: string | number, depth: number): Pair | undefined => {
    const own = map.items.find((pair) => nameOf(follow(asNode(pair.key))) === String(name));
    if (own !== undefined || depth > MERGE_DEPTH_MAX) return own;
    for (const pair of map.items) {
      if (nameOf(asNode(pair.key)) !== '<<') continue;
      const merged = follow(asNode(pair.value));
      for (const item of isSeq(merged) ? merged.items : [merged]) {
        const target = follow(asNode(item));
        const found = isMap(target) ? pairOf(target, name, depth + 1) : undefined;
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };

  const placeOf = (path: Path): { place: Place; found: boolean } => {
    let place: Place = { name: null, value: root };
    for (const step of path) {
      const node = follow(place.value);
      if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
        place = { name: null, value: asNode(node.items[step]) };
        continue;
      }
      const pair = isMap(node) ? pairOf(node, step, 0) : undefined;
      if (pair === undefined) return { place, found: false };
      place = { name: asNode(pair.key), value: asNode(pair.value) };
    }
    return { place, found: true };
  };

  const startOf = ({ name, value }: Place, part: Part): number => {
    // A property without a value is shown at its name.
    const empty = value === null || (isScalar(value) && value.source === '' && value.type === 'PLAIN');
    const node = (part === 'name' || empty) && name !== null ? name : value;
    return node?.range?.[0] ?? 0;
  };

  return {
    positionAt,
    positionOf: (path, part) => {
      const { place, found } = placeOf(path);
      return positionAt(startOf(place, found ? part : 'value'));
    },
    positionInText: (path, offset) => {
      const { place, found } = placeOf(path);
      const node = place.value;
      if (!found || !isScalar(node)) return positionAt(startOf(place, 'value'));
      return positionAt(offsetInSource(node, source, offset));
    },
    writtenAt: (path) => {
      const { place, found } = placeOf(path);
      const node = follow(place.value);
      return found && isScalar(node) && node.type === 'PLAIN' ? node.source : undefined;
    },
  };
}

const MERGE_DEPTH_MAX = 50;

function nameOf(key: Node | null): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === 'string' ? key.value : key.source;
}

const WHITE = /\s/;

/**
 * The offset in the file of the character at `offset` of a scalar's value. Quotes, escapes and the indentation of
 * blocks are only in the file, and line breaks may be folded: both texts are walked side by side, where any white
 * space of one stands for any of the other.
 */
function offsetInSource(node: Scalar, source: string, offset: number): number {
  const value = typeof node.value === 'string' ? node.value : '';
  const [start, end] = [node.range?.[0] ?? 0, node.range?.[1] ?? 0];
  let at = contentStart(node, source, start, end);
  let index = 0;
  while (index < offset && at < end) {
    if (WHITE.test(value[index] ?? '')) {
      const before = at;
      while (index < offset && WHITE.test(value[index] ?? '')) index++;
      while (at < end && WHITE.test(source[at] ?? '')) at++;
      // The spaces of one line are counted, so that a column inside them is right.
      if (before === at) at += escapeLength(node, source, at);
      continue;
    }
    if (WHITE.test(source[at] ?? '')) at++;
    else {
      at += escapeLength(node, source, at);
      index++;
    }
  }
  if (!WHITE.test(value[offset] ?? '')) while (at < end && WHITE.test(source[at] ?? '')) at++;
  return Math.min(at, end);
}

function contentStart(node: Scalar, source: string, start: number, end: number): number {
  if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') return start + 1;
  if (node.type !== 'BLOCK_LITERAL' && node.type !== 'BLOCK_FOLDED') return start;
  const firstLine = source.indexOf('\n', start);
  return firstLine < 0 ? end : firstLine + 1;
}

const HEX_ESCAPES: Readonly<Record<string, number>> = { x: 4, u: 6, U: 10 };

/** How many characters of the file stand for one of the value. */
function escapeLength(node: Scalar, source: string, at: number): number {
  if (node.type === 'QUOTE_SINGLE') return source.startsWith("''", at) ? 2 : 1;
  if (node.type !== 'QUOTE_DOUBLE' || source[at] !== '\\') return 1;
  return HEX_ESCAPES[source[at + 1] ?? ''] ?? 2;
}
