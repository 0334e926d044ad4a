/**
 * Truth of a rendered value: false for null, false, 0 and for text that, trimmed, is empty, `0`, `-0` or `false`; all
 * else is true, lists and maps too, even empty ones, because their text is `[]` and `{}`.
 */
export function isTruthy(rendered: unknown): boolean {
  if (rendered === null || rendered === undefined || rendered === false || rendered === 0) return false;
  if (typeof rendered !== 'string') return true;
  const text = rendered.trim();
  return text !== '' && text !== '0' && text !== '-0' && text !== 'false';
}
