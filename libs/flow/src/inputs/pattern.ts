import { RE2JS } from 're2js';

/** A regular expression of a user, matched in time linear in the text. */
export interface Pattern {
  /** Whether the whole text matches. */
  matches(text: string): boolean;
}

const PATTERN_LENGTH_MAX = 1_000;

export type PatternResult = { readonly pattern: Pattern } | { readonly reason: string };

/**
 * Compiles a regular expression, or says why it cannot be used. RE2 syntax, which has no references back; look-ahead is
 * understood at the beginning (`(?=.*[A-Z])(?!.*\s).{8,}`), where it is one more expression that the text must begin with.
 */
export function compilePattern(source: string): PatternResult {
  if (source.length > PATTERN_LENGTH_MAX) return { reason: `it is longer than ${PATTERN_LENGTH_MAX} characters` };
  const { conditions, rest } = leadingConditions(source);
  try {
    const compiled = RE2JS.compile(rest);
    const tests = conditions.map(({ inside, wanted }) => ({ begins: RE2JS.compile(inside), wanted }));
    return {
      pattern: {
        matches: (text) =>
          tests.every(({ begins, wanted }) => begins.matcher(text).lookingAt() === wanted) && compiled.matches(text),
      },
    };
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/^error parsing regexp: /i, '') : 'it cannot be read';
    return { reason: detail };
  }
}

interface Condition {
  readonly inside: string;
  /** False for `(?!…)`. */
  readonly wanted: boolean;
}

/** Takes the look-ahead groups off the beginning. An alternative at the top would not have them all: it keeps them. */
function leadingConditions(source: string): { readonly conditions: readonly Condition[]; readonly rest: string } {
  const conditions: Condition[] = [];
  let at = source.startsWith('^') ? 1 : 0;
  while (source.startsWith('(?=', at) || source.startsWith('(?!', at)) {
    const end = groupEnd(source, at);
    if (end === undefined || isQuantifier(source[end + 1])) break;
    conditions.push({ inside: source.slice(at + 3, end), wanted: source[at + 2] === '=' });
    at = end + 1;
  }
  const rest = source.slice(at);
  return conditions.length === 0 || hasTopAlternative(rest) ? { conditions: [], rest: source } : { conditions, rest };
}

const isQuantifier = (character: string | undefined): boolean => character !== undefined && '*+?{'.includes(character);

/** The closing bracket of the group that begins at `start`. */
function groupEnd(source: string, start: number): number | undefined {
  for (const { at, depth, closes } of brackets(source, start)) if (closes && depth === 0) return at;
  return undefined;
}

function hasTopAlternative(source: string): boolean {
  for (const { at, depth } of brackets(source, 0)) if (depth === 0 && source[at] === '|') return true;
  return false;
}

/** The brackets and bars of an expression with how many groups are open after them; not those in classes or escaped. */
function* brackets(source: string, start: number): Generator<{ at: number; depth: number; closes: boolean }> {
  let depth = 0;
  let inClass = false;
  for (let at = start; at < source.length; at++) {
    const character = source[at];
    if (character === '\\') at++;
    else if (inClass) inClass = character !== ']';
    else if (character === '[') {
      inClass = true;
      // A bracket that stands first in its class is meant as itself.
      if (source[at + 1] === '^') at++;
      if (source[at + 1] === ']') at++;
    } else if (character === '(') yield { at, depth: ++depth, closes: false };
    else if (character === ')') yield { at, depth: --depth, closes: true };
    else if (character === '|') yield { at, depth, closes: false };
  }
}
