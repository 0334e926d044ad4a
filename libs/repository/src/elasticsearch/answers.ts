/** A member of what the server answered; undefined where there is none. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** The same of a list; empty where there is none. */
export function members(value: unknown, ...names: readonly string[]): readonly unknown[] {
  const found = names.reduce(member, value);
  return Array.isArray(found) ? found : [];
}

/** A number that the server answered; 0 where there is none. */
export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** A found document. */
export interface Hit {
  readonly index: string;
  readonly id: string;
  readonly version: number;
  readonly source: unknown;
  readonly sort: readonly unknown[];
}

export const hitsOf = (answer: unknown): readonly Hit[] =>
  members(answer, 'hits', 'hits').map((hit) => ({
    index: String(member(hit, '_index')),
    id: String(member(hit, '_id')),
    version: numberOf(member(hit, '_version')),
    source: member(hit, '_source'),
    sort: members(hit, 'sort'),
  }));

export const totalOf = (answer: unknown): number => numberOf(member(member(member(answer, 'hits'), 'total'), 'value'));

/** The record that a document holds as text. */
export function recordOf<Value>({ source }: Pick<Hit, 'source'>): Value {
  // Written by us, from a record of this type.
  return JSON.parse(String(member(source, 'record'))) as Value;
}
