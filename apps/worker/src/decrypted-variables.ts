import { decryptText, isEncryptedValue } from '@millrace/expression';
import type { PlainObject } from '@millrace/model';
import { isPlainObject } from '@millrace/model';
import type { SecretMask } from './secrets.js';

const DEPTH_MAX = 64;

/**
 * The variables of a job with its encrypted values opened, each of which is masked from then on. Jobs travel with the
 * encrypted ones: the plain text exists only here, for the time of the job. Without a key they stay as they are.
 *
 * @throws EncryptionProblem when a value cannot be opened with the key
 */
export function decryptedVariables(variables: PlainObject, key: string | undefined, mask: SecretMask): PlainObject {
  if (key === undefined) return variables;
  const opened = open(variables, key, mask, 0);
  return isPlainObject(opened) ? opened : variables;
}

/** Gives back the value itself where nothing inside is encrypted: outputs may be large. */
function open(value: unknown, key: string, mask: SecretMask, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value;
  if (isEncryptedValue(value)) {
    const text = decryptText(key, value.value);
    mask.add(text);
    return text;
  }
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => open(item, key, mask, depth + 1));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isPlainObject(value)) return value;
  const entries = Object.entries(value).map(([name, member]) => [name, open(member, key, mask, depth + 1)] as const);
  return entries.some(([name, member]) => member !== value[name]) ? Object.fromEntries(entries) : value;
}
