/** A map of values whose members are not known here; read with care. */
export type PlainObject = Readonly<Record<string, unknown>>;

/** True for a map as JSON and YAML make it: not null, not a list. */
export const isPlainObject = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text for a message, cut to `lengthMax` characters, so that a large value never floods a log or an error. */
export function excerpt(value: unknown, lengthMax = 80): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}
