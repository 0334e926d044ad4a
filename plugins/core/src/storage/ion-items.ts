import { load, IonTypes, type dom } from 'ion-js';
import { excerpt, isPlainObject, type PlainObject } from '@millrace/model';
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
    const value = load(text);
    return { text, value: value === null ? null : plain(value) };
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

function plain(value: dom.Value): unknown {
  if (value.isNull()) return null;
  switch (value.getType()) {
    case IonTypes.STRUCT:
      return Object.fromEntries(value.fields().map(([name, member]) => [name, plain(member)]));
    case IonTypes.LIST:
    case IonTypes.SEXP:
      return value.elements().map(plain);
    case IonTypes.BOOL:
      return value.booleanValue();
    case IonTypes.INT:
    case IonTypes.FLOAT:
      return value.numberValue();
    case IonTypes.DECIMAL:
      return Number(value.stringValue() ?? String(value));
    case IonTypes.TIMESTAMP:
      return value.dateValue()?.toISOString() ?? null;
    default:
      return value.stringValue() ?? String(value);
  }
}
