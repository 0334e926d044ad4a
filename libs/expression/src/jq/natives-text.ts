import type { Run } from '../run.js';
import { isList, isMapValue, putEntry } from '../values.js';
import { splitText } from './arithmetic.js';
import { described, JqError } from './error.js';
import { textOf } from './format.js';
import { made } from './item.js';
import { ofInput, ofOne, ofTwo, type Natives } from './native.js';
import { matchesOf, type Match } from './regex.js';

/** Functions of texts and regular expressions. */
export const TEXT_NATIVES: Natives = {
  'startswith/1': ofOne((value, start) => text(value, 'startswith').startsWith(text(start, 'startswith'))),
  'endswith/1': ofOne((value, end) => text(value, 'endswith').endsWith(text(end, 'endswith'))),
  'ltrimstr/1': ofOne((value, start) =>
    typeof value === 'string' && typeof start === 'string' && value.startsWith(start)
      ? value.slice(start.length)
      : value,
  ),
  'rtrimstr/1': ofOne((value, end) =>
    typeof value === 'string' && typeof end === 'string' && end !== '' && value.endsWith(end)
      ? value.slice(0, -end.length)
      : value,
  ),
  'trim/0': ofInput((value) => text(value, 'trim').trim()),
  'ltrim/0': ofInput((value) => text(value, 'ltrim').trimStart()),
  'rtrim/0': ofInput((value) => text(value, 'rtrim').trimEnd()),
  'split/1': ofOne((value, separator, run) => splitText(text(value, 'split'), text(separator, 'split'), run)),
  'split/2': ofTwo((value, pattern, flags, run) => splitByPattern(text(value, 'split'), pattern, flags, run)),
  'join/1': ofOne((value, separator, run) => join(value, separator, run)),
  'ascii_downcase/0': ofInput((value) =>
    text(value, 'ascii_downcase').replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
  ),
  'ascii_upcase/0': ofInput((value) => text(value, 'ascii_upcase').replace(/[a-z]/g, (letter) => letter.toUpperCase())),
  'explode/0': ofInput((value, run) => {
    run.step(text(value, 'explode').length);
    return [...text(value, 'explode')].map((character) => character.codePointAt(0) ?? 0);
  }),
  'implode/0': ofInput((value, run) => {
    if (!isList(value)) throw new JqError('implode input must be an array');
    run.step(value.length);
    return value.map(character).join('');
  }),
  'test/2': ofTwo((value, pattern, flags, run) => matchesOf(value, pattern, flags, run).length > 0),
  'match/2': function* ({ item, run, values }) {
    for (const flags of values(1, item.value)) {
      for (const pattern of values(0, item.value)) {
        for (const match of matchesOf(item.value, pattern, flags, run)) yield made(match, item);
      }
    }
  },
  'sub/3': function* ({ item, run, values }) {
    for (const flags of values(2, item.value)) {
      for (const pattern of values(0, item.value)) {
        const input = text(item.value, 'sub');
        const matches = matchesOf(input, pattern, flags, run);
        yield* replacements(input, matches, (names) => values(1, names), run).map((result) => made(result, item));
      }
    }
  },
};

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw new JqError(`${described(value)} cannot be used by ${name}, as it is not a string`);
}

function character(code: unknown): string {
  if (typeof code !== 'number' || !Number.isInteger(code) || code < 0 || code > 0x10ffff) {
    throw new JqError('Unicode codepoint must be numeric and valid');
  }
  return String.fromCodePoint(code);
}

function join(value: unknown, separator: unknown, run: Run): string {
  if (!isList(value)) throw new JqError(`Cannot iterate over ${described(value)}`);
  const between = value.length === 0 ? '' : text(separator, 'join');
  let length = 0;
  const parts = value.map((item) => {
    if (isList(item) || isMapValue(item)) throw new JqError(`string ("") and ${described(item)} cannot be added`);
    const part = item === null ? '' : textOf(item, run);
    length += part.length + between.length;
    run.willMake(length);
    return part;
  });
  run.step(parts.length);
  return run.made(parts.join(between));
}

function splitByPattern(input: string, pattern: unknown, flags: unknown, run: Run): unknown {
  const characters = [...input];
  const parts: string[] = [];
  let from = 0;
  for (const { offset, length } of matchesOf(input, pattern, `${typeof flags === 'string' ? flags : ''}g`, run)) {
    parts.push(characters.slice(from, offset).join(''));
    from = offset + length;
  }
  return [...parts, characters.slice(from).join('')];
}

/** The text with each match replaced; a replacement with several results gives as many texts. */
function replacements(
  input: string,
  matches: readonly Match[],
  replace: (names: unknown) => Iterable<unknown>,
  run: Run,
): readonly string[] {
  const characters = [...input];
  let results = [''];
  let from = 0;
  for (const match of matches) {
    const before = characters.slice(from, match.offset).join('');
    const names: Record<string, unknown> = {};
    for (const { name, string } of match.captures) if (name !== null) putEntry(names, name, string);
    const inserted = [...replace(names)].map((value) => before + text(value, 'sub'));
    results = inserted.flatMap((piece) => results.map((result) => run.made(result + piece)));
    run.step(results.length);
    from = match.offset + match.length;
  }
  const rest = characters.slice(from).join('');
  return results.map((result) => run.made(result + rest));
}
