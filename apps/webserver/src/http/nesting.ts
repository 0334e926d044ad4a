import { unprocessable } from './errors.js';

/** Lists and maps inside each other that a body may have; parsers go one call deeper with each, and calls are finite. */
export const NESTING_MAX = 200;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const DASH = 0x2d;
const QUESTION = 0x3f;

const refuse = (): never => {
  throw unprocessable(`The text is nested deeper than ${NESTING_MAX} levels: use fewer levels`);
};

/** +1 for an opening bracket, -1 for a closing one. */
const step = (code: number): number => (code === 0x5b || code === 0x7b ? 1 : code === 0x5d || code === 0x7d ? -1 : 0);

/** @throws HttpError 422 when JSON text is nested too deeply to be worked with */
export function checkJsonNesting(text: string): void {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted && code === BACKSLASH) at++;
    else if (code === QUOTE) quoted = !quoted;
    else if (!quoted) {
      depth += step(code);
      if (depth > NESTING_MAX) refuse();
    }
  }
}

/**
 * Looks at YAML text before a parser does, in one pass: the parser calls itself for each level, and running out of stack
 * inside it can end the process. Counts levels from above: brackets that are not closed, wherever they stand, and lines
 * that are indented deeper than the ones before.
 * @throws HttpError 422 when there may be more than `NESTING_MAX` levels
 */
export function checkYamlNesting(text: string): void {
  let brackets = 0;
  const indents: number[] = [];
  for (let at = 0; at < text.length;) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const indicators = lineStart(text, at, end);
    while ((indents.at(-1) ?? -1) >= indicators.indent) indents.pop();
    indents.push(indicators.indent);
    for (; at < end; at++) {
      brackets = Math.max(0, brackets + step(text.charCodeAt(at)));
      if (brackets + indents.length + indicators.count > NESTING_MAX) refuse();
    }
    at = end + 1;
  }
}

/** The indentation of a line, and how many lists and keys it opens before its first word (`- - - x`). */
function lineStart(text: string, from: number, end: number): { readonly indent: number; readonly count: number } {
  let at = from;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  const indent = at - from;
  let count = 0;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === DASH || code === QUESTION) count++;
    else if (code !== SPACE && code !== 0x09) break;
  }
  // A line of dashes is a separator or decoration: only dashes with something between them open lists.
  return { indent, count: /^\s*-{2,}\s*$/.test(text.slice(from, Math.min(end, from + 500))) ? 0 : count };
}
