import { isPlainObject, type PlainObject } from '@millrace/model';
import { TaskFailure } from '@millrace/plugin-api';

/** Bytes of a task run's outputs as JSON; larger data belongs into a file. */
export const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

/** Bytes of what goes into records as it is. */
export const RECORD_BYTES_MAX = 512 * 1024;

const DEPTH_MAX = 64;

/**
 * Outputs as they travel: plain JSON, dates as ISO text, members without a value left out.
 * @throws TaskFailure when something has no JSON form or all or all is larger than `bytesMax`
 */
export function plainOutputs(outputs: PlainObject, what = 'outputs', bytesMax = OUTPUT_BYTES_MAX): PlainObject {
  const plain = plainValue(outputs, what, 0);
  if (!isPlainObject(plain)) throw new TaskFailure(`The ${what} of the task must be a map`);
  const bytes = Buffer.byteLength(JSON.stringify(plain));
  if (bytes > bytesMax) {
    throw new TaskFailure(
      `The ${what} of the task are ${bytes} bytes long, more than the ${bytesMax} that are kept: write large data to a file and output its URI`,
    );
  }
  return plain;
}

function plainValue(value: unknown, path: string, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (depth > DEPTH_MAX)
    throw new TaskFailure(`${path} is nested more than ${DEPTH_MAX} levels deep, or contains itself`);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof URL) return value.href;
  if (Array.isArray(value))
    return value.map((item: unknown, index) => plainValue(item ?? null, `${path}[${index}]`, depth + 1));
  if (!isPlainObject(value) || ArrayBuffer.isView(value))
    throw new TaskFailure(`${path} is a ${typeof value} that has no JSON form`);
  const toJson = value['toJSON'];
  const form: unknown = typeof toJson === 'function' ? Reflect.apply(toJson, value, []) : value;
  if (form !== value) return plainValue(form ?? null, path, depth + 1);
  const plain: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const converted = plainValue(member, `${path}.${name}`, depth + 1);
    Object.defineProperty(plain, name, { value: converted, enumerable: true, configurable: true, writable: true });
  }
  return plain;
}
