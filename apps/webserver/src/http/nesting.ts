import { unprocessable } from './errors.js';

/** Lists and maps inside each other that a body may have; parsers go one call deeper with each, and calls are finite. */
export const NESTING_MAX = 200;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

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
