import { RE2JS } from 're2js';

/** A regular expression of a user, matched in time linear in the text. */
export interface Pattern {
  /** Whether the whole text matches. */
  matches(text: string): boolean;
}

const PATTERN_LENGTH_MAX = 1_000;

export type PatternResult = { readonly pattern: Pattern } | { readonly reason: string };

/** Compiles a regular expression (RE2 syntax: no look-around, no references back), or says why it cannot be used. */
export function compilePattern(source: string): PatternResult {
  if (source.length > PATTERN_LENGTH_MAX) return { reason: `it is longer than ${PATTERN_LENGTH_MAX} characters` };
  try {
    const compiled = RE2JS.compile(source);
    return { pattern: { matches: (text) => compiled.matches(text) } };
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/^error parsing regexp: /i, '') : 'it cannot be read';
    return { reason: detail };
  }
}
