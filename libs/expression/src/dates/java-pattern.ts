/** A piece of a Java date pattern: a run of one letter, quoted or plain text, or the bounds of an optional part. */
export type PatternPart =
  | { readonly kind: 'field'; readonly letter: string; readonly count: number }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'optional' | 'optionalEnd' };

/** The letters that are understood; Java reserves the others too, so they are refused. */
const LETTERS = new Set('yuYMLdDEecaHkKhmsSAnNVzOXxZQqwGW');

/** Why a pattern cannot be used, as the end of a sentence. */
export class PatternProblem {
  constructor(readonly reason: string) {}
}

/** Reads a pattern as of Java's `DateTimeFormatter.ofPattern`. */
export function parsePattern(pattern: string): readonly PatternPart[] | PatternProblem {
  const parts: PatternPart[] = [];
  for (let index = 0; index < pattern.length;) {
    const character = pattern.charAt(index);
    if (/[A-Za-z]/.test(character)) {
      if (!LETTERS.has(character)) return new PatternProblem(`the letter '${character}' is not known; put text in '…'`);
      let count = 1;
      while (pattern[index + count] === character) count++;
      parts.push({ kind: 'field', letter: character, count });
      index += count;
    } else if (character === "'") {
      const end = quoteEnd(pattern, index);
      if (end < 0) return new PatternProblem("a quote ' is not closed");
      const text = pattern.slice(index + 1, end).replaceAll("''", "'");
      parts.push({ kind: 'text', text: text === '' ? "'" : text });
      index = end + 1;
    } else {
      if (character === '[') parts.push({ kind: 'optional' });
      else if (character === ']') parts.push({ kind: 'optionalEnd' });
      else parts.push({ kind: 'text', text: character });
      index++;
    }
  }
  return parts;
}

/** The closing quote; a doubled one is a quote inside. */
function quoteEnd(pattern: string, start: number): number {
  if (pattern[start + 1] === "'") return start + 1;
  for (let index = start + 1; index < pattern.length; index++) {
    if (pattern[index] !== "'") continue;
    if (pattern[index + 1] !== "'") return index;
    index++;
  }
  return -1;
}
