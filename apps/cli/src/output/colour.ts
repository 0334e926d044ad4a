import type { State } from '@millrace/model';
import type { Output } from '../context.js';

const CODES = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, grey: 90, bold: 1 } as const;
export type Colour = keyof typeof CODES;

/** Colours text, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

/** Colours on a terminal, plain text elsewhere and where `NO_COLOR` asks for it. */
export function paintFor(output: Output, environment: Readonly<Record<string, string | undefined>>): Paint {
  const isColoured = output.isTTY === true && !environment['NO_COLOR'];
  return (colour, text) => (isColoured ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text);
}

const STATE_COLOURS: Partial<Record<State, Colour>> = {
  SUCCESS: 'green',
  WARNING: 'yellow',
  FAILED: 'red',
  KILLED: 'red',
  KILLING: 'yellow',
  CANCELLED: 'yellow',
  RETRYING: 'yellow',
  PAUSED: 'magenta',
  RUNNING: 'blue',
  SKIPPED: 'grey',
};

/** The colour in which a state is shown. */
export const stateColour = (state: State): Colour => STATE_COLOURS[state] ?? 'grey';

/** Text from flows and logs, made harmless for a terminal: control characters but tab are shown as `�`. */

export const printable = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '�');
