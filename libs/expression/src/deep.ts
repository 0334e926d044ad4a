import { ExpressionError, START } from './error.js';
import { DEFAULT_LIMITS } from './limits.js';
import { isMapValue, keysOf, putEntry, valueOf } from './values.js';

/**
 * A copy of a value with all texts inside lists and maps replaced, keys of maps too. Texts are visited in a fixed
 * order, all of them; of keys that become equal the first keeps its value.
 *
 * @throws ExpressionError kind `limit` when the value is nested too deeply
 */
export function mapTexts(
  value: unknown,
  replace: (text: string) => unknown,
  replaceKey: (text: string) => unknown = replace,
  depth = 0,
): unknown {
  if (typeof value === 'string') return replace(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEFAULT_LIMITS.depth) {
    const reason = `the value is nested more than ${DEFAULT_LIMITS.depth} levels deep`;
    throw new ExpressionError('limit', reason, START, '');
  }
  if (Array.isArray(value)) return value.map((item: unknown) => mapTexts(item, replace, replaceKey, depth + 1));
  if (!isMapValue(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key of keysOf(value)) {
    const replaced = replaceKey(key);
    const name = typeof replaced === 'string' ? replaced : key;
    const member = mapTexts(valueOf(value, key), replace, replaceKey, depth + 1);
    if (!Object.hasOwn(copy, name)) putEntry(copy, name, member);
  }
  return copy;
}
