import { excerpt, isPlainObject, type PlainObject } from '@millrace/model';
import { readIon } from '@millrace/model/ion';
import { TaskFailure } from '@millrace/plugin-api';

/** An item of a file: as it is written, and what it says. JSON is Ion. */
export interface Item {
  readonly text: string;
  readonly value: unknown;
}

/**
 * Reads one item, written on one line.
 * @param number of the line, from 1
 * @throws TaskFailure when the line is no Ion
 */
export function itemOf(text: string, number: number): Item {
  try {
    return { text, value: fromJson(text) ?? readIon(text)[0] ?? null };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TaskFailure(`Line ${number} is neither JSON nor Ion: ${excerpt(reason)}`, undefined, error);
  }
}

/** The variables that an item gives to an expression: its members, and all of it as `item`. */
export const variablesOf = ({ value }: Item): PlainObject => ({
  ...(isPlainObject(value) ? value : { value }),
  item: value,
});

/** Most items are JSON, which reads many times faster so. Undefined when it is none, or has a number too long for it. */
function fromJson(text: string): unknown {
  if (LONG_NUMBER.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const LONG_NUMBER = /\d{16}/;
