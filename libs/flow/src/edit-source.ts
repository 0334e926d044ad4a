import { isMap, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml';

/**
 * The text of a flow with `disabled` set, everything else as it was written. The text must be that of a valid flow; one
 * that says so already is given back unchanged.
 */
export function withDisabled(source: string, disabled: boolean): string {
  const root = parseDocument(source, { schema: 'failsafe', uniqueKeys: false }).contents;
  if (!isMap(root)) return source;
  const pair = root.items.find(({ key }) => isScalar(key) && key.value === 'disabled');
  if (pair === undefined) return disabled ? inserted(source, root) : source;
  return replaced(source, pair, String(disabled));
}

/** Before the first property, so that nothing at the end of the text (comments, `...`) can be in the way. */
function inserted(source: string, root: YAMLMap): string {
  const start = root.range?.[0] ?? 0;
  if (root.flow === true) return `${source.slice(0, start + 1)}disabled: true, ${source.slice(start + 1)}`;
  const lineStart = source.lastIndexOf('\n', start - 1) + 1;
  const indent = source.slice(lineStart, start);
  // After `--- ` on the same line the properties cannot go on below: such a text has one property at most.
  const column = /^\s*$/.test(indent) ? indent : '';
  return `${source.slice(0, start)}disabled: true\n${column}${source.slice(start)}`;
}

function replaced(source: string, { key, value }: Pair, text: string): string {
  if (isScalar(value) && value.range && value.source !== '') {
    const [start, end] = value.range;
    return source.slice(start, end) === text ? source : source.slice(0, start) + text + source.slice(end);
  }
  // `disabled:` without a value.
  const end = source.indexOf(':', isScalar(key) ? (key.range?.[1] ?? 0) : 0) + 1;
  return `${source.slice(0, end)} ${text}${source.slice(end)}`;
}
