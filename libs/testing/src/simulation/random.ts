/** Numbers that follow from a seed: the same seed gives the same run. */
export interface SeededRandom {
  /** A whole number from 0 to 2³² - 1. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
}

/** FNV-1a with a final mix: spreads texts that differ in one character. */
export function hashOf(...parts: readonly (string | number | undefined)[]): number {
  let hash = 0x811c9dc5;
  for (const character of parts.map((part) => `${part ?? '-'}|`).join('')) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A stream of its own for each `name`, so that drawing more in one place changes nothing in another. */
export function seededRandom(seed: number, name: string): SeededRandom {
  let state = hashOf(seed, name);
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  const between = (least: number, most: number): number => least + (next() % (most - least + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability * 2 ** 32,
    pick: (items) => items[next() % items.length] ?? items[0],
  };
}
