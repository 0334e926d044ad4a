import type { Run } from '../run.js';
import { isList, isMapValue, keysOf, putEntry, typeName, valueOf } from '../values.js';
import { booleanArgument, textArgument } from './arguments.js';
import type { Filters } from './definition.js';
import { compilePattern } from './strings.js';

/** What each way of escaping puts before or around a quote. */
const ESCAPES: Readonly<Record<string, (text: string) => string>> = {
  single: (text) => text.replaceAll("'", "\\'"),
  double: (text) => text.replaceAll('"', '\\"'),
  shell: (text) => text.replaceAll("'", "'\\''"),
};

/** Filters that change every text inside a list or map. */
export const REPLACE_FILTERS: Filters = {
  replace: {
    parameters: ['pairs', 'regexp'],
    required: 1,
    apply: (input, [pairs, regexp], run) => {
      const isPattern = booleanArgument(regexp, 'regexp', run, false);
      const replacers = pairsOf(pairs, run).map(([from, to]) =>
        isPattern ? byPattern(from, to, run) : byText(from, to),
      );
      return mapTexts(input, run, (text) =>
        replacers.reduce((current, replace) => run.made(replace(run.made(current))), text),
      );
    },
  },
  escapeChar: {
    parameters: ['type'],
    required: 1,
    apply: (input, [type], run) => {
      const name = textArgument(type, 'type', run);
      const escape = Object.hasOwn(ESCAPES, name) ? ESCAPES[name] : undefined;
      if (escape === undefined) return run.fail('type', `escapeChar knows single, double and shell, but not '${name}'`);
      return mapTexts(input, run, (text) => run.made(escape(text)));
    },
  },
};

function pairsOf(pairs: unknown, run: Run): readonly (readonly [string, string])[] {
  if (!isMapValue(pairs)) {
    return run.fail('type', `replace needs a map of what to replace by what, but got ${typeName(pairs)}`);
  }
  return keysOf(pairs).map((key) => [key, run.text(valueOf(pairs, key))] as const);
}

function byText(from: string, to: string): (text: string) => string {
  // A function as replacement: in a text `$&` would have a meaning.
  return (text) => text.replaceAll(from, () => to);
}

function byPattern(from: string, to: string, run: Run): (text: string) => string {
  const pattern = compilePattern(from, run);
  return (text) => pattern.matcher(text).replaceAll(to);
}

/** Texts inside a value changed, keys left; other scalars become text first, as this is what a filter of text does. */
function mapTexts(value: unknown, run: Run, change: (text: string) => string): unknown {
  run.step();
  if (isList(value)) {
    run.enter(1);
    const items = value.map((item) => mapTexts(item, run, change));
    run.leave(1);
    return items;
  }
  if (isMapValue(value)) {
    run.enter(1);
    const copy: Record<string, unknown> = {};
    for (const key of keysOf(value)) putEntry(copy, key, mapTexts(valueOf(value, key), run, change));
    run.leave(1);
    return copy;
  }
  return value === null ? null : change(run.text(value));
}
