import { RepositoryError } from '../contract.js';
import { FILTER_LIMITS, type Operation, type QueryFilter } from '../filters.js';
import { any, not, type Comparison, type Predicate, type TextCondition } from './predicates.js';

/** A filter whose REGEX was answered already (`withMatches`): with the values that match. */
export interface AskedFilter extends QueryFilter {
  readonly matches?: readonly string[];
}

export const invalid = (message: string): RepositoryError => new RepositoryError('INVALID_QUERY', message, false);

/** Refusal of an operation that a field does not have. */
export const unsupported = ({ field, operation }: QueryFilter): RepositoryError =>
  invalid(`The filter '${field}' cannot be used with ${operation}`);

const unknownField = ({ field }: QueryFilter, known: readonly string[]): RepositoryError =>
  invalid(`There is no filter '${field}' here: use one of ${known.join(', ')}`);

/** What each field of a kind of rows asks. */
export type Fields = Readonly<Record<string, (filter: AskedFilter, now: number) => Predicate>>;

/** @throws RepositoryError INVALID_QUERY for a field that there is not, or one that has no such operation */
export function predicatesOf(fields: Fields, filters: readonly AskedFilter[], now: number): readonly Predicate[] {
  return filters.map((filter) => {
    const field = Object.hasOwn(fields, filter.field) ? fields[filter.field] : undefined;
    if (!field) throw unknownField(filter, Object.keys(fields));
    return field(filter, now);
  });
}

/** The comma-separated values of IN and NOT_IN. */
export function listOf({ field, value }: QueryFilter): readonly string[] {
  const values = value.split(',').map((one) => one.trim());
  if (values.length > FILTER_LIMITS.listLength) {
    throw invalid(`The filter '${field}' has ${values.length} values; at most ${FILTER_LIMITS.listLength} are allowed`);
  }
  return values;
}

/** A condition on a field of text. A row without a value never equals, so NOT_EQUALS and NOT_IN include it. */
export function onText(field: string, filter: AskedFilter, operations?: readonly Operation[]): Predicate {
  if (operations && !operations.includes(filter.operation)) throw unsupported(filter);
  switch (filter.operation) {
    case 'NOT_EQUALS':
      return not({ kind: 'equals', field, text: filter.value });
    case 'NOT_IN':
      return not({ kind: 'one-of', field, texts: listOf(filter) });
    case 'PREFIX':
      return { kind: 'within', field, namespace: filter.value };
    case 'REGEX':
      if (filter.matches === undefined) throw unsupported(filter);
      return { kind: 'one-of', field, texts: filter.matches };
    default:
      return { ...textCondition(filter), field };
  }
}

/** What a filter that is not negative asks of a text. */
export function textCondition(filter: QueryFilter): TextCondition {
  const { operation, value } = filter;
  switch (operation) {
    case 'EQUALS':
      return { kind: 'equals', text: value };
    case 'IN':
      return { kind: 'one-of', texts: listOf(filter) };
    case 'STARTS_WITH':
      return { kind: 'starts', text: value };
    case 'ENDS_WITH':
      return { kind: 'ends', text: value };
    case 'CONTAINS':
      return { kind: 'contains', text: value };
    default:
      throw unsupported(filter);
  }
}

const COMPARISONS: Partial<Record<Operation, Comparison>> = {
  EQUALS: '=',
  GREATER_THAN: '>',
  LESS_THAN: '<',
  GREATER_THAN_OR_EQUAL_TO: '>=',
  LESS_THAN_OR_EQUAL_TO: '<=',
};

/** A condition on an instant; the value is an ISO-8601 date with an offset or Z. A row without one never fits. */
export function onInstant(field: string, filter: QueryFilter): Predicate {
  const comparison = COMPARISONS[filter.operation];
  if (!comparison && filter.operation !== 'NOT_EQUALS') throw unsupported(filter);
  const value = /^\d{4}-\d{2}-\d{2}/.test(filter.value) ? Date.parse(filter.value) : Number.NaN;
  if (Number.isNaN(value))
    throw invalid(`The filter '${filter.field}' needs an ISO-8601 date, but is '${filter.value.slice(0, 80)}'`);
  if (comparison) return { kind: 'compare', field, comparison, value };
  return any({ kind: 'compare', field, comparison: '<', value }, { kind: 'compare', field, comparison: '>', value });
}

const DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** `timeRange`: an ISO-8601 duration of days to seconds, counted back from `now`. */
export function since(field: string, filter: QueryFilter, now: number): Predicate {
  if (filter.operation !== 'EQUALS') throw unsupported(filter);
  const { value } = filter;
  const match = DURATION.exec(value);
  if (!match || value === 'P' || value.endsWith('T')) {
    throw invalid(
      `The filter '${filter.field}' needs an ISO-8601 duration such as PT24H, but is '${value.slice(0, 80)}'`,
    );
  }
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  const backMs = (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1_000;
  return { kind: 'compare', field, comparison: '>=', value: now - backMs };
}

/** SYSTEM: flows of the namespace `system` and its children; USER: all others. */
export function onFlowScope(field: string, filter: QueryFilter): Predicate {
  const values = listOf(filter);
  if (!['EQUALS', 'IN', 'NOT_EQUALS', 'NOT_IN'].includes(filter.operation)) throw unsupported(filter);
  if (!values.every((value) => value === 'USER' || value === 'SYSTEM')) {
    throw invalid(`The filter 'scope' must be USER or SYSTEM, but is '${filter.value.slice(0, 80)}'`);
  }
  const system: Predicate = { kind: 'within', field, namespace: 'system' };
  const chosen = any(...values.map((value) => (value === 'SYSTEM' ? system : not(system))));
  return filter.operation.startsWith('NOT') ? not(chosen) : chosen;
}

/** Checks a value against a closed list. */
export function oneOf<Value extends string>(filter: QueryFilter, values: readonly Value[]): readonly Value[] {
  return listOf(filter).map((value) => {
    const known = values.find((one) => one === value);
    if (known === undefined)
      throw invalid(`The filter '${filter.field}' must be one of ${values.join(', ')}, but is '${value.slice(0, 80)}'`);
    return known;
  });
}

/** Search of people: refused with anything but EQUALS and CONTAINS, which say the same. */
export function searchText(filter: QueryFilter): string {
  if (filter.operation !== 'EQUALS' && filter.operation !== 'CONTAINS') throw unsupported(filter);
  return filter.value;
}

/** A piece of text in any of the fields, without the case of ASCII letters. */
export const containsAny = (fields: readonly string[], text: string): Predicate =>
  any(...fields.map((field): Predicate => ({ kind: 'contains', field, text, ignoreCase: true })));
