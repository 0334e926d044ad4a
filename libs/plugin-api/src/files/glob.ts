/** Alternatives that braces may make of one pattern. */
const ALTERNATIVES_MAX = 100;

/**
 * Matches paths with `/` against a pattern: `*` and `?` within a part, `**` for any parts, `[abc]`, `{one,other}`.
 * The time grows with the product of both lengths, whatever the pattern.
 * @throws Error when the pattern has too many alternatives
 */
export function createGlob(pattern: string): (path: string) => boolean {
  const alternatives = expandBraces(pattern).map((alternative) => alternative.split('/'));
  return (path) => {
    const parts = path.split('/');
    return alternatives.some((alternative) => matchesParts(alternative, parts));
  };
}

/** True when the pattern is a plain name. */
export const isLiteral = (pattern: string): boolean => !/[*?[{]/.test(pattern);

function expandBraces(pattern: string): readonly string[] {
  let alternatives = [pattern];
  for (;;) {
    const expanded = alternatives.flatMap(expandInnermost);
    if (expanded.length > ALTERNATIVES_MAX)
      throw new Error(`The pattern '${pattern}' has more than ${ALTERNATIVES_MAX} alternatives`);
    if (expanded.length === alternatives.length && expanded.every((text, index) => text === alternatives[index]))
      return expanded;
    alternatives = expanded;
  }
}

function expandInnermost(pattern: string): readonly string[] {
  const close = pattern.indexOf('}');
  const open = close < 0 ? -1 : pattern.lastIndexOf('{', close);
  if (open < 0) return [pattern];
  const inside = pattern.slice(open + 1, close).split(',');
  return inside.map((choice) => pattern.slice(0, open) + choice + pattern.slice(close + 1));
}

/** One row for each pattern part: which numbers of path parts it can have reached. */
function matchesParts(pattern: readonly string[], parts: readonly string[]): boolean {
  let reached: ReadonlySet<number> = new Set([0]);
  for (const part of pattern) {
    const next = new Set<number>();
    for (const at of reached) {
      if (part === '**') for (let to = at; to <= parts.length; to++) next.add(to);
      else if (at < parts.length && matchesName(part, parts[at] ?? '')) next.add(at + 1);
    }
    reached = next;
  }
  return reached.has(parts.length);
}

/** The usual walk with one point to go back to: the last `*`. */
function matchesName(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let afterStar = 0;
  for (let index = 0; index < name.length;) {
    const step = stepAt(pattern, at, name[index] ?? '');
    if (pattern[at] === '*') {
      star = at++;
      afterStar = index;
    } else if (step > 0) {
      at += step;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      index = ++afterStar;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}

/** Length of what in the pattern takes one character; 0 when it does not take this one. */
function stepAt(pattern: string, at: number, character: string): number {
  if (at >= pattern.length) return 0;
  if (pattern[at] === '?') return 1;
  const close = pattern[at] === '[' ? pattern.indexOf(']', at + 2) : -1;
  if (close < 0) return pattern[at] === character ? 1 : 0;
  const inside = pattern.slice(at + 1, close);
  const negated = inside.startsWith('!') || inside.startsWith('^');
  return inSet(negated ? inside.slice(1) : inside, character) !== negated ? close - at + 1 : 0;
}

function inSet(set: string, character: string): boolean {
  for (let index = 0; index < set.length; index++) {
    const first = set[index] ?? '';
    const last = set[index + 1] === '-' ? set[index + 2] : undefined;
    if (last !== undefined) {
      if (first <= character && character <= last) return true;
      index += 2;
    } else if (first === character) return true;
  }
  return false;
}
