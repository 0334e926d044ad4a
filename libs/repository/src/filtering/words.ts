import { FILTER_LIMITS } from '../filters.js';
import { lowered } from './predicates.js';

/** Runs of ASCII letters, digits and characters that are not of ASCII. */
const WORD = /[a-zA-Z0-9\u0080-\uffff]+/g;

/**
 * The different words of a text, by which messages are searched, without the case of ASCII letters. Of a long word only
 * what a search can ask for.
 */
export function wordsOf(text: string): readonly string[] {
  const words = new Set<string>();
  for (const [word] of text.matchAll(WORD)) words.add(lowered(word.slice(0, FILTER_LIMITS.valueLength)));
  return [...words];
}
