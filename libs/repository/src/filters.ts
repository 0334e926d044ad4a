/** Operations of query filters (spec rest-api.md §1). */
export const OPERATIONS = [
  'EQUALS',
  'NOT_EQUALS',
  'GREATER_THAN',
  'LESS_THAN',
  'GREATER_THAN_OR_EQUAL_TO',
  'LESS_THAN_OR_EQUAL_TO',
  'IN',
  'NOT_IN',
  'STARTS_WITH',
  'ENDS_WITH',
  'CONTAINS',
  'REGEX',
  'PREFIX',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export const isOperation = (text: string): text is Operation => (OPERATIONS as readonly string[]).includes(text);

/** `filters[field][operation]=value`, and `filters[labels][operation][key]=value`. */
export interface QueryFilter {
  readonly field: string;
  readonly operation: Operation;
  /** Of labels only. */
  readonly key?: string;
  readonly value: string;
}

/** Bounds of one query: beyond them it is refused, not cut. */
export const FILTER_LIMITS = { filters: 50, valueLength: 1_000, listLength: 200 } as const;
