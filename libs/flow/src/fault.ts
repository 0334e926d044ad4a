/** A place in a flow, from its root: names of properties and indexes of lists. */
export type Path = readonly (string | number)[];

/** Something to tell the author of a flow. `line` and `column` count from 1 in the file. */
export interface Finding {
  readonly line: number;
  readonly column: number;
  /** As people write it: `tasks[2].cases.rome[0].message`; empty for the whole flow. */
  readonly path: string;
  /** One sentence: what was wrong and what to do. */
  readonly message: string;
  /** The name that was probably meant, when one is near. */
  readonly suggestion?: string;
}

/** A finding for which the flow is refused. */
export type Fault = Finding;

const PLAIN_NAME = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u;

/** `tasks[2].cases['new york'][0]` for `['tasks', 2, 'cases', 'new york', 0]`. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (PLAIN_NAME.test(step)) text += text === '' ? step : `.${step}`;
    else text += `['${step.replaceAll("'", "\\'")}']`;
  }
  return text;
}

const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
const SOURCE_LINE_MAX = 160;

/**
 * A finding for a terminal: `file:line:column: sentence`, the line of the source and a caret below the column. Control
 * characters of the source are not printed; of a very long line only the part around the column is shown.
 */
export function formatFault(fault: Finding, options: { readonly file: string; readonly source: string }): string {
  const head = `${options.file}:${fault.line}:${fault.column}: ${fault.message}`;
  const line = options.source.split(/\r\n|\r|\n/, fault.line)[fault.line - 1];
  if (line === undefined || line.trim() === '') return head;
  const from = fault.column > SOURCE_LINE_MAX - 20 ? fault.column - SOURCE_LINE_MAX / 2 : 0;
  const shown = line.slice(from, from + SOURCE_LINE_MAX).replace(CONTROL_CHARACTERS, ' ');
  // Tabs stay tabs before the caret, so that it stands under its character whatever the terminal's tab width is.
  const indent = shown.slice(0, fault.column - 1 - from).replace(/[^\t]/g, ' ');
  return `${head}\n  ${shown}\n  ${indent}^`;
}
