import { createRequire } from 'node:module';
import type * as IonLibrary from 'ion-js';

type IonValue = NonNullable<ReturnType<typeof IonLibrary.load>>;

/** A text that is not Ion; the message says why. */
export class IonSyntaxError extends Error {
  override readonly name = 'IonSyntaxError';

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : 'it cannot be read', { cause });
  }
}

/** What reading may cost; the callbacks throw to end it. */
export interface IonLimits {
  /** Called before each value. */
  readonly onValue?: () => void;
  /** Reads the members of a list or structure; as deep as the text is. */
  readonly nested?: <T>(read: () => T) => T;
}

let library: typeof IonLibrary | undefined;

/** Loaded at the first use, as it takes longer than all else of this library together. */
const ion = (): typeof IonLibrary => (library ??= createRequire(import.meta.url)('ion-js') as typeof IonLibrary);

/**
 * The values of Ion text, one after the other: structures as plain objects, blobs as base64 text, timestamps as ISO text,
 * symbols as text; integers beyond 2^53 exactly, as a bigint. JSON is Ion.
 * @throws IonSyntaxError; RangeError when it is nested too deeply
 */
export function readIon(text: string, { onValue, nested = (read) => read() }: IonLimits = {}): unknown[] {
  function plain(value: IonValue): unknown {
    onValue?.();
    if (value.isNull()) return null;
    switch (value.getType().name) {
      case 'bool':
        return value.booleanValue();
      case 'int': {
        const number = value.numberValue() ?? 0;
        return Number.isSafeInteger(number) ? number : value.bigIntValue();
      }
      case 'float':
      case 'decimal':
        return value.numberValue();
      case 'timestamp':
        // Ion marks a date without a time by a last T.
        return value.timestampValue()?.toString().replace(/T$/, '');
      case 'string':
      case 'symbol':
        return value.stringValue();
      case 'list':
      case 'sexp':
        return nested(() => value.elements().map(plain));
      case 'struct':
        // As own members, whatever their names are: also `__proto__`.
        return nested(() => Object.fromEntries(value.fields().map(([name, member]) => [name, plain(member)])));
      default:
        return Buffer.from(value.uInt8ArrayValue() ?? []).toString('base64');
    }
  }
  return parsed(text).map(plain);
}

function parsed(text: string): IonValue[] {
  try {
    return ion().loadAll(text);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new IonSyntaxError(error);
  }
}
