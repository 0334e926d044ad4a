/**
 * Levels above which a text is not given to the parser. The parser calls itself for each level, and running out of stack
 * inside it can end the process; what it accepts is checked against the flow's own limit afterwards.
 */
const LEVELS_MAX = 200;

const SPACE = 0x20;
const TAB = 0x09;
const DASH = 0x2d;
const QUESTION = 0x3f;

/** +1 for an opening bracket, -1 for a closing one. */
const step = (code: number): number => (code === 0x5b || code === 0x7b ? 1 : code === 0x5d || code === 0x7d ? -1 : 0);

/** The place (1-based) at which a YAML text may be nested too deeply to be parsed, and what to do; one pass. */
export interface NestingFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/**
 * Looks at YAML text before a parser does. Counts levels from above: brackets that are not closed, wherever they stand,
 * and lines that are indented deeper than the ones before.
 */
export function nestingFault(text: string): NestingFault | undefined {
  let brackets = 0;
  let line = 1;
  const indents: number[] = [];
  for (let start = 0; start < text.length; line++) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    const { indent, opened } = lineStart(text, start, end);
    while ((indents.at(-1) ?? -1) >= indent) indents.pop();
    indents.push(indent);
    for (let at = start; at < end; at++) {
      brackets = Math.max(0, brackets + step(text.charCodeAt(at)));
      if (brackets + indents.length + opened > LEVELS_MAX) {
        const message = `The text is nested deeper than ${LEVELS_MAX} levels: use fewer levels, and close the brackets that were opened.`;
        return { line, column: at - start + 1, message };
      }
    }
    start = end + 1;
  }
  return undefined;
}

/** The indentation of a line, and how many lists and keys it opens before its first word (`- - - x`). */
function lineStart(text: string, start: number, end: number): { readonly indent: number; readonly opened: number } {
  let at = start;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  const indent = at - start;
  let opened = 0;
  let adjacent = true;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === DASH || code === QUESTION) {
      opened++;
      adjacent &&= at === start + indent + opened - 1;
    } else if (code === SPACE || code === TAB) adjacent &&= opened === 0;
    else break;
  }
  // A line of nothing but dashes is a separator or decoration: only dashes with something between them open lists.
  return { indent, opened: adjacent && at === end ? 0 : opened };
}
