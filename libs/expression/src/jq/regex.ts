import { RE2JS } from 're2js';
import type { Run } from '../run.js';
import { described, JqError } from './error.js';

/** One place at which a regular expression matches, counted in characters. */
export interface Match {
  readonly offset: number;
  readonly length: number;
  readonly string: string;
  readonly captures: readonly Capture[];
}

export interface Capture {
  readonly offset: number;
  readonly length: number;
  readonly string: string | null;
  readonly name: string | null;
}

/**
 * Where a regular expression matches, in linear time. Flags: g all, i without case, x without white space in the
 * expression, s `.` is every character, n no empty matches, l and p as they do not change what matches here.
 */
export function matchesOf(text: unknown, pattern: unknown, flags: unknown, run: Run): readonly Match[] {
  if (typeof text !== 'string') throw new JqError(`${described(text)} cannot be matched, as it is not a string`);
  if (typeof pattern !== 'string') throw new JqError(`${described(pattern)} cannot be matched, as it is not a string`);
  const chosen = flagsOf(flags);
  const compiled = compile(pattern, chosen);
  run.step(1 + Math.ceil(text.length / 8));
  const names = namesByGroup(compiled);
  const matcher = compiled.matcher(text);
  const matches: Match[] = [];
  const count = counter(text);
  while (matcher.find()) {
    run.step();
    const [start, end] = [matcher.start(), matcher.end()];
    if (start === end && chosen.has('n')) continue;
    const captures = Array.from({ length: matcher.groupCount() }, (_, index): Capture => {
      const string = matcher.group(index + 1);
      const name = names.get(index + 1) ?? null;
      if (string === null || string === undefined) return { offset: -1, length: 0, string: null, name };
      return { offset: count(matcher.start(index + 1)), length: [...string].length, string, name };
    });
    const string = text.slice(start, end);
    matches.push({ offset: count(start), length: [...string].length, string, captures });
    if (!chosen.has('g')) break;
  }
  return matches;
}

function flagsOf(flags: unknown): ReadonlySet<string> {
  if (flags === null || flags === undefined) return new Set();
  if (typeof flags !== 'string' || /[^gixsnlp]/.test(flags)) {
    throw new JqError(`${described(flags)} is not a valid modifier string`);
  }
  return new Set(flags);
}

function compile(pattern: string, flags: ReadonlySet<string>): RE2JS {
  const text = flags.has('x') ? withoutSpace(pattern) : pattern;
  try {
    const options =
      (flags.has('i') ? RE2JS.CASE_INSENSITIVE : 0) | (flags.has('s') || flags.has('p') ? RE2JS.DOTALL : 0);
    return RE2JS.compile(
      text.replaceAll('(?<', '(?P<').replaceAll('(?P<=', '(?<=').replaceAll('(?P<!', '(?<!'),
      options,
    );
  } catch (error) {
    throw new JqError(`${pattern} is not a regular expression: ${error instanceof Error ? error.message : ''}`);
  }
}

function withoutSpace(pattern: string): string {
  return pattern.replace(/\\.|\[(?:\\.|[^\]])*\]|\s+|#[^\n]*/g, (piece) => (/^(\\|\[)/.test(piece) ? piece : ''));
}

function namesByGroup(pattern: RE2JS): ReadonlyMap<number, string> {
  return new Map(Object.entries(pattern.namedGroups()).map(([name, index]) => [Number(index), name]));
}

/** Characters before a place counted in UTF-16 units; places are asked in rising order. */
function counter(text: string): (unit: number) => number {
  let [unit, characters] = [0, 0];
  return (wanted) => {
    if (wanted < unit) [unit, characters] = [0, 0];
    characters += [...text.slice(unit, wanted)].length;
    unit = wanted;
    return characters;
  };
}
