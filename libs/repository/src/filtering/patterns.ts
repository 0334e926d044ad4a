import { RE2JS, RE2JSException } from 're2js';
import { invalid, unsupported, type AskedFilter } from './values.js';
import type { QueryFilter } from '../filters.js';

/** Different values that a regular expression is tried on at most. */
export const DISTINCT_MAX = 10_000;

/**
 * Answers regular expressions: the different values that rows have are matched here, in linear time whatever the expression
 * is, and the store is asked for those that match. The whole value must match.
 * @param fields those that have few enough values
 * @param distinct up to `DISTINCT_MAX + 1` values of a field, of all rows in scope
 * @throws RepositoryError INVALID_QUERY for what is no regular expression, and for a field with too many values
 */
export async function withMatches<Query extends { readonly filters: readonly QueryFilter[] }>(
  query: Query,
  fields: readonly string[],
  distinct: (field: string) => Promise<readonly string[]>,
): Promise<Query & { readonly filters: readonly AskedFilter[] }> {
  if (!query.filters.some(({ operation }) => operation === 'REGEX')) return query;
  const filters = query.filters.map(async (filter): Promise<AskedFilter> => {
    if (filter.operation !== 'REGEX') return filter;
    if (!fields.includes(filter.field)) throw unsupported(filter);
    const pattern = compile(filter);
    const values = await distinct(filter.field);
    if (values.length > DISTINCT_MAX)
      throw invalid(
        `The filter '${filter.field}' cannot be used with REGEX: it has more than ${DISTINCT_MAX} different values here; use STARTS_WITH, CONTAINS or PREFIX`,
      );
    return { ...filter, matches: values.filter((value) => pattern.matcher(value).matches()) };
  });
  return { ...query, filters: await Promise.all(filters) };
}

function compile({ field, value }: QueryFilter): RE2JS {
  try {
    return RE2JS.compile(value);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw invalid(`The filter '${field}' is no regular expression: ${error.message}`);
  }
}
