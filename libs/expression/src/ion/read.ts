import { createRequire } from 'node:module';
import type * as IonLibrary from 'ion-js';
import type { Run } from '../run.js';
import { putEntry } from '../values.js';

type IonValue = NonNullable<ReturnType<typeof IonLibrary.load>>;

/** Steps that reading one character costs: the library makes an object of every token. */
const STEPS_PER_UNIT = 1 / 4;

let library: typeof IonLibrary | undefined;

/** Loaded at the first use, as it takes longer than all else of this library together. */
function ion(): typeof IonLibrary {
  return (library ??= createRequire(import.meta.url)('ion-js') as typeof IonLibrary);
}

/**
 * The values of Ion text, one after the other: structures as maps, blobs as base64 text, timestamps as ISO text, symbols
 * as text; integers beyond 2^53 exactly.
 */
export function readIon(text: string, run: Run): unknown[] {
  run.step(Math.ceil(text.length * STEPS_PER_UNIT));
  return parse(text, run).map((value) => plain(value, run));
}

function parse(text: string, run: Run): IonValue[] {
  try {
    return ion().loadAll(text);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    return run.fail(
      'type',
      `the text is not Ion: ${error instanceof Error ? error.message : 'it cannot be read'}`,
      error,
    );
  }
}

function plain(value: IonValue, run: Run): unknown {
  run.step();
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
      return value.timestampValue()?.toString();
    case 'string':
    case 'symbol':
      return value.stringValue();
    case 'list':
    case 'sexp':
      return nested(run, () => value.elements().map((item) => plain(item, run)));
    case 'struct':
      return nested(run, () => {
        const map: Record<string, unknown> = {};
        for (const [name, member] of value.fields()) putEntry(map, name, plain(member, run));
        return map;
      });
    default:
      return Buffer.from(value.uInt8ArrayValue() ?? []).toString('base64');
  }
}

function nested<T>(run: Run, read: () => T): T {
  run.enter(1);
  const value = read();
  run.leave(1);
  return value;
}
