/**
 * A map whose members are looked up only when read: a host's view on data too large to copy. Templates cannot tell it
 * from a map: attributes, `isIn`, `contains`, loops, filters and printing work alike.
 */
export abstract class LazyMap {
  /** Called only for keys that `has` knows. */
  abstract get(key: string): unknown;
  abstract has(key: string): boolean;
  abstract keys(): Iterable<string>;

  /** So that a host's `JSON.stringify` prints it as the map that it stands for. */
  toJSON(): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    for (const key of this.keys()) putEntry(copy, key, this.get(key));
    return copy;
  }
}

export type PlainMap = Readonly<Record<string, unknown>>;
export type MapValue = PlainMap | LazyMap;

/** Never readable by name: with them a template could reach the host's code. */
const REFUSED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** False for names through which JavaScript's own machinery could be reached. */
export function isReadableKey(key: string): boolean {
  return !REFUSED_KEYS.has(key);
}

export function isPlainMap(value: unknown): value is PlainMap {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The second form is a plain object of another realm (a test runner's, a vm's).
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

export function isMapValue(value: unknown): value is MapValue {
  return value instanceof LazyMap || isPlainMap(value);
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

export function keysOf(map: MapValue): readonly string[] {
  return map instanceof LazyMap ? [...map.keys()] : Object.keys(map);
}

export function hasKey(map: MapValue, key: string): boolean {
  return map instanceof LazyMap ? map.has(key) : Object.hasOwn(map, key);
}

/** The value of an own key; absent and `undefined` are both null, so check `hasKey` where it matters. */
export function valueOf(map: MapValue, key: string): unknown {
  if (map instanceof LazyMap) return map.has(key) ? (map.get(key) ?? null) : null;
  return Object.hasOwn(map, key) ? (map[key] ?? null) : null;
}

/** Sets an own property; the key `__proto__` in data must not become the prototype. */
export function putEntry(map: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  } else map[key] = value;
}

/** Name of a value's kind for error messages. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (isList(value)) return 'a list';
  if (isMapValue(value)) return 'a map';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'number':
    case 'bigint':
      return 'a number';
    case 'boolean':
      return 'a boolean';
    default:
      return 'a value of an unsupported type';
  }
}

/** Numbers as text: integers without a point or exponent, others as JavaScript prints them. */
export function numberText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) >= 1e21 ? BigInt(value).toString() : String(value);
}
